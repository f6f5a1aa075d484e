import { isDeepStrictEqual } from "node:util";
import { partOwner } from "../../kernel/owner.ts";
import { propertyAt } from "../../kernel/property.ts";
import type { Context } from "../../lifecycle/definition.ts";
import { type Part, partsOf } from "./parts.ts";
import type { LabArgs } from "./shape.ts";

/** A lab's parts, and what an operation needs to know of them. */
export interface Topology {
  parts: Part[];
  /** Parts of the last run that are wanted no more. */
  gone: Part[];
  /** The parts of the last run, by name. */
  before: Map<string, Part>;
}

const known = new WeakMap<LabArgs, Map<unknown, Topology>>();

/** The parts of a lab, now and before; worked out once for each operation. */
export function topologyOf(args: LabArgs, { previous }: Pick<Context, "previous">): Topology {
  const kept = known.get(args) ?? new Map<unknown, Topology>();
  known.set(args, kept);
  const topology = kept.get(previous) ?? compare(args, previous);
  kept.set(previous, topology);
  return topology;
}

function compare(args: LabArgs, previous: Context["previous"]): Topology {
  const parts = partsOf(args);
  const old = previous && !isDeepStrictEqual(previous, args) ? partsOf(previous as unknown as LabArgs) : [];
  const wanted = new Set(parts.map(identityOf));
  const gone = old.filter((part) => !wanted.has(identityOf(part)));
  const before = new Map((previous && old.length === 0 ? parts : old).map((part) => [part.name, part]));
  return { parts, gone, before };
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
