import type { Graph, GraphEdge, GraphNode } from "./model.ts";

/** Many containers of one bridge, drawn within one frame: so many lines would hide what they join. */
export interface Block {
  id: string;
  bridge: string;
  leaves: GraphNode[];
}

/** From so many containers on, those of a bridge get a frame. */
const fromCount = 9;

/** Containers above one another in a frame, as long as it has fewer columns than it may have. */
const rowsWanted = 5;
const columnsAtMost = 5;

/** The size of a box. */
export interface Size {
  width: number;
  height: number;
}

const gap = 10;

/** The containers that hang on one bridge and on nothing else, by bridge, where they are many. */
export function blocksOf({ nodes, edges }: Graph): Block[] {
  const kinds = new Map(nodes.map(({ id, kind }) => [id, kind]));
  const at = new Map<string, GraphEdge[]>();
  for (const edge of edges) for (const id of [edge.from, edge.to]) at.set(id, [...(at.get(id) ?? []), edge]);
  const leaves = nodes.flatMap((node) => {
    const [only, ...more] = at.get(node.id) ?? [];
    if (node.kind !== "container" || !only || more.length > 0 || kinds.get(only.from) !== "bridge") return [];
    // What is told of the cable is told of the container, whose line is not drawn.
    const [about, drift] = (["about", "drift"] as const).map((key) => [...new Set([...node[key], ...only[key]])]);
    const leaf = { ...node, about: about ?? [], drift: drift ?? [] };
    return [{ bridge: only.from, leaf }];
  });
  const groups = Map.groupBy(leaves, ({ bridge }) => bridge);
  return [...groups].flatMap(([bridge, group]) =>
    group.length < fromCount ? [] : [{ id: `block:${bridge}`, bridge, leaves: group.map(({ leaf }) => leaf) }],
  );
}

/** How a frame is divided. */
export interface Grid extends Size {
  columns: number;
  rows: number;
  cell: Size;
}

/** Divides a frame for boxes of some sizes. */
export function gridOf(sizes: readonly Size[]): Grid {
  const columns = Math.min(columnsAtMost, Math.ceil(sizes.length / rowsWanted));
  const rows = Math.ceil(sizes.length / columns);
  const cell = {
    width: Math.max(...sizes.map(({ width }) => width)),
    height: Math.max(...sizes.map(({ height }) => height)),
  };
  return { columns, rows, cell, width: columns * (cell.width + gap) + gap, height: rows * (cell.height + gap) + gap };
}

/** The middle of each box of a frame, column by column, from the frame's middle. */
export function inGrid(
  { rows, cell, width, height }: Grid,
  count: number,
  x: number,
  y: number,
): { x: number; y: number }[] {
  const [left, top] = [x - width / 2 + gap + cell.width / 2, y - height / 2 + gap + cell.height / 2];
  return Array.from({ length: count }, (_, index) => ({
    x: left + Math.floor(index / rows) * (cell.width + gap),
    y: top + (index % rows) * (cell.height + gap),
  }));
}
