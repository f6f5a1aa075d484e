import type { Stack } from "../stack.ts";
import { topologyOf, withParts } from "../topology/read.ts";
import { graphOf } from "./build.ts";
import { changesBetween, parentsOf, type ResourceChange } from "./changes.ts";
import { merged } from "./merged.ts";
import type { Graph } from "./model.ts";

/** What differs between two states. */
export interface StateDiff {
  changes: ResourceChange[];
  /** What each resource belongs to (`parentsOf`). */
  parents: ReadonlyMap<string, string>;
  /** Both as one picture. */
  graph: Graph;
}

/** Compares two states. */
export async function diffOf(before: Stack, after: Stack): Promise<StateDiff> {
  const [old, now] = await Promise.all([withParts(before.resources), withParts(after.resources)]);
  const [oldGraph, nowGraph] = await Promise.all(
    [before, after].map(async (one) => graphOf("", await topologyOf(one))),
  );
  const changes = changesBetween(old, now);
  const [from, to] = [before, after].map(({ project, name }) => `${project}/${name}`);
  const title = from === to ? `${to}: before and after` : `${from} and ${to}`;
  return {
    changes,
    parents: parentsOf([...old, ...now]),
    graph: merged(title, oldGraph as Graph, nowGraph as Graph, changes),
  };
}
