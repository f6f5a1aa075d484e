import { Graph as Dagre, layout } from "@dagrejs/dagre";
import type { Graph, GraphEdge, GraphNode } from "./model.ts";

/** A node with its place in the picture: the middle, and the size, in pixels. */
export interface PlacedNode extends GraphNode {
  x: number;
  y: number;
  width: number;
  height: number;
}

/** An edge with the points that it passes. */
export interface PlacedEdge extends GraphEdge {
  points: { x: number; y: number }[];
}

/** A picture that is laid out. */
export interface Placed {
  title: string;
  width: number;
  height: number;
  nodes: PlacedNode[];
  edges: PlacedEdge[];
}

/** The sizes of the text, in pixels: names, and what stands below them. */
export const font = { size: 14, small: 12, line: 16, padding: 10 } as const;

/** How wide a text is at most, in a sans-serif font: nothing here can measure it. */
function widthOf(text: string, size: number): number {
  return [...text].length * size * 0.6;
}

/** Lays a picture out from left to right: the world, hosts, bridges, containers. */
export function place({ title, nodes, edges }: Graph): Placed {
  const dagre = new Dagre({ multigraph: true });
  dagre.setGraph({ rankdir: "LR", nodesep: 12, ranksep: 80, edgesep: 8, marginx: 16, marginy: 16 });
  dagre.setDefaultEdgeLabel(() => ({}));
  for (const node of nodes) dagre.setNode(node.id, sizeOf(node));
  for (const [index, { from, to, label }] of edges.entries())
    dagre.setEdge(from, to, { width: widthOf(label, font.small), height: font.line, labelpos: "c" }, `${index}`);
  layout(dagre);
  const { width = 0, height = 0 } = dagre.graph() as { width?: number; height?: number };
  return {
    title,
    width: Math.ceil(width),
    height: Math.ceil(height),
    nodes: nodes.map((node) => ({ ...node, ...sizeOf(node), ...at(dagre.node(node.id)) })),
    edges: edges.map((edge, index) => {
      const { points } = dagre.edge(edge.from, edge.to, `${index}`) as { points: { x: number; y: number }[] };
      return { ...edge, points };
    }),
  };
}

function at({ x, y }: { x?: number; y?: number }): { x: number; y: number } {
  return { x: x ?? 0, y: y ?? 0 };
}

function sizeOf({ label, lines }: GraphNode): { width: number; height: number } {
  const widest = Math.max(widthOf(label, font.size), ...lines.map((line) => widthOf(line, font.small)));
  return { width: Math.ceil(widest + 2 * font.padding), height: font.line * (1 + lines.length) + font.padding };
}
