import { type Host, hostOf } from "../host/host.ts";
import type { Connection } from "../kernel/connection.ts";
import { LinuxnetError } from "../kernel/failure.ts";
import { crud } from "../lifecycle/crud.ts";
import { changedKeys } from "../lifecycle/state.ts";
import { definitions } from "../resources/index.ts";
import type { StackResource } from "./stack.ts";

type Bag = Record<string, unknown>;

/** How an object of a stack stands on its host. */
export type Standing = "stands" | "drifted" | "gone" | "unknown" | "untried";

/** An object of a stack, and how it stands. */
export interface Seen {
  resource: StackResource;
  standing: Standing;
  /** What differs; why it is not known. */
  notes: string[];
}

/** Whether it is a finding. */
export function isFinding({ standing }: Seen): boolean {
  return standing === "drifted" || standing === "gone";
}

/**
 * Looks how resources stand, as `pulumi refresh` does, and changes nothing. Those of one host share its session and round trips.
 *
 * @param probes whether what must hold (an Expect) is tried too
 * @param reach how a host is found
 */
export function lookAt(resources: readonly StackResource[], probes = false, reach: Reach = hostOf): Promise<Seen[]> {
  return Promise.all(resources.filter(({ component }) => !component).map((one) => seenOf(one, probes, reach)));
}

/** Finds the host that a connection leads to. */
export type Reach = (connection: Connection | undefined) => Host;

async function seenOf(resource: StackResource, probes: boolean, reach: Reach): Promise<Seen> {
  const { kind, connection, name, outputs } = resource;
  const definition = definitions.find((one) => one.kind === kind);
  const untried = !definition || definition.hostless || (kind === "Expect" && !probes);
  if (untried) return { resource, standing: "untried", notes: [] };
  try {
    const found = await crud(definition, () => reach(connection)).read(name, outputs);
    if (found.id === "") return { resource, standing: "gone", notes: [] };
    const notes = differences(resource, found.inputs ?? {});
    return { resource, standing: notes.length > 0 ? "drifted" : "stands", notes };
  } catch (error) {
    if (!(error instanceof LinuxnetError)) throw error;
    return { resource, standing: "unknown", notes: [error.message] };
  }
}

/** What differs between the state and what was found: in words, or by property. */
function differences({ inputs, shown }: StackResource, found: Bag): string[] {
  const { drift: _before, ...stored } = inputs;
  const { drift = [], ...now } = found;
  const keys = changedKeys(withDefaults(stored, now), now).filter((key) => key !== "__provider");
  const text = (value: unknown) => (value === undefined ? "not there" : JSON.stringify(value));
  const isSecret = (key: string) => JSON.stringify(shown[key] ?? "").includes("[secret]");
  const byKey = keys.map((key) =>
    isSecret(key) ? `${key} differs` : `${key} is ${text(now[key])}, not ${text(stored[key])}`,
  );
  return [...byKey, ...(drift as string[])];
}

/** A state of an earlier version lacks the properties that came later: what is not in it is no difference. */
function withDefaults(stored: Bag, now: Bag): Bag {
  const added = Object.entries(now).filter(([key]) => !(key in stored));
  return { ...Object.fromEntries(added), ...stored };
}

/** What was found to differ. */
export interface Drifted {
  /** By the urn of the resource; of a Lab by its networks and containers, as far as the notes name one. */
  drift: Map<string, string[]>;
  /** Why it is not known of some. */
  unknown: string[];
}

/** What differs of what was looked at. */
export function driftIn(seen: readonly Seen[]): Drifted {
  const drift = new Map<string, string[]>();
  for (const [urn, notes] of seen.filter(isFinding).flatMap(byUrn))
    drift.set(urn, [...(drift.get(urn) ?? []), ...notes]);
  const unknown = seen.filter(({ standing }) => standing === "unknown").flatMap(({ notes }) => notes);
  return { drift, unknown: [...new Set(unknown)] };
}

function byUrn({ resource: { urn, kind, name }, standing, notes }: Seen): [string, string[]][] {
  const what = `${kind} ${name}`;
  if (standing === "gone") return [[urn, [`${what} is gone`]]];
  const part = (note: string) =>
    kind === "Lab" ? /^(networks|containers)\.[A-Za-z0-9_-]+/.exec(note)?.[0] : undefined;
  return notes.map((note) => {
    const at = part(note);
    return [at === undefined ? urn : `${urn}#${at}`, [`${what}: ${note}`]];
  });
}
