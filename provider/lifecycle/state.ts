import { isDeepStrictEqual } from "node:util";

/** Properties that are as the engine and the class put them, not inputs of a schema. */
type Bag = Record<string, unknown>;

/**
 * What is stored for a resource: its inputs and, over them, its outputs. An input that an output hides (`outInterface`
 * resolved from `uplink`) is kept in `declared`, since the engine's SDK hands back outputs only; one that was not given and
 * has an output of its name (an MTU that follows the underlay) is named in `omitted`.
 *
 * @param keys the names of all inputs
 */
export function toState(args: Bag, outputs: Bag, keys: readonly string[]): Bag {
  const state = { ...args, ...outputs };
  const hidden = Object.keys(outputs).filter((key) => !isDeepStrictEqual(args[key], outputs[key]));
  const declared = hidden.filter((key) => args[key] !== undefined);
  const omitted = hidden.filter((key) => args[key] === undefined && keys.includes(key));
  if (declared.length > 0) state.declared = Object.fromEntries(declared.map((key) => [key, args[key]]));
  if (omitted.length > 0) state.omitted = omitted;
  return withoutUndefined(state);
}

/**
 * A bag without what is undefined, at any depth: the engine's SDK refuses such a value ("Unexpected struct type"), and then no
 * refresh, `up` or destroy gets past the resource.
 */
export function withoutUndefined(bag: Bag): Bag {
  const kept = Object.entries(bag).filter(([, value]) => value !== undefined);
  return Object.fromEntries(kept.map(([key, value]) => [key, defined(value)]));
}

function defined(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(defined);
  return typeof value === "object" && value !== null ? withoutUndefined(value as Bag) : value;
}

/** The inputs within a state: those that the schema names, as they were declared. */
export function argsOf(state: Bag, keys: readonly string[]): Bag {
  const declared = (state.declared ?? {}) as Bag;
  const omitted = (state.omitted ?? []) as string[];
  const given = keys.filter((key) => !omitted.includes(key));
  const found = given.map((key) => [key, key in declared ? declared[key] : state[key]] as const);
  return Object.fromEntries(found.filter(([, value]) => value !== undefined));
}

/** The names of the inputs that differ between two sets of inputs. */
export function changedKeys(before: Bag, after: Bag): string[] {
  const keys = new Set([...Object.keys(before), ...Object.keys(after)]);
  return [...keys].filter((key) => !isDeepStrictEqual(before[key], after[key]));
}

/** A copy of a bag in which the property at a path (`peer.mtu`) has another value; undefined removes it. */
export function withProperty(bag: Bag, path: string, value: unknown): Bag {
  const [head = "", ...rest] = path.split(".");
  const inner = rest.length === 0 ? value : withProperty((bag[head] ?? {}) as Bag, rest.join("."), value);
  if (inner !== undefined) return { ...bag, [head]: inner };
  const { [head]: _removed, ...others } = bag;
  return others;
}
