import type { Owned } from "../inventory.ts";
import type { Stack } from "../stack.ts";
import { withParts } from "../topology/read.ts";
import type { Known } from "./known.ts";

type Bag = Record<string, unknown>;

/** What objects that a state knows are in, or hang on: by name. */
export interface Used {
  namespaces: ReadonlySet<string>;
  bridges: ReadonlySet<string>;
}

/** What the objects of some states need, whoever made it. */
export async function usedBy(stacks: readonly Stack[]): Promise<Used> {
  const all = (await Promise.all(stacks.map(({ resources }) => withParts(resources)))).flat();
  const bags = all.flatMap(({ outputs }) => [outputs, (outputs.peer ?? {}) as Bag]);
  const named = (key: string) => new Set(bags.flatMap((bag) => (typeof bag[key] === "string" ? [bag[key]] : [])));
  return { namespaces: named("netns"), bridges: named("bridge") };
}

/** What stands on a host, by what becomes of it. */
export interface Sorted {
  /** What is to be removed. */
  going: Owned[];
  /** What no state knows, and stays: something that a state knows, or somebody else's, is in it. */
  needed: Owned[];
  /** What is left alone, since nobody can tell whether a state of others knows it. */
  others: Owned[];
}

/**
 * Sorts what stands on a host.
 *
 * @param withOthers whether that of others goes too
 */
export function sorted(owned: readonly Owned[], known: Known, used: Used, withOthers: boolean): Sorted {
  const relation = (one: Owned) => known.relationOf(one.owner);
  const unknown = owned.filter((one) => relation(one) === "orphan" || (withOthers && relation(one) === "other"));
  const staying = owned.filter((one) => !unknown.includes(one));
  // All that an owner has stays with it: its rules, its notes.
  const needed = new Set(unknown.filter((one) => isNeeded(one, used, staying)).map(({ owner }) => owner));
  return {
    going: unknown.filter(({ owner }) => !needed.has(owner)),
    needed: unknown.filter(({ owner }) => needed.has(owner)),
    others: withOthers ? [] : owned.filter((one) => relation(one) === "other"),
  };
}

function isNeeded(thing: Owned, { namespaces, bridges }: Used, staying: readonly Owned[]): boolean {
  if (thing.what === "namespace")
    return namespaces.has(thing.name) || staying.some((one) => "netns" in one && one.netns === thing.name);
  if (thing.what !== "link" || thing.link.kind !== "bridge") return false;
  const ports = staying.some(
    (one) => one.what === "link" && one.link.bridge === thing.link.name && one.netns === thing.netns,
  );
  return bridges.has(thing.link.name) || ports;
}
