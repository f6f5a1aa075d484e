import { Graph as Dagre, layout } from "@dagrejs/dagre";
import { type Block, blocksOf, type Grid, gridOf, inGrid, type Size } from "./blocks.ts";
import { edge } from "./edges.ts";
import { type Graph, type GraphEdge, type GraphNode, sign } from "./model.ts";
import { widestRate } from "./traffic.ts";

/** A node with its place in the picture: the middle, and the size, in pixels. */
export interface PlacedNode extends GraphNode, Point, Size {}

/** A point of the picture. */
export interface Point {
  x: number;
  y: number;
}

/** A box by its middle and its size. */
export type Box = Point & Size;

/** An edge with where it leaves and where it arrives. */
export interface PlacedEdge extends GraphEdge {
  start: Point;
  end: Point;
}

/** A picture that is laid out. */
export interface Placed {
  title: string;
  width: number;
  height: number;
  nodes: PlacedNode[];
  edges: PlacedEdge[];
  /** Frames around many containers of one bridge. */
  frames: Box[];
}

/** The sizes of the text, in pixels: names, and what stands below them. */
export const font = { size: 14, small: 12, line: 16, padding: 10 } as const;

/** How wide a text is at most, in a sans-serif font: nothing here can measure it. */
export function widthOf(text: string, size: number): number {
  return [...text].length * size * 0.6;
}

/** Lays a picture out from left to right: the world, hosts, bridges, containers; many containers of a bridge within a frame. */
export function place(graph: Graph): Placed {
  const blocks = blocksOf(graph).map((block) => ({ ...block, grid: gridOf(block.leaves.map(sizeOf)) }));
  const { nodes, edges } = outside(graph, blocks);
  const boxes = [
    ...nodes.map((one) => ({ id: one.id, ...sizeOf(one) })),
    ...blocks.map(({ id, grid }) => ({ ...grid, id })),
  ];
  const { places, width, height } = arranged(boxes, edges);
  const middle = (id: string) => places.get(id) ?? { x: 0, y: 0, width: 0, height: 0 };
  const leaves = blocks.flatMap((block) => leavesOf(block, middle(block.id)));
  return {
    title: graph.title,
    width,
    height,
    nodes: [...nodes.map((one) => ({ ...one, ...middle(one.id) })), ...leaves],
    edges: edges.map((one) => ({ ...one, ...wayOf(middle(one.from), middle(one.to)) })),
    frames: blocks.map(({ id }) => middle(id)),
  };
}

/** What is not within a frame, and a line to each frame. */
function outside({ nodes, edges }: Graph, blocks: readonly Block[]): Pick<Graph, "nodes" | "edges"> {
  const inBlocks = new Set(blocks.flatMap(({ leaves }) => leaves.map(({ id }) => id)));
  const toFrames = blocks.map(({ id, bridge }) => edge(bridge, id));
  return {
    nodes: nodes.filter(({ id }) => !inBlocks.has(id)),
    edges: [...edges.filter(({ from, to }) => !inBlocks.has(from) && !inBlocks.has(to)), ...toFrames],
  };
}

/** The containers of a frame, each in its cell. */
function leavesOf({ leaves, grid }: Block & { grid: Grid }, { x, y }: Point): PlacedNode[] {
  const cells = inGrid(grid, leaves.length, x, y);
  return leaves.map((leaf, index) => ({ ...leaf, ...grid.cell, ...(cells[index] ?? { x, y }) }));
}

/** Finds a place for each box. */
function arranged(boxes: readonly (Size & { id: string })[], edges: readonly GraphEdge[]) {
  const dagre = new Dagre({ multigraph: true });
  dagre.setGraph({ rankdir: "LR", nodesep: 12, ranksep: 70, edgesep: 8, marginx: 16, marginy: 16 });
  dagre.setDefaultEdgeLabel(() => ({}));
  for (const { id, width, height } of boxes.toReversed()) dagre.setNode(id, { width, height });
  for (const [index, { from, to, label }] of [...edges.entries()].toReversed())
    dagre.setEdge(from, to, { width: widthOf(label, font.small), height: font.line, labelpos: "c" }, `${index}`);
  layout(dagre);
  const { width = 0, height = 0 } = dagre.graph() as Partial<Size>;
  const places = boxes.map(
    ({ id, ...size }) => [id, { ...boxAt(dagre.node(id)), width: size.width, height: size.height }] as const,
  );
  return { places: new Map(places), width: Math.ceil(width), height: Math.ceil(height) };
}

/** From the side of one box to the side of the other, as a curve. */
function wayOf(from: Box, to: Box): Pick<PlacedEdge, "start" | "end"> {
  const forward = from.x <= to.x;
  const out = { x: from.x + (from.width / 2) * (forward ? 1 : -1), y: from.y };
  const into = { x: to.x - (to.width / 2) * (forward ? 1 : -1), y: to.y };
  return { start: out, end: into };
}

function boxAt({ x, y }: { x?: number; y?: number }): Point {
  return { x: x ?? 0, y: y ?? 0 };
}

function sizeOf({ label, lines, rate, fate }: GraphNode): Size {
  const below = [...lines, ...(rate ? [widestRate] : [])];
  const widest = Math.max(widthOf(`${sign(fate)}${label}`, font.size), ...below.map((one) => widthOf(one, font.small)));
  return { width: Math.ceil(widest + 2 * font.padding), height: font.line * (1 + below.length) + font.padding };
}
