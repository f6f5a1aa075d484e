import { z } from "zod";
import type { Connection } from "../kernel/connection.ts";
import { type Exported, exportCurrent, exportStack, projectName } from "./engine.ts";

type Bag = Record<string, unknown>;

/** A resource or component of this package in a stack. */
export interface StackResource {
  urn: string;
  /** The type's last part: `Bridge`, `Container`. */
  kind: string;
  /** Its name in the program. */
  name: string;
  /** The urn of the component that it belongs to. */
  parent: string | undefined;
  component: boolean;
  /** The Lab that it is a part of; a part is no entry of the state. */
  lab?: string;
  /** What the state holds, secrets readable: for hosts only. */
  inputs: Bag;
  outputs: Bag;
  /** Inputs and, over them, outputs as they may be shown: without the text of any secret. */
  shown: Bag;
  /** The owner that its objects carry; undefined of a component. */
  owner: string | undefined;
  /** Where it is. */
  connection: Connection | undefined;
}

/** What a stack declares, as of its last `up` or `refresh`. */
export interface Stack {
  project: string;
  name: string;
  resources: StackResource[];
}

/** The key that marks an encrypted value in the state, and the mark of a secret (the SDK's `specialSigKey`, `specialSecretSig`). */
const [signature, secretMark] = ["4dabf18193072939515e22adb298388d", "1b47061264138c4ac30d75fd1eb44270"];

/** What is shown in place of a secret. */
export const hidden = "[secret]";

function isSecret(value: unknown): value is { plaintext?: string } {
  return typeof value === "object" && value !== null && (value as Bag)[signature] === secretMark;
}

/** A value of the state with each of its secrets replaced. */
function replaced(value: unknown, secret: (plaintext: string | undefined) => unknown): unknown {
  if (isSecret(value)) return secret(value.plaintext);
  if (Array.isArray(value)) return value.map((one) => replaced(one, secret));
  if (typeof value !== "object" || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([key, one]) => [key, replaced(one, secret)]));
}

/** A value of the state with its secrets readable. */
function opened(value: unknown): unknown {
  return replaced(value, (text) => {
    if (text === undefined) return undefined;
    const inner: unknown = JSON.parse(text);
    return opened(inner);
  });
}

/** The bag as it may be shown, without what only the provider needs (`toState`). */
function masked({ __provider: _program, declared: _given, omitted: _left, ...bag }: Bag): Bag {
  return replaced(bag, () => hidden) as Bag;
}

function holdsSecret(value: unknown): boolean {
  let found = false;
  replaced(value, () => {
    found = true;
    return undefined;
  });
  return found;
}

const dynamic = "pulumi-nodejs:dynamic/linuxnet:";
const component = "linuxnet:index:";

function isOurs({ type }: Exported): boolean {
  return type.startsWith(dynamic) || type.startsWith(component);
}

/**
 * Reads a stack through the engine. Its secrets are asked for only where it has any: they stay in memory.
 *
 * @param given the stack's name; undefined: the one that is selected, or the only one
 */
export async function readStack(folder: string, given: string | undefined): Promise<Stack> {
  const { name, resources: first } =
    given === undefined ? await exportCurrent(folder) : { name: given, resources: await exportStack(folder, given) };
  const ours = first.filter(isOurs);
  const whole = holdsSecret(ours) ? (await exportStack(folder, name, true)).filter(isOurs) : ours;
  // A state in which nothing is any more does not tell whose it is.
  const empty = first.length === 0 ? { project: await projectName(folder, name) } : {};
  return { ...stackOf(name, whole, first[0]?.urn), ...empty };
}

/**
 * A stack from the resources of the engine's state.
 * @param urn of any resource: it names the project
 */
export function stackOf(name: string, resources: readonly Exported[], urn = ""): Stack {
  const [, project = ""] = urn.replace(/^urn:pulumi:/, "").split("::");
  return { project, name: name.split("/").at(-1) ?? name, resources: resources.filter(isOurs).map(resourceOf) };
}

const connectionShape = z.looseObject({ host: z.string().optional() });

function resourceOf({ urn, type, parent, inputs, outputs }: Exported): StackResource {
  const read = (bag: Bag | undefined) => opened(bag ?? {}) as Bag;
  const { __provider: _in, ...given } = read(inputs);
  const { __provider: _out, ...stored } = read(outputs);
  const connection = connectionShape.safeParse(stored.connection).data;
  return {
    urn,
    kind: type.split(":").at(-1) ?? type,
    name: urn.split("::").at(-1) ?? urn,
    parent,
    component: type.startsWith(component),
    inputs: given,
    outputs: stored,
    shown: masked({ ...inputs, ...outputs }),
    owner: typeof stored.owner === "string" ? stored.owner : undefined,
    connection: connection as Connection | undefined,
  };
}
