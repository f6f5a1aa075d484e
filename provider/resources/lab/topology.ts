import { isDeepStrictEqual } from "node:util";
import { partOwner } from "../../kernel/owner.ts";
import { propertyAt } from "../../kernel/property.ts";
import type { Context } from "../../lifecycle/definition.ts";
import { expect } from "../expect.ts";
import { vethPair } from "../vethPair.ts";
import { type Part, partsOf } from "./parts.ts";
import type { LabArgs } from "./shape.ts";

/** A lab's parts, and what an operation needs to know of them. */
export interface Topology {
  /** The parts that the operation looks at. */
  parts: Part[];
  /** All parts: more than `parts` in a change, which looks at what changes alone. */
  all: readonly Part[];
  /** Parts of the last run that are wanted no more. */
  gone: Part[];
  /** The parts of the last run, by name. */
  before: Map<string, Part>;
  /** Whether it has so many cables that one look at all links of the host takes less than one at each. */
  wide: boolean;
}

/** How many cables are looked at one by one. */
const few = 16;

const known = new WeakMap<LabArgs, Map<unknown, Topology>>();
const latest = new WeakMap<LabArgs, Topology>();
const widened = new WeakSet<LabArgs>();

/** The parts of a lab, now and before; worked out once for each operation. */
export function topologyOf(args: LabArgs, { previous }: Pick<Context, "previous">): Topology {
  const kept = known.get(args) ?? new Map<unknown, Topology>();
  known.set(args, kept);
  const topology = kept.get(previous) ?? compare(args, previous);
  kept.set(previous, topology);
  latest.set(args, topology);
  return topology;
}

/** The parts that the operation under way looks at. */
export function currentTopology(args: LabArgs): Topology {
  return latest.get(args) ?? topologyOf(args, {});
}

/**
 * From now on the operation looks at all parts of a lab.
 * @returns whether it did not before
 */
export function widen(args: LabArgs): boolean {
  const topology = currentTopology(args);
  if (widened.has(args) || topology.parts.length === topology.all.length) return false;
  widened.add(args);
  known.delete(args);
  return true;
}

function compare(args: LabArgs, previous: Context["previous"]): Topology {
  const all = partsOf(args);
  const old = previous && !isDeepStrictEqual(previous, args) ? partsOf(previous as unknown as LabArgs) : [];
  const wanted = new Set(all.map(identityOf));
  const gone = old.filter((part) => !wanted.has(identityOf(part)));
  const before = new Map((previous && old.length === 0 ? all : old).map((part) => [part.name, part]));
  // What refresh tells in words does not say which parts it is about.
  const known = previous && old.length > 0 && previous.drift === undefined && !widened.has(args);
  const parts = known ? touched(all, before, gone) : all;
  const wide = [...parts, ...gone].filter(({ definition }) => definition.kind === vethPair.kind).length > few;
  return { parts, all, gone, before, wide };
}

/** The parts of the networks and containers of which any part differs from the last run; and all that is expected to hold. */
function touched(all: Part[], before: Topology["before"], gone: readonly Part[]): Part[] {
  const differs = ({ name, args }: Part) => !isDeepStrictEqual(before.get(name)?.args, args);
  const homes = new Set([...gone, ...all.filter(differs)].map(homeOf));
  return all.filter((part) => homes.has(homeOf(part)) || part.definition.kind === expect.kind);
}

/** The network or container that a part belongs to: `containers.web`. */
function homeOf({ at }: Part): string {
  return at.split(".", 2).join(".");
}

/** Which object a part is. Under one owner it is always the same: what tells objects apart is in the part's name. */
function identityOf({ name, definition, args }: Part): string {
  return JSON.stringify([name, ...definition.replaceOn.map((path) => propertyAt(args, path))]);
}

/** What planning knows of a part besides its inputs and the kernel. */
export function contextOf(
  { name, args }: Part,
  { former, claims, adopt }: Context,
  before: Topology["before"],
): Context {
  return {
    owner: args.owner,
    former: former === undefined ? undefined : partOwner(former, name),
    claims,
    adopt,
    previous: before.get(name)?.args,
  };
}
