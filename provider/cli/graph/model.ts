import type { LinkCounters } from "../../kernel/counters.ts";

/** What a node stands for. */
export type NodeKind = "world" | "host" | "bridge" | "container" | "tunnel";

/** What became of a part of the picture from one state to the next. */
export type Fate = "added" | "removed" | "changed";

/** What a node and an edge have alike. */
interface Part {
  /** What a pointer that rests on it is told. */
  about: string[];
  /** What differs from the state; none: it stands as it is declared. */
  drift: string[];
  /** The urns of the resources that it stands for; those of a Lab's parts as `topology/lab.ts` names them. */
  urns: string[];
  /** What its links have let through, as seen from the container or the tunnel; of a bridge, from the host. */
  traffic?: LinkCounters | undefined;
  /** In a picture of two states: what became of it, and how. */
  fate?: Fate | undefined;
  changes?: string[];
}

/** A node of the picture. */
export interface GraphNode extends Part {
  id: string;
  kind: NodeKind;
  /** Its name, and what stands below it: addresses, published ports. */
  label: string;
  lines: string[];
  /** Whether there is room below for what it sends and receives at the moment: in a page that is kept up to date. */
  rate?: boolean;
}

/** A connection of two nodes. */
export interface GraphEdge extends Part {
  from: string;
  to: string;
  label: string;
  /** Drawn dashed: a way that packets take, and no link. */
  dashed: boolean;
}

/** The picture of a stack's network, before it is laid out. */
export interface Graph {
  title: string;
  nodes: GraphNode[];
  edges: GraphEdge[];
}

/** What stands before a name in a picture of two states, for those who do not tell its colour. */
export function sign(fate: Fate | undefined): string {
  return fate === undefined ? "" : { added: "+ ", removed: "\u2212 ", changed: "~ " }[fate];
}
