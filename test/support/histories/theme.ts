type Bag = Record<string, unknown>;

/** One resource of a made-up program. */
export interface Slot {
  kind: string;
  /** What it is declared as, by name. `@slot` within a text is the name that another slot's resource has now. */
  variants: Record<string, Bag>;
  /** The slots that have to be declared with it; each stands before it in its theme. */
  needs?: readonly string[];
  /** Variants that have rules of which the others know nothing: made as another one after somebody has deleted it, it leaves them. */
  leaves?: readonly string[];
  /** What somebody does to it by hand, by name: lines of bash, which may fail. */
  drifts?: Record<string, string>;
  /** What is not done by hand while one of these variants is wanted: it would be what the program is changed to (docs/trust.md). */
  unless?: Record<string, readonly string[]>;
}

/** A made-up program: its resources in the order in which they are made. */
export interface Theme {
  /** What stands on the machine before, and is nobody's business: bash. */
  ground: string;
  /** Whether such inputs look at another slot without naming it: when that is replaced it takes one more `up` (docs/trust.md). */
  looks?: (inputs: Record<string, unknown>) => boolean;
  slots: Record<string, Slot>;
}

/** What is declared: each slot's variant. */
export type Declared = ReadonlyMap<string, string>;

/** The inputs of a slot, with the names of those that it needs. */
export function argsOf(theme: Theme, declared: Declared, slot: string): Bag {
  const args = theme.slots[slot]?.variants[declared.get(slot) ?? ""];
  return JSON.parse(named(theme, declared, JSON.stringify(args))) as Bag;
}

/** A text with the names of slots in it; of one that is not declared the name of its first variant. */
export function named({ slots }: Theme, declared: Declared, text: string): string {
  return text.replaceAll(/@([a-z]+)/g, (_, slot: string) => {
    const { variants = {} } = slots[slot] ?? {};
    const variant = variants[declared.get(slot) ?? ""] ?? Object.values(variants)[0];
    return `${variant?.name}`;
  });
}

/** The slots in levels: those of one level need none of their own. */
export function levels({ slots }: Theme, chosen: readonly string[]): string[][] {
  const levelOf = (slot: string): number => Math.max(-1, ...(slots[slot]?.needs ?? []).map(levelOf)) + 1;
  return [...Map.groupBy(chosen, levelOf)].toSorted(([a], [b]) => a - b).map(([, level]) => level);
}

/** A slot, and all that need it, the last first. */
export function withUsers({ slots }: Theme, slot: string): string[] {
  const users = new Set([slot]);
  for (const [name, { needs = [] }] of Object.entries(slots)) if (needs.some((one) => users.has(one))) users.add(name);
  return [...users].toReversed();
}

/** A slot, and all that it needs, the first first. */
export function withNeeds(theme: Theme, slot: string): string[] {
  const all = (theme.slots[slot]?.needs ?? []).flatMap((need) => withNeeds(theme, need));
  return [...new Set([...all, slot])];
}
