import { isDeepStrictEqual } from "node:util";
import type { StackResource } from "../stack.ts";
import { paint, plain, type Terminal } from "../terminal.ts";
import type { Fate } from "./model.ts";

type Bag = Record<string, unknown>;

/** What became of a resource from one state to the next. */
export interface ResourceChange {
  /** Its urn without the stack and the project: two stacks can be compared. */
  key: string;
  kind: string;
  name: string;
  fate: Fate;
  /** What was changed, by property. */
  notes: string[];
}

/**
 * An urn without the stack and the project.
 * @example keyOf("urn:pulumi:dev::lab::linuxnet:index:Network::shop") // "linuxnet:index:Network::shop"
 */
export function keyOf(urn: string): string {
  return urn.replace(/^urn:pulumi:[^:]*::[^:]*::/, "");
}

/**
 * What was added, removed and changed from one state to another: what the program declares, not what the kernel numbers.
 * @param before the resources of the older state, those of Labs too (`withParts`)
 */
export function changesBetween(before: readonly StackResource[], after: readonly StackResource[]): ResourceChange[] {
  const [old, now] = [byKey(before), byKey(after)];
  const keys = [...new Set([...old.keys(), ...now.keys()])];
  return keys.flatMap((key): ResourceChange[] => {
    const [was, is] = [old.get(key), now.get(key)];
    const { kind, name, urn } = (is ?? was) as StackResource;
    const one = { key: keyOf(urn), kind, name };
    if (!was) return [{ ...one, fate: "added", notes: [] }];
    if (!is) return [{ ...one, fate: "removed", notes: [] }];
    const notes = is.component ? [] : notesOf(was, is);
    return notes.length > 0 ? [{ ...one, fate: "changed", notes }] : [];
  });
}

/** The parts of one container of a Lab have one urn: their kinds and names tell them apart. */
function byKey(resources: readonly StackResource[]): Map<string, StackResource> {
  return new Map(resources.map((one) => [`${keyOf(one.urn)} ${one.kind} ${one.name}`, one]));
}

/** Of a Lab the parts are told. Who owns it and what the last refresh found is declared by nobody. */
const untold = ["owner", "drift", "__provider", "declared", "omitted"];
const partsOfLab = ["networks", "containers", "expect"];

function notesOf(was: StackResource, is: StackResource): string[] {
  const left = is.kind === "Lab" ? [...untold, ...partsOfLab] : untold;
  const keys = [...new Set([...Object.keys(was.inputs), ...Object.keys(is.inputs)])].filter(
    (key) => !left.includes(key),
  );
  return keys.flatMap((key) => {
    if (isDeepStrictEqual(was.inputs[key], is.inputs[key])) return [];
    const told = differences(key, was.shown[key], is.shown[key]);
    return told.length > 0 ? told : [`${key} differs`];
  });
}

const isBag = (value: unknown): value is Bag => typeof value === "object" && value !== null && !Array.isArray(value);

function differences(path: string, was: unknown, is: unknown): string[] {
  if (isDeepStrictEqual(was, is)) return [];
  if (isBag(was) && isBag(is)) {
    const keys = [...new Set([...Object.keys(was), ...Object.keys(is)])];
    return keys.flatMap((key) => differences(`${path}.${key}`, was[key], is[key]));
  }
  const text = (value: unknown) => (value === undefined ? "nothing" : JSON.stringify(value));
  return [`${path}: ${text(was)} → ${text(is)}`];
}

const signs = { added: "+", removed: "-", changed: "~" } as const;
const colours = { added: "green", removed: "red", changed: "yellow" } as const;

/** The changes as lines, in colour on a terminal; what came or went with a component is told by the component. */
export function changesText(
  changes: readonly ResourceChange[],
  parents: ReadonlyMap<string, string>,
  terminal: Terminal,
): string {
  const whole = new Map(changes.filter(({ fate }) => fate !== "changed").map(({ key, fate }) => [key, fate]));
  const lines = changes
    .filter(({ key, fate }) => fate === "changed" || whole.get(parents.get(key) ?? "") !== fate)
    .flatMap(({ fate, kind, name, notes }) => [
      paint(terminal, colours[fate], `${signs[fate]} ${kind} ${plain(name)}`),
      ...notes.map((note) => `    ${plain(note)}`),
    ]);
  return lines.length === 0 ? "Nothing differs.\n" : `${lines.join("\n")}\n`;
}

/** What each resource belongs to, by {@link keyOf}: a component, or the Lab that it is a part of. */
export function parentsOf(resources: readonly StackResource[]): Map<string, string> {
  return new Map(
    resources.flatMap(({ urn, parent }) => (parent === undefined ? [] : [[keyOf(urn), keyOf(parent)] as const])),
  );
}
