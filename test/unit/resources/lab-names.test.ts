// Names in a Lab that mean something to the language that it is written in, what stays from run to run, and the hosts file.
import { describe, expect, test } from "vitest";
import { readHostLine } from "../../../provider/resources/lab/files.ts";
import { partsOf } from "../../../provider/resources/lab/parts.ts";
import type { LabArgs } from "../../../provider/resources/lab/shape.ts";
import { Paper } from "../../support/paper.ts";

type Bag = Record<string, unknown>;

const worked = (inputs: Bag, olds: Bag = {}) => new Paper("Lab", inputs, {}, olds).args as unknown as LabArgs;

/** What the resolv.conf and the hosts file of a container say. */
function filesOf(inputs: Bag, name: string): Bag {
  const found = partsOf(worked(inputs)).find((one) => one.name === `${name}/files`)?.args;
  if (!found) throw new Error(`${name} has no files`);
  const { owner: _owner, adopt: _adopt, netns: _netns, ...said } = found;
  return said;
}

describe("a name in a lab", () => {
  test("that every object has is that of a namespace all the same", () => {
    const { side } = worked({ networks: {}, containers: { side: { netns: "toString" } } }).containers;
    expect(side).toEqual({ netns: "toString", joins: "toString", addresses: [], gateway: "" });
  });

  test("undefined is a network and a container like others, of which those without a network know nothing", () => {
    const networks = { undefined: { subnet: "10.5.0.0/24", dns: true } };
    const lab = { networks, containers: { undefined: { network: "undefined" }, web: { hostname: "www" } } };
    const { containers } = worked(lab);
    expect(containers.web).toEqual({ hostname: "www", netns: "web-b40cb062", addresses: [], gateway: "" });
    expect(containers.undefined).toMatchObject({ addresses: ["10.5.0.2/24"], gateway: "10.5.0.1" });
    expect(filesOf(lab, "web")).toStrictEqual({ nameservers: ["8.8.8.8", "8.8.4.4"], hosts: {} });
  });
});

test("a network keeps the subnet that it has, also when the one that it would have is free again", () => {
  const first = worked({ networks: { a: {} } }).networks.a?.subnets;
  const before = worked({ networks: { b: { subnet: first?.[0] }, a: {} } });
  const second = before.networks.a?.subnets;
  expect(second).not.toEqual(first);
  const after = worked({ networks: { a: {} } }, before as unknown as Bag);
  expect(after.networks.a?.subnets).toEqual(second);
});

describe("the files of a container", () => {
  const networks = {
    a: { subnet: "10.5.0.0/24", dns: { domain: "a.test" } },
    b: { subnet: "10.6.0.0/24", dns: true },
  };
  const others = { x: { network: "a" }, y: { network: "b", aliases: ["why"] } };

  test("ask the resolver of its first network, and know the names of the others", () => {
    const inputs = { networks, containers: { web: { network: ["a", "b"] }, ...others } };
    expect(filesOf(inputs, "web")).toStrictEqual({
      nameservers: ["10.5.0.1"],
      search: ["a.test"],
      options: ["ndots:0"],
      hosts: {
        ...{ web: ["10.5.0.2", "10.6.0.2"], "web.b": ["10.6.0.2"] },
        ...{ y: ["10.6.0.3"], "y.b": ["10.6.0.3"], why: ["10.6.0.3"], "why.b": ["10.6.0.3"] },
      },
    });
  });

  test("ask its own name servers where it has some, without the options that ours needs", () => {
    const own = { network: "a", dns: ["10.9.9.9"], extraHosts: ["db:10.1.1.1", "six=[fd00::1]"] };
    expect(filesOf({ networks, containers: { web: own } }, "web")).toStrictEqual({
      nameservers: ["10.9.9.9"],
      hosts: { web: ["10.5.0.2"], db: "10.1.1.1", six: "fd00::1" },
    });
  });
});

test.each<[string, string, string | undefined]>([
  ["db:10.1.1.1", "db", "10.1.1.1"],
  ["db=10.1.1.1", "db", "10.1.1.1"],
  ["db:[FD00:0::1]", "db", "fd00::1"],
  ["db:fd0[0::1", "db", undefined],
  ["db:fd00:]:1", "db", undefined],
  ["=db:10.1.1.1", "", undefined],
  ["db", "", undefined],
])("the line %j of a hosts file is %j at %j", (line, name, address) => {
  expect(readHostLine(line)).toEqual([name, address]);
});
