/** A resource as the engine's export of a stack shows it. */
export interface StoredResource {
  urn: string;
  type: string;
  custom: boolean;
  parent?: string;
  dependencies?: string[];
  inputs?: Record<string, unknown>;
  outputs?: Record<string, unknown>;
}

/** A resource of a program that stands for another one: the same place, the same size, and nothing behind it. */
export interface Stand {
  name: string;
  type: string;
  custom: boolean;
  /** Index of the parent; undefined: the stack. */
  parent?: number | undefined;
  /** Indices of what it depends on. */
  dependencies: number[];
  inputs: Record<string, unknown>;
  /** What a component registers. */
  outputs: Record<string, unknown>;
  /** Bytes that its outputs have more than its inputs. */
  pad: number;
}

const size = (value: unknown): number => JSON.stringify(value ?? {}).length;

/**
 * The resources of a stack as stand-ins, in the order in which they can be declared. What the engine makes by itself (the
 * stack, default providers) is left out: the other program gets it too.
 */
export function standIns(resources: readonly StoredResource[]): Stand[] {
  const own = resources.filter(({ type }) => type !== "pulumi:pulumi:Stack" && !type.startsWith("pulumi:providers:"));
  const place = new Map(own.map(({ urn }, index) => [urn, index]));
  return own.map(({ urn, type, custom, parent, dependencies = [], inputs = {}, outputs = {} }) => {
    const { __provider, ...plain } = inputs;
    return {
      name: urn.split("::").at(-1) ?? "",
      type,
      custom,
      parent: place.get(parent ?? ""),
      dependencies: dependencies.flatMap((one) => place.get(one) ?? []),
      inputs: custom ? plain : {},
      outputs: custom ? {} : outputs,
      pad: custom ? Math.max(0, size(outputs) - size(inputs)) : 0,
    };
  });
}

/** The file with the stand-ins, beside the program. */
export const standInsFile = "stand-ins.json";

/** The program that declares the stand-ins; the last one of them differs with `changed`. */
export function replayProgram(changed = false): string {
  return `import { readFileSync } from "node:fs";
import * as pulumi from "@pulumi/pulumi";
const stands = JSON.parse(readFileSync("${standInsFile}", "utf8"));
const last = stands.findLastIndex(({ custom }) => custom);
const text = 'exports.handler=()=>require("module").createRequire(process.cwd()+"/")("./empty.cjs").provider()'.padEnd(135);
class Component extends pulumi.ComponentResource {
  constructor({ type, name, outputs }, opts) { super(type, name, {}, opts); this.registerOutputs(outputs); }
}
class Empty extends pulumi.CustomResource {
  constructor({ name, inputs, pad }, number, opts) {
    const change = ${changed} && number === last ? { changed: true } : {};
    super("pulumi-nodejs:dynamic/linuxnet-bench:Empty", number + "-" + name,
      { ...inputs, ...change, pad, __provider: text }, opts);
  }
}
const made = [];
for (const [number, stand] of stands.entries()) {
  const opts = { parent: made[stand.parent], dependsOn: stand.dependencies.map((one) => made[one]) };
  made.push(stand.custom ? new Empty(stand, number, opts) : new Component(stand, opts));
}
`;
}
