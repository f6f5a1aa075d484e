// What the engine is given for a resource beside the user's own arguments, and what a preview knows of its outputs.
import * as pulumi from "@pulumi/pulumi";
import { describe, expect, test } from "vitest";
import * as linuxnet from "../../../provider/index.ts";

type Bag = Record<string, unknown>;

/** What the engine's own class of all resources is given. */
const handed: { type: string; props: Bag; opts: pulumi.CustomResourceOptions }[] = [];
const noting: pulumi.ResourceTransformation = ({ type, props, opts }) => void handed.push({ type, props, opts });

// As a preview does it: the engine answers the inputs as they were given, but for settings.
await pulumi.runtime.setMocks(
  {
    newResource({ name, inputs }) {
      const { sysctls } = inputs as Bag;
      return { id: name, state: sysctls ? { ...inputs, sysctls: { canonical: "1" } } : inputs };
    },
    call: () => ({}),
  },
  "lab",
  "dev",
  true,
);

const known = (output: unknown) => {
  const one = output as { isKnown: Promise<boolean>; promise(): Promise<unknown> };
  return Promise.all([one.isKnown, one.promise()]);
};

describe("the engine is given", () => {
  const given = (args: linuxnet.NetnsArgs, opts: pulumi.CustomResourceOptions = {}) => {
    handed.splice(0);
    new linuxnet.Netns("one", args, { ...opts, transformations: [noting] });
    const [first] = handed;
    if (!first) throw new Error("the options were not handed on");
    return first;
  };

  test("a kind, an owner, and the constant text by which it finds the provider", () => {
    const { type, props } = given({ name: "ct1" });
    expect([type, props]).toEqual([
      "pulumi-nodejs:dynamic/linuxnet:Netns",
      {
        ...{ name: "ct1", owner: "linuxnet:lab/dev/Netns/one" },
        __provider:
          'exports.handler=()=>require("module").createRequire(process.cwd()+"/")("pulumi-linuxnet/runtime").provider("Netns")',
      },
    ]);
  });

  test("the passwords of a connection as secrets", async () => {
    const { props } = given({ name: "ct1", connection: { host: "lab1", password: "p1" } });
    const { host, password } = props.connection as { host: string; password: pulumi.Output<string> };
    const hidden = password as unknown as { isSecret: Promise<boolean>; promise(): Promise<string> };
    expect([host, await hidden.isSecret, await hidden.promise()]).toEqual(["lab1", true, "p1"]);
  });

  test("the order to delete before it creates, unless the program wants another, beside all other options", () => {
    const told = (opts?: pulumi.CustomResourceOptions) => {
      const { deleteBeforeReplace, protect } = given({ name: "ct1" }, opts).opts;
      return [deleteBeforeReplace, protect];
    };
    expect(told()).toEqual([true, undefined]);
    expect(told({ protect: true })).toEqual([true, true]);
    expect(told({ deleteBeforeReplace: false })).toEqual([false, undefined]);
  });
});

describe("an argument without a default", () => {
  const sysctlsOf = (name: string, sysctls: linuxnet.NetnsArgs["sysctls"]) =>
    known(new linuxnet.Netns(name, { name: "ct1", ...(sysctls && { sysctls }) }).sysctls);

  test("that is not given, or turns out to be undefined, is known to have no value", async () => {
    const none = undefined as unknown as Record<string, string>;
    expect(await sysctlsOf("not given", undefined)).toEqual([true, undefined]);
    expect(await sysctlsOf("an output of nothing", pulumi.output(none))).toEqual([true, undefined]);
    expect(await sysctlsOf("a promise of nothing", Promise.resolve(none))).toEqual([true, undefined]);
  });

  test("that is given has the value that the engine answers, in whatever way it was given", async () => {
    const value = { "net.ipv4.ip_forward": "1" };
    const answered = [true, { canonical: "1" }];
    expect(await sysctlsOf("plainly", value)).toEqual(answered);
    expect(await sysctlsOf("an output", pulumi.output(value))).toEqual(answered);
    expect(await sysctlsOf("a promise", Promise.resolve(value))).toEqual(answered);
  });

  test.each([undefined, null])("that is given as %j is left to the check", (nothing) => {
    const args = { name: "ct1", sysctls: nothing } as unknown as linuxnet.NetnsArgs;
    expect(() => new linuxnet.Netns(`given as ${nothing}`, args)).not.toThrow();
  });
});

test("a key named __proto__ is refused at any depth, also where its neighbours are outputs", () => {
  const sysctls = JSON.parse('{ "__proto__": "1" }') as Record<string, string>;
  const peer = {
    name: pulumi.output("eth0"),
    impairment: { rate: "1mbit", ...JSON.parse('{ "loss": { "__proto__": 1 } }') },
  };
  expect(() => new linuxnet.Netns("odd", { name: "ct1", sysctls })).toThrow(
    new pulumi.RunError("property sysctls.__proto__: this key is not allowed"),
  );
  expect(() => new linuxnet.VethPair("odd", { name: "v0", peer } as unknown as linuxnet.VethPairArgs)).toThrow(
    new pulumi.RunError("property peer.impairment.loss.__proto__: this key is not allowed"),
  );
  const routes = [{ to: "10.7.0.0/16" }, JSON.parse('{ "to": "10.8.0.0/16", "__proto__": { "via": "10.9.0.1" } }')];
  const listed = { name: "v0", peer: { name: "eth0", routes } } as linuxnet.VethPairArgs;
  expect(() => new linuxnet.VethPair("odd", listed)).toThrow(
    new pulumi.RunError("property peer.routes[1].__proto__: this key is not allowed"),
  );
});
