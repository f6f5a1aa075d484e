import * as pulumi from "@pulumi/pulumi";
import type { z } from "zod";
import { ownerOf } from "../kernel/owner.ts";
import type { Definition } from "../lifecycle/definition.ts";
import { type ConnectionArgs, withSecrets } from "./connection.ts";

/** Inputs of every resource. */
export interface ResourceArgs {
  /**
   * Where the commands run; default, or without `host`: this machine. The type of `@pulumi/command`'s remote connection is
   * accepted as it is. Change of `host`: replacement.
   */
  connection?: pulumi.Input<ConnectionArgs>;
  /**
   * Take over an existing object of the same name that nothing owns; default false: refuse, and say what stands there.
   * Deleting an object that was taken over releases it: our marks and settings go, the object stays.
   */
  adopt?: pulumi.Input<boolean>;
}

/**
 * The constant text that the engine's plugin runs to find the provider of a kind. It holds no path and no secret, so a state
 * moves between checkouts and machines; the folder of the project finds the package.
 */
function providerText(kind: string): string {
  return `exports.handler=()=>require("module").createRequire(process.cwd()+"/")("pulumi-linuxnet/runtime").provider("${kind}")`;
}

/** The class behind every resource: it says who owns the object, and how the engine finds its provider. */
export abstract class Resource extends pulumi.CustomResource {
  declare readonly connection: pulumi.Output<pulumi.Unwrap<ConnectionArgs> | undefined>;

  /**
   * @param definition of its kind: its fields say which arguments have a default
   * @param outputs the outputs that are no arguments, and the arguments whose default needs others
   */
  protected constructor(
    { kind, fields }: Pick<Definition, "kind" | "fields">,
    name: string,
    args: object,
    outputs: readonly string[],
    opts?: pulumi.CustomResourceOptions,
  ) {
    refuseProto(args, "");
    const { answered, optional } = readable(fields, outputs);
    const inputs: Record<string, unknown> = { ...Object.fromEntries(answered.map((key) => [key, undefined])), ...args };
    if (inputs.connection !== undefined)
      inputs.connection = withSecrets(inputs.connection as ResourceArgs["connection"]);
    inputs.owner = ownerOf(pulumi.getProject(), pulumi.getStack(), kind, name);
    inputs.__provider = providerText(kind);
    // Where the engine replaces because it was told to (`--replace`, a taint), it asks no provider for the order. To create first
    // would take up the object that stands, which is deleted then.
    const deleteBeforeReplace = opts?.deleteBeforeReplace ?? true;
    const type = `pulumi-nodejs:dynamic/linuxnet:${kind}`;
    super(type, name, inputs as pulumi.Inputs, { ...opts, deleteBeforeReplace });
    Object.assign(this, omitted(optional, args as Record<string, unknown>, this as unknown as Record<string, unknown>));
  }
}

interface Readable {
  /** What the engine answers whether it was given or not. */
  answered: string[];
  /** The arguments that have no value when they are not given. */
  optional: string[];
}

const known = new Map<Definition["fields"], Readable>();

/** All arguments are outputs too: those with a default, and those without. */
function readable(fields: Definition["fields"], outputs: readonly string[]): Readable {
  const before = known.get(fields);
  if (before) return before;
  const keys = Object.keys(fields).filter((key) => !outputs.includes(key));
  const empty = (key: string) => (fields[key] as z.ZodType).safeParse(undefined);
  const optional = keys.filter((key) => empty(key).success && empty(key).data === undefined);
  const answered = [...outputs, ...keys.filter((key) => empty(key).data !== undefined), "adopt"];
  const found = { answered, optional: [...optional, "connection"] };
  known.set(fields, found);
  return found;
}

/**
 * The engine takes what nothing was given for as not known in a preview, and then all that is made of it would seem to change.
 * @param own the outputs as the engine answers them
 */
function omitted(optional: string[], args: Record<string, unknown>, own: Record<string, unknown>) {
  const entries = optional.flatMap((key): [string, pulumi.Output<unknown>][] => {
    const [given, answer] = [args[key], own[key]];
    if (given === undefined) return [[key, pulumi.output(undefined)]];
    if (!pulumi.Output.isInstance(given) && !(given instanceof Promise)) return [];
    const value: pulumi.Output<unknown> = pulumi.output(given as pulumi.Input<unknown>);
    return [[key, value.apply((one) => (one === undefined ? undefined : answer))]];
  });
  return Object.fromEntries(entries);
}

/** The engine's wire format loses a key named `__proto__` without a word, so it is refused before it gets there. */
function refuseProto(value: unknown, at: string): void {
  if (typeof value !== "object" || value === null || pulumi.Output.isInstance(value)) return;
  if (Array.isArray(value)) {
    for (const [index, one] of value.entries()) refuseProto(one, `${at}[${index}]`);
    return;
  }
  for (const key of Object.getOwnPropertyNames(value)) {
    const property = at ? `${at}.${key}` : key;
    if (key === "__proto__") throw new pulumi.RunError(`property ${property}: this key is not allowed`);
    if (Object.getPrototypeOf(value) === Object.prototype)
      refuseProto((value as Record<string, unknown>)[key], property);
  }
}
