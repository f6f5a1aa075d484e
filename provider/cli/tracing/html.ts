import { wholePage } from "../graph/page.ts";
import { xml } from "../graph/svg.ts";
import { plain } from "../terminal.ts";
import { type Diagram, diagramOf, type Mark } from "./diagram.ts";
import type { Story } from "./model.ts";
import { title } from "./text.ts";

const style = `
  body { margin: 0; font: 14px sans-serif; color: #202124; }
  header { padding: 12px 16px; border-bottom: 1px solid #dadce0; }
  h1 { font-size: 16px; margin: 0 0 4px; }
  .good { color: #137333; } .bad { color: #c5221f; }
  main { overflow-x: auto; padding: 8px 16px; }
  section { padding: 4px 16px; } h2 { font-size: 14px; margin: 8px 0 4px; } pre { white-space: pre-wrap; font: 12px monospace; }
  svg text { font: 12px monospace; fill: #202124; }
  svg .over { paint-order: stroke; stroke: #ffffff; stroke-width: 4px; }
  svg .lane { font-weight: bold; } svg .title { font: bold 13px sans-serif; }`;

const laneWidth = 200;
const margin = 24;
/** Of a character of the notes' font, in pixels. */
const character = 7.3;
/** Characters of a line in a note. */
const noteWidth = 72;

/** A journey as one page that needs nothing else, and loads nothing. */
export function asHtml(story: Story, rules: boolean): string {
  const lines = (head: string, list: readonly string[]) =>
    list.length === 0
      ? []
      : [`<section><h2>${head}</h2><pre>${list.map((one) => xml(plain(one))).join("\n")}</pre></section>`];
  return wholePage({
    title: plain(title(story)),
    policy: "style-src 'unsafe-inline'",
    style,
    header: `<span class="${story.reached ? "good" : "bad"}">${xml(plain(story.verdict))}</span>`,
    body: [
      `<main>${drawn(diagramOf(story, rules))}</main>`,
      ...lines("The connection, as conntrack knows it", story.connections),
      ...lines("What is not seen", story.unseen),
    ],
  });
}

const laneAt = (index: number) => margin + laneWidth / 2 + index * laneWidth;

function drawn(diagram: Diagram): string {
  const { lanes, marks } = diagram;
  const width = Math.max(margin * 2 + lanes.length * laneWidth, margin * 2 + noteWidth * character);
  const parts: string[] = [];
  let top = 56;
  for (const mark of marks) {
    const { height, text } = markAt(mark, top, width);
    parts.push(text);
    top += height;
  }
  const heads = lanes.map(({ place, link }, index) => {
    const x = laneAt(index);
    const label = (y: number, kind: string, text: string) =>
      `<text x="${x}" y="${y}" text-anchor="middle"${kind}>${xml(plain(text))}</text>`;
    return `<line x1="${x}" y1="44" x2="${x}" y2="${top}" stroke="#dadce0"/>${label(18, ' class="lane"', place)}${label(36, "", link)}`;
  });
  return `<svg xmlns="http://www.w3.org/2000/svg" width="${Math.round(width)}" height="${top + 8}" role="img">${arrowHead}${heads.join("")}${parts.join("")}</svg>`;
}

const arrowHead =
  '<defs><marker id="head" viewBox="0 0 8 8" refX="8" refY="4" markerWidth="8" markerHeight="8" orient="auto"><path d="M0 0L8 4L0 8z" fill="#1a73e8"/></marker></defs>';

function markAt(mark: Mark, top: number, width: number): { height: number; text: string } {
  if (mark.kind === "title")
    return { height: 32, text: `<text x="${margin}" y="${top + 18}" class="title over">${xml(mark.text)}</text>` };
  return mark.kind === "arrow" ? arrowAt(mark, top, width) : noteAt(mark, top, width);
}

function arrowAt({ from, to, text }: Mark & { kind: "arrow" }, top: number, width: number) {
  const [one, other] = [laneAt(from), laneAt(to)];
  const y = top + 26;
  const line = from === to ? `M${one} ${y - 8}h30v12h-30` : `M${one} ${y}L${other} ${y}`;
  const x = within((one + other) / 2, text.length * character, width);
  const path = `<path d="${line}" fill="none" stroke="#1a73e8" marker-end="url(#head)"/>`;
  return {
    height: 40,
    text: `${path}<text x="${x}" y="${y - 8}" text-anchor="middle" class="over">${xml(plain(text))}</text>`,
  };
}

/** The middle of something so that it lies within the picture. */
function within(middle: number, size: number, width: number): number {
  return Math.round(Math.min(Math.max(middle, size / 2 + 8), width - size / 2 - 8));
}

function noteAt({ lane, lines, bad }: Mark & { kind: "note" }, top: number, width: number) {
  const rows = lines.flatMap((one) => folded(plain(one)));
  const size = Math.max(...rows.map((row) => row.length)) * character + 16;
  const x = within(laneAt(lane), size, width) - size / 2;
  const height = rows.length * 16 + 10;
  const [fill, stroke] = bad ? ["#fce8e6", "#c5221f"] : ["#fef7e0", "#f9ab00"];
  const box = `<rect x="${x}" y="${top + 6}" width="${size}" height="${height}" rx="3" fill="${fill}" stroke="${stroke}"/>`;
  const texts = rows.map((row, index) => `<text x="${x + 8}" y="${top + 22 + index * 16}">${xml(row)}</text>`);
  return { height: height + 12, text: box + texts.join("") };
}

/** A line in pieces that fit, cut at blanks where there are any. */
function folded(text: string): string[] {
  const [first, rest = ""] = text.length <= noteWidth ? [text] : cut(text);
  return rest === "" ? [first] : [first, ...folded(rest)];
}

function cut(text: string): [string, string] {
  const blank = text.lastIndexOf(" ", noteWidth);
  const at = blank > noteWidth / 2 ? blank : noteWidth;
  return [text.slice(0, at), text.slice(at).trimStart()];
}
