import { keyOf, type ResourceChange } from "./changes.ts";
import type { Fate, Graph, GraphEdge, GraphNode } from "./model.ts";

/** The pictures of two states as one: what was added, what is no more, and what is not as it was. */
export function merged(title: string, before: Graph, after: Graph, changes: readonly ResourceChange[]): Graph {
  const notes = Map.groupBy(changes, ({ key }) => key);
  const told = ({ urns }: { urns: string[] }) =>
    [...new Set(urns)].flatMap((urn) => (notes.get(keyOf(urn)) ?? []).map(inWords)).filter((text) => text !== "");
  return {
    title,
    nodes: union(before.nodes, after.nodes, ({ id }) => id, told),
    edges: union(before.edges, after.edges, ({ from, to, label }) => `${from} ${to} ${label}`, told),
  };
}

function inWords({ kind, name, fate, notes }: ResourceChange): string {
  return `${kind} ${name} ${fate === "changed" ? `changed: ${notes.join(", ")}` : `was ${fate}`}`;
}

function union<T extends GraphNode | GraphEdge>(
  before: readonly T[],
  after: readonly T[],
  keyOfPart: (part: T) => string,
  told: (part: T) => string[],
): T[] {
  const old = new Map(before.map((part) => [keyOfPart(part), part]));
  const now = new Set(after.map(keyOfPart));
  const kept = after.map((part): T => {
    const was = old.get(keyOfPart(part));
    if (!was) return marked(part, "added", []);
    const changes = [...new Set([...lineChanges(was, part), ...told(part)])];
    return changes.length > 0 ? marked(part, "changed", changes) : part;
  });
  const gone = before.filter((part) => !now.has(keyOfPart(part))).map((part) => marked(part, "removed", []));
  return [...kept, ...gone];
}

function marked<T extends GraphNode | GraphEdge>(part: T, fate: Fate, changes: string[]): T {
  return { ...part, fate, changes };
}

/** What stands in the box, or beside the line, and is not what stood there. */
function lineChanges(was: GraphNode | GraphEdge, is: GraphNode | GraphEdge): string[] {
  const linesOf = (part: GraphNode | GraphEdge) => [
    "label" in part ? part.label : "",
    ...("lines" in part ? part.lines : []),
  ];
  const [old, now] = [linesOf(was), linesOf(is)];
  return [
    ...old.filter((line) => line !== "" && !now.includes(line)).map((line) => `before: ${line}`),
    ...now.filter((line) => line !== "" && !old.includes(line)).map((line) => `now: ${line}`),
  ];
}
