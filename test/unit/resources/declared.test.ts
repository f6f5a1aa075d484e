// What a program's own words become on their way to the engine: secrets, places, files.
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import * as pulumi from "@pulumi/pulumi";
import { afterAll, describe, expect, test } from "vitest";
import * as linuxnet from "../../../provider/index.ts";
import { withSecrets } from "../../../provider/resources/connection.ts";

type Bag = Record<string, unknown>;

const declared = new Map<string, Bag>();

await pulumi.runtime.setMocks(
  {
    newResource({ name, inputs }) {
      declared.set(name, inputs);
      return { id: name, state: inputs };
    },
    call: () => ({}),
  },
  "lab",
  "dev",
  false,
);

/** What the engine is given for a resource; secrets are shown by what they hide. */
async function given(resource: pulumi.CustomResource, name: string): Promise<Bag> {
  await (resource.urn as unknown as { promise(): Promise<string> }).promise();
  return declared.get(name) ?? {};
}
const shown = async (value: unknown) => {
  const output = pulumi.output(value) as unknown as { isSecret: Promise<boolean>; promise(): Promise<unknown> };
  return [await output.isSecret, await output.promise()];
};

describe("a connection", () => {
  const hop = { host: "jump", user: "lab", password: "p1" };
  const connection = {
    ...hop,
    host: "lab1",
    port: 22,
    privateKey: "k",
    privateKeyPassword: "p2",
    sudoPassword: "p3",
    sudo: true,
    proxy: hop,
  };
  const secret = ["password", "privateKey", "privateKeyPassword", "sudoPassword"];

  test("has its secrets marked, in itself and in its proxy, and the rest readable", async () => {
    const marked = withSecrets(connection) ?? {};
    expect(Object.keys(marked)).toEqual(Object.keys(connection));
    for (const [key, value] of Object.entries(connection)) {
      if (key === "proxy") continue;
      expect(await shown(marked[key]), key).toEqual([secret.includes(key), value]);
    }
    const proxy = marked.proxy as Bag;
    expect(await shown(proxy.password)).toEqual([true, "p1"]);
    expect([proxy.host, proxy.user]).toEqual(["jump", "lab"]);
    expect(withSecrets({ host: "lab1", password: undefined })).toEqual({ host: "lab1", password: undefined });
    expect(withSecrets(undefined)).toBeUndefined();
  });

  test.each<[string, () => pulumi.Input<typeof connection>]>([
    ["an output", () => pulumi.output(connection)],
    ["a promise", () => Promise.resolve(connection)],
  ])("that is %s is taken apart, so that what is no secret stays readable", async (_what, input) => {
    const marked = withSecrets(input()) ?? {};
    expect(await shown(marked.host)).toEqual([false, "lab1"]);
    expect(await shown(marked.sudo)).toEqual([false, true]);
    for (const key of [...secret, "proxy"])
      expect(await shown(marked[key]), key).toEqual([true, (connection as Bag)[key]]);
    expect(await shown(marked.dialErrorLimit)).toEqual([false, undefined]);
    const none = withSecrets(pulumi.output(undefined as unknown as typeof connection)) ?? {};
    expect(await shown(none.host)).toEqual([false, undefined]);
  });
});

describe("an Expect", () => {
  const web = { netns: pulumi.output("ct1"), addresses: pulumi.output(["10.9.0.2/24", "fd09::2/64"]) };
  const placed = async (name: string, from: unknown, to: unknown = "10.9.0.1") => {
    const {
      from: place,
      to: target,
      connection,
    } = await given(new linuxnet.Expect(name, { from, to } as linuxnet.ExpectArgs), name);
    return [place, target, connection];
  };

  test("is tried from a container, a namespace, the host, or a place on another host", async () => {
    const other = { host: "lab1" };
    expect(await placed("by name", "ct1")).toEqual(["ct1", "10.9.0.1", undefined]);
    expect(await placed("by output", pulumi.output("ct1"))).toEqual(["ct1", "10.9.0.1", undefined]);
    expect(await placed("by promise", Promise.resolve("ct1"))).toEqual(["ct1", "10.9.0.1", undefined]);
    expect(await placed("from a container", web)).toEqual(["ct1", "10.9.0.1", undefined]);
    expect(await placed("there", { netns: "ct2", connection: other })).toEqual(["ct2", "10.9.0.1", other]);
    expect(await placed("on another host", { connection: other })).toEqual(["host", "10.9.0.1", other]);
    expect(await placed("without a namespace", { netns: "" })).toEqual(["host", "10.9.0.1", undefined]);
  });

  test("leads to a container's first address, or to what is given", async () => {
    expect((await placed("to a container", "ct1", web))[1]).toBe("10.9.0.2");
    expect((await placed("to nothing", "ct1", { ...web, addresses: pulumi.output([]) }))[1]).toBe("");
    expect((await placed("to an output", "ct1", pulumi.output("db")))[1]).toBe("db");
    expect((await placed("to a promise", "ct1", Promise.resolve("db")))[1]).toBe("db");
  });
});

describe("a Lab in a file", () => {
  const folder = mkdtempSync(join(tmpdir(), "linuxnet-lab-"));
  afterAll(() => rmSync(folder, { recursive: true }));
  const fileOf = (text: string) => {
    const path = join(folder, "lab.yaml");
    writeFileSync(path, text);
    return path;
  };

  test("is what the file says", async () => {
    const path = fileOf("networks: { shop: { subnet: 10.5.0.0/24 } }\ncontainers: { web: { network: shop } }\n");
    expect(await given(linuxnet.Lab.fromFile("from a file", path), "from a file")).toMatchObject({
      networks: { shop: { subnet: "10.5.0.0/24" } },
      containers: { web: { network: "shop" } },
    });
  });

  test.each(["just text", "- a\n- list\n", "null\n", ""])("that holds %j is refused by the file's name", (text) => {
    const path = fileOf(text);
    expect(() => linuxnet.Lab.fromFile("wrong", path)).toThrow(
      new pulumi.RunError(`cannot read the lab ${path}: it must hold networks and containers`),
    );
  });

  test("that is not there, or no YAML, is refused by the file's name", () => {
    expect(() => linuxnet.Lab.fromFile("gone", join(folder, "none"))).toThrow(
      /^cannot read the lab \S+none: ENOENT: no such file/,
    );
    expect(() => linuxnet.Lab.fromFile("odd", fileOf("a: [1"))).toThrow(/^cannot read the lab \S+lab.yaml: /);
  });
});

test("a key named __proto__ is refused by the way to it, before the engine loses it", () => {
  const peer = JSON.parse('{ "name": "eth0", "__proto__": { "netns": "x" } }') as linuxnet.VethEndArgs;
  expect(() => new linuxnet.VethPair("odd", { name: "v0", peer })).toThrow(
    "property peer.__proto__: this key is not allowed",
  );
});
