import { type Box, font, type Placed, type PlacedEdge, type PlacedNode, type Point, place, widthOf } from "./layout.ts";
import { type Fate, type Graph, type NodeKind, sign } from "./model.ts";

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
  .linuxnet .paper { fill: #ffffff; stroke: none; }
  .linuxnet .drift rect, .linuxnet .drift ellipse, .linuxnet .drift path { stroke: #c5221f; stroke-width: 3; }
  .linuxnet .drift text, .linuxnet .removed text { fill: #c5221f; }
  .linuxnet .added :is(rect, ellipse, path) { stroke: #188038; stroke-width: 3; }
  .linuxnet .added text { fill: #137333; }
  .linuxnet .removed :is(rect, ellipse, path) { stroke: #c5221f; stroke-width: 2; stroke-dasharray: 3 3; }
  .linuxnet .changed :is(rect, ellipse, path) { stroke: #b06000; stroke-width: 3; }
  .linuxnet .changed text { fill: #8a4b00; }
  .linuxnet :is(.added, .removed, .changed) .halo { stroke: none; }`;

/** The picture as an SVG of its own, which any browser shows. */
export function svg(graph: Graph): string {
  return drawn(place(graph));
}

/**
 * A picture that is laid out, as SVG.
 * @param styled whether it brings its style, which a page may have already
 */
export function drawn({ title, width, height, nodes, edges, frames }: Placed, styled = true): string {
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" class="linuxnet" role="img" viewBox="0 0 ${width} ${height}" width="${width}" height="${height}">`,
    `<title>${xml(title)}</title>`,
    ...(styled ? [`<style>${style}</style>`] : []),
    `<rect class="paper" width="${width}" height="${height}"/>`,
    "<g>",
    ...frames.map(frameText),
    ...edges.map(edgeText),
    ...nodes.map(nodeText),
    "</g>",
    "</svg>",
    "",
  ].join("\n");
}

interface Told {
  about: readonly string[];
  drift: readonly string[];
  changes?: readonly string[];
  fate?: Fate | undefined;
}

/** What a pointer that rests on it is shown. */
function hover(first: readonly string[], { about, drift, changes = [], fate }: Told): string {
  const lines = [
    ...first,
    ...about,
    ...drift.map((one) => `drift: ${one}`),
    ...(fate ? [fate] : []),
    ...changes.map((one) => `  ${one}`),
  ];
  return `<title>${xml(lines.join("\n"))}</title>`;
}

function marked(kind: string, { drift, fate }: Told): string {
  return `class="${[kind, drift.length > 0 && "drift", fate].filter(Boolean).join(" ")}"`;
}

function nodeText(node: PlacedNode): string {
  const { id, kind, x, y, width, height, label, lines } = node;
  const [left, top] = [round(x - width / 2), round(y - height / 2)];
  const shape =
    kind === "world"
      ? `<ellipse cx="${round(x)}" cy="${round(y)}" rx="${width / 2}" ry="${height / 2 + 4}" fill="${fills[kind]}"/>`
      : `<rect x="${left}" y="${top}" width="${width}" height="${height}" rx="${kind === "bridge" ? 14 : 4}" fill="${fills[kind]}"/>`;
  const first = y - ((lines.length + (node.rate ? 1 : 0)) * font.line) / 2;
  const at = (index: number) => `x="${round(x)}" y="${round(first + index * font.line)}"`;
  const texts = [`${sign(node.fate)}${label}`, ...lines].map(
    (line, index) => `<text${index === 0 ? "" : ' class="small"'} ${at(index)}>${xml(line)}</text>`,
  );
  const rate = node.rate ? `<text class="small rate" ${at(texts.length)}></text>` : "";
  const text = hover([label, ...lines], node);
  return `<g ${marked(`node ${kind}`, node)} data-id="${xml(id)}">${text}${shape}${texts.join("")}${rate}</g>`;
}

/** What an edge is known by in a picture. */
export function edgeId({ from, to, label }: Pick<PlacedEdge, "from" | "to" | "label">): string {
  return `${from} ${to} ${label}`;
}

function edgeText(edge: PlacedEdge): string {
  const { start, end, label, dashed } = edge;
  const bend = (end.x - start.x) / 2;
  const way = `M${point(start)} C${point({ x: start.x + bend, y: start.y })} ${point({ x: end.x - bend, y: end.y })} ${point(end)}`;
  const middle = { x: (start.x + end.x) / 2, y: (start.y + end.y) / 2 };
  const width = widthOf(label, font.small) + 6;
  const text = label
    ? `<rect class="halo" x="${round(middle.x - width / 2)}" y="${round(middle.y - 8)}" width="${round(width)}" height="16"/>` +
      `<text class="small" x="${round(middle.x)}" y="${round(middle.y)}">${xml(label)}</text>`
    : "";
  return `<g ${marked("edge", edge)} data-id="${xml(edgeId(edge))}">${hover([], edge)}<path${dashed ? ' class="dashed"' : ""} d="${way}"/>${text}</g>`;
}

function frameText({ x, y, width, height }: Box): string {
  return `<rect class="frame" x="${round(x - width / 2)}" y="${round(y - height / 2)}" width="${width}" height="${height}" rx="8"/>`;
}

const point = ({ x, y }: Point) => `${round(x)},${round(y)}`;

function round(value: number): number {
  return Math.round(value * 10) / 10;
}
