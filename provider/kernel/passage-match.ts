import { contains, familyOf } from "./addresses.ts";
import type { Packet, Truth } from "./passage.ts";
import { passMark } from "./ruleset.ts";

/** Whether a link has a name; a wildcard stands at the name's end. */
export function isNamed(actual: string | undefined, wanted: string, wildcard: string): Truth {
  if (actual === undefined) return undefined;
  return wanted.endsWith(wildcard) ? actual.startsWith(wanted.slice(0, -1)) : actual === wanted;
}

/** Whether an address, or all of a subnet, lies in another one; undefined where only a part does. */
export function liesIn(actual: string | undefined, subnet: string): Truth {
  if (actual !== undefined && familyOf(actual) !== familyOf(subnet)) return false;
  if (actual === undefined) return subnet.endsWith("/0") ? true : undefined;
  const wider = subnet.includes("/") ? subnet : `${subnet}/${familyOf(subnet) === 6 ? 128 : 32}`;
  if (contains(wider, actual)) return true;
  return actual.includes("/") && contains(actual, wider) ? undefined : false;
}

/** Whether a value is the wanted one; undefined when it is not known. */
export function is<T>(actual: T | undefined, wanted: T): Truth {
  return actual === undefined ? undefined : actual === wanted;
}

/** Whether a packet whose mark has our bit, or has not, has these bits of a mark. */
export function isMarked(passed: Truth, value: number, mask: number): Truth {
  const bit = Number(passMark);
  if (passed === undefined || (mask & bit) === 0) return undefined;
  if (((value & bit) !== 0) !== passed) return false;
  return mask === bit ? true : undefined;
}

/** Whether a port is in a range, its limits included. */
export function isPort(actual: number | undefined, first: number, last = first): Truth {
  return actual === undefined ? undefined : actual >= first && actual <= last;
}

/** Whether a packet has one of these states or translations (conntrack). */
export function hasState(states: readonly string[], { dnat, state = "new" }: Pick<Packet, "dnat" | "state">): Truth {
  const words = states.map((state) => state.toLowerCase());
  if (words.includes(state)) return true;
  if (words.includes("dnat") && dnat !== false) return dnat;
  return words.includes("snat") || words.includes("untracked") ? undefined : false;
}
