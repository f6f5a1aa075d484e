/** A refusal of an input: which property, and which rule. */
export interface Issue {
  property: string;
  reason: string;
}

/**
 * One refusal where a rule is broken, else none.
 *
 * @example
 * when(ports !== undefined && protocol === undefined, "ports", "needs protocol");
 */
export function when(broken: boolean, property: string, reason: string): Issue[] {
  return broken ? [{ property, reason }] : [];
}

/** One value or several, as a list; none when it is omitted. */
export function listed<T extends string>(value: T | readonly T[] | undefined): T[] {
  return [value ?? []].flat() as T[];
}
