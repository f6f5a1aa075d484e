import { expect, test } from "vitest";
import { readOptions } from "../../bench/options.ts";
import { programOf } from "../../bench/ours/programs.ts";
import { standIns } from "../../bench/ours/replay.ts";
import { ownShare } from "../../bench/ours/trace.ts";

const line = (start: number, end: number) => ({ host: "h", start, end, requests: 1, sent: 10, received: 5 });

test("requests to two hosts at the same time count once", () => {
  const share = ownShare([line(3000, 4000), line(1000, 2000), line(1500, 2500)]);
  expect(share).toEqual({ seconds: 2.5, trips: 3, characters: 45 });
});

test("stand-ins have the place and the size of what they stand for", () => {
  const urn = (name: string) => `urn:pulumi:dev::lab::t::${name}`;
  const stack = { urn: urn("stack"), type: "pulumi:pulumi:Stack", custom: false };
  const component = {
    urn: urn("net"),
    type: "linuxnet:index:Network",
    custom: false,
    parent: urn("stack"),
    outputs: { a: 1 },
  };
  const inputs = { name: "br0", __provider: "x" };
  const custom = {
    urn: urn("br"),
    type: "t",
    custom: true,
    parent: urn("net"),
    dependencies: [urn("net")],
    inputs,
    outputs: { ...inputs, mtu: 1500 },
  };
  expect(standIns([stack, component, custom])).toEqual([
    {
      name: "net",
      type: "linuxnet:index:Network",
      custom: false,
      parent: undefined,
      dependencies: [],
      inputs: {},
      outputs: { a: 1 },
      pad: 0,
    },
    {
      name: "br",
      type: "t",
      custom: true,
      parent: 0,
      dependencies: [0],
      inputs: { name: "br0" },
      outputs: {},
      pad: 11,
    },
  ]);
});

test("a program has as many hosts as it is asked for, each with an address of its own", () => {
  const program = programOf({ way: "lab", n: 1000, setting: "65" });
  const [, data = ""] = /= (\{.*\});/.exec(program) ?? [];
  const { hosts } = JSON.parse(data);
  expect(new Set(hosts.map(({ address }: { address: string }) => address)).size).toBe(1000);
  expect(program.match(/ip_default_ttl/g)).toHaveLength(1);
});

test("options: lists by commas or repeated; an unknown peer is refused by name", () => {
  expect(readOptions(["--peer", "batch,lab", "--n", "10", "--n", "50"], ["batch", "lab"])).toMatchObject({
    peers: ["batch", "lab"],
    sizes: [10, 50],
    runs: 3,
    keep: false,
    more: false,
  });
  expect(() => readOptions(["--peer", "vagrant"], ["batch"])).toThrow("there are batch");
  expect(() => readOptions(["--n", "0"], [])).toThrow("from 1 to 10000");
});
