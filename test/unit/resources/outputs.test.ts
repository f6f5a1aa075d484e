// All arguments are outputs (the contract with users), also those that were not given: declared to the engine's mocks.
import * as pulumi from "@pulumi/pulumi";
import { describe, expect, test } from "vitest";
import * as linuxnet from "../../../provider/index.ts";
import { samples } from "../../support/samples.ts";
import { checked, definitionOf } from "../../support/subject.ts";

type Bag = Record<string, unknown>;
const classes = linuxnet as unknown as Record<string, new (name: string, args: Bag) => Bag>;

// As a preview does it: what the engine answers are the checked inputs.
await pulumi.runtime.setMocks(
  {
    newResource({ type, name, inputs: { __provider, owner, ...inputs } }) {
      const [kind = "", component] = [type.split(":").at(-1), type.startsWith("linuxnet:")];
      return { id: name, state: component ? inputs : checked(kind, inputs) };
    },
    call: () => ({}),
  },
  "lab",
  "dev",
  true,
);

/** What the host decides is not known before it was asked. */
const ofTheHost = ["mtu", "upstreams"];

const known = (output: unknown) => {
  const one = output as { isKnown: Promise<boolean>; promise(): Promise<unknown> };
  return Promise.all([one.isKnown, one.promise()]);
};

describe.each(Object.keys(samples))("%s", (kind) => {
  const fields = Object.keys(definitionOf(kind).fields);
  const made = (name: string, more: Bag = {}) => {
    const Kind = classes[kind];
    if (!Kind) throw new Error(`the package has no ${kind}`);
    return new Kind(name, { ...samples[kind], ...more });
  };

  test("each argument is an output, with its default or known to have none", async () => {
    const resource = made("sample");
    const { owner, ...inputs } = checked(kind, samples[kind] ?? {});
    for (const key of new Set([...fields, ...Object.keys(inputs), "adopt", "connection"])) {
      expect(pulumi.Output.isInstance(resource[key]), key).toBe(true);
      if (ofTheHost.includes(key) && inputs[key] === undefined) continue;
      expect(await known(resource[key]), key).toEqual([true, inputs[key]]);
    }
  });

  test("an argument that turns out to be undefined is known to have no value", async () => {
    const absent = fields.filter(
      (key) => checked(kind, samples[kind] ?? {})[key] === undefined && !ofTheHost.includes(key),
    );
    const resource = made("absent", Object.fromEntries(absent.map((key) => [key, pulumi.output(undefined)])));
    for (const key of absent) expect(await known(resource[key]), key).toEqual([true, undefined]);
  });
});

test("a network's subnets are canonical", async () => {
  const { subnets } = new linuxnet.Network("shop", { subnets: ["10.5.0.0/24", "FD05:0::/64"] });
  expect(await known(subnets)).toEqual([true, ["10.5.0.0/24", "fd05::/64"]]);
});
