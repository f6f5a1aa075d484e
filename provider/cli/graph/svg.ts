import { type Box, font, type Placed, type PlacedEdge, type PlacedNode, type Point, place } from "./layout.ts";
import type { Graph, NodeKind } from "./model.ts";

/** A text of XML. */
export function xml(text: string): string {
  return text
    .replaceAll(/[^\t\n\u0020-\ud7ff\ue000-\ufffd\u{10000}-\u{10ffff}]/gu, "\ufffd")
    .replaceAll(/[&<>"']/g, (sign) => `&#${sign.codePointAt(0)};`);
}

const fills: Record<NodeKind, string> = {
  world: "#e8f0fe",
  host: "#f1f3f4",
  bridge: "#fff4d6",
  container: "#ffffff",
  tunnel: "#e6f4ea",
};

/** The style of the picture: alike in the SVG and in the page. */
export const style = `
  .linuxnet text { font: ${font.size}px sans-serif; fill: #202124; text-anchor: middle; dominant-baseline: middle; }
  .linuxnet .small { font-size: ${font.small}px; fill: #3c4043; }
  .linuxnet rect, .linuxnet ellipse { stroke: #5f6368; stroke-width: 1.2; }
  .linuxnet path { fill: none; stroke: #5f6368; stroke-width: 1.5; }
  .linuxnet .dashed { stroke-dasharray: 5 4; }
  .linuxnet .frame { fill: #fafafa; stroke: #bdc1c6; }
  .linuxnet .halo { fill: #ffffff; stroke: none; opacity: 0.85; }
  .linuxnet .drift rect, .linuxnet .drift ellipse, .linuxnet .drift path { stroke: #c5221f; stroke-width: 3; }
  .linuxnet .drift text { fill: #c5221f; }`;

/** The picture as an SVG of its own, which any browser shows. */
export function svg(graph: Graph): string {
  return drawn(place(graph));
}

/** A picture that is laid out, as SVG. */
export function drawn({ title, width, height, nodes, edges, frames }: Placed): string {
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" class="linuxnet" role="img" viewBox="0 0 ${width} ${height}" width="${width}" height="${height}">`,
    `<title>${xml(title)}</title>`,
    `<style>${style}</style>`,
    `<rect width="${width}" height="${height}" style="fill: #ffffff; stroke: none"/>`,
    "<g>",
    ...frames.map(frameText),
    ...edges.map(edgeText),
    ...nodes.map(nodeText),
    "</g>",
    "</svg>",
    "",
  ].join("\n");
}

/** What a pointer that rests on it is shown. */
function hover(about: readonly string[], drift: readonly string[]): string {
  return `<title>${xml([...about, ...drift.map((one) => `drift: ${one}`)].join("\n"))}</title>`;
}

const marked = (kind: string, drift: readonly string[]) => `class="${kind}${drift.length > 0 ? " drift" : ""}"`;

function nodeText({ kind, x, y, width, height, label, lines, about, drift }: PlacedNode): string {
  const [left, top] = [round(x - width / 2), round(y - height / 2)];
  const shape =
    kind === "world"
      ? `<ellipse cx="${round(x)}" cy="${round(y)}" rx="${width / 2}" ry="${height / 2 + 4}" fill="${fills[kind]}"/>`
      : `<rect x="${left}" y="${top}" width="${width}" height="${height}" rx="${kind === "bridge" ? 14 : 4}" fill="${fills[kind]}"/>`;
  const first = y - (lines.length * font.line) / 2;
  const texts = [label, ...lines].map((line, index) => {
    const small = index === 0 ? "" : ' class="small"';
    return `<text${small} x="${round(x)}" y="${round(first + index * font.line)}">${xml(line)}</text>`;
  });
  return `<g ${marked(`node ${kind}`, drift)}>${hover([label, ...lines, ...about], drift)}${shape}${texts.join("")}</g>`;
}

function edgeText({ start, end, label, about, drift, dashed }: PlacedEdge): string {
  const bend = (end.x - start.x) / 2;
  const way = `M${point(start)} C${point({ x: start.x + bend, y: start.y })} ${point({ x: end.x - bend, y: end.y })} ${point(end)}`;
  const middle = { x: (start.x + end.x) / 2, y: (start.y + end.y) / 2 };
  const width = [...label].length * font.small * 0.6 + 6;
  const text = label
    ? `<rect class="halo" x="${round(middle.x - width / 2)}" y="${round(middle.y - 8)}" width="${round(width)}" height="16"/>` +
      `<text class="small" x="${round(middle.x)}" y="${round(middle.y)}">${xml(label)}</text>`
    : "";
  return `<g ${marked("edge", drift)}>${hover(about, drift)}<path${dashed ? ' class="dashed"' : ""} d="${way}"/>${text}</g>`;
}

function frameText({ x, y, width, height }: Box): string {
  return `<rect class="frame" x="${round(x - width / 2)}" y="${round(y - height / 2)}" width="${width}" height="${height}" rx="8"/>`;
}

const point = ({ x, y }: Point) => `${round(x)},${round(y)}`;

function round(value: number): number {
  return Math.round(value * 10) / 10;
}
