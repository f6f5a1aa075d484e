import { expect, test } from "vitest";
import type { Result } from "../../../provider/cli/checking/probing.ts";
import { asJson, asJunit, asTable, pointsOf } from "../../../provider/cli/checking/report.ts";
import { type Trial, trialsOf } from "../../../provider/cli/checking/trials.ts";
import { topologyOf } from "../../../provider/cli/topology/read.ts";
import { type Entry, exported, network } from "../../support/exported.ts";

const out = new Map([["", { world: "203.0.113.1", own: "203.0.113.2" }]]);

async function expectations(entries: readonly Entry[]): Promise<string[]> {
  const trials = trialsOf(await topologyOf(exported(entries)), out);
  return trials.map(({ group, from, to, expected }) => `${group}: ${from} ${to} ${expected}`);
}

test("what must be reached, what must not, and what the declaration does not say", async () => {
  const found = await expectations([
    ...network("shop", "10.5.0.0/24", ["web", "db"]),
    ...network("inner", "10.6.0.0/24", ["lost"], { internal: true }),
    [
      "PortPublish",
      "web",
      { hostPort: 80, targetAddress: "10.5.0.2", targetPort: 8080, protocol: "tcp", localhost: true },
    ],
    [
      "PortPublish",
      "dns",
      { hostPort: 53, targetAddress: "10.5.0.2", targetPort: 53, protocol: "udp", localhost: true },
    ],
    ["Expect", "out", { from: "web-ns", to: "203.0.113.1", reachable: true, protocol: "ping" }],
  ]);
  expect(found).toEqual([
    "containers: web db true",
    "containers: web lost false",
    "containers: db web true",
    "containers: db lost false",
    "containers: lost web false",
    "containers: lost db false",
    "gateways: web 10.5.0.1 true",
    "gateways: db 10.5.0.1 true",
    "gateways: lost 10.6.0.1 false",
    "world: web 203.0.113.1 true",
    "world: db 203.0.113.1 true",
    "world: lost 203.0.113.1 false",
    "ports: the host 127.0.0.1:80 → 10.5.0.2:8080 true",
    "expect: web-ns out true",
  ]);
});

test("where rules of the program's own decide, nothing is taken for granted between networks", async () => {
  const found = await expectations([
    ...network("shop", "10.5.0.0/24", ["web"]),
    ...network("other", "10.6.0.0/24", ["far"]),
    ["ForwardRule", "let", { action: "accept" }],
  ]);
  expect(found).toContain("containers: web far undefined");
});

test("isolated ports do not reach each other; containers that share a namespace are tried once", async () => {
  const end = (name: string) => ({
    name: "eth0",
    netns: `${name}-ns`,
    addresses: [`10.5.0.${name === "a" ? 2 : 3}/24`],
  });
  const cable = (name: string): Entry => [
    "VethPair",
    name,
    { name: `v${name}`, bridge: "br", isolated: true, peer: end(name) },
  ];
  const found = await expectations([
    ["Bridge", "br", { name: "br", addresses: [] }],
    ...["a", "b"].flatMap((name): Entry[] => [["Netns", name, { name: `${name}-ns` }], cable(name)]),
    ["Container", "side", { netns: "a-ns", addresses: ["10.5.0.2/24"], gateway: "" }],
  ]);
  expect(found).toEqual(expect.arrayContaining(["containers: side b false", "containers: b side false"]));
  expect(found.filter((line) => line.startsWith("containers"))).toHaveLength(2);
});

const trial: Omit<Trial, "group" | "from" | "to" | "expected"> = {
  connection: undefined,
  question: { kind: "reach", probe: { to: "x", protocol: "ping" } },
};
const result = (
  group: Trial["group"],
  from: string,
  to: string,
  expected: boolean | undefined,
  held: boolean,
): Result => ({
  ...trial,
  group,
  from,
  to,
  expected,
  held,
  said: held ? "" : "it <timed> out",
  fault: undefined,
});

const results = [
  result("containers", "web", "db", true, true),
  result("containers", "db", "web", true, false),
  result("world", "web", "203.0.113.1", undefined, false),
  result("expect", "web", "page", true, true),
  result("expect", "web", "closed", false, true),
];

test("the table shows who reaches whom, then what is wrong, then the points", () => {
  const terminal = {
    write: () => {},
    warn: () => {},
    colours: false,
    interactive: false,
    columns: 80,
    confirm: async () => false,
  };
  expect(pointsOf(results)).toEqual({ held: 1, total: 2 });
  expect(asTable(results, terminal)).toBe(`FROM \\ TO  web  db   gateway  world
web        -    yes           no
db         no!  -

expectations: 1 of 2 as they should be

Not as it should be:
  db does not reach web (it <timed> out)
  closed does not hold: web reaches x

1 of 2 points
`);
});

test("JUnit has a suite per group, without what nothing is declared of; JSON has all", () => {
  const xml = asJunit("lab/dev", results);
  expect(xml).toContain('<testsuite name="lab/dev containers" tests="2" failures="1" errors="0">');
  expect(xml).toContain('<failure message="db does not reach web (it &#60;timed&#62; out)"/>');
  expect(xml).toContain('name="web does not reach closed"><failure message="closed does not hold: web reaches x"/>');
  expect(xml).not.toContain("203.0.113.1");
  const data = JSON.parse(asJson({ project: "lab", stack: "dev" }, results));
  expect(data).toMatchObject({ wrong: 2, untried: 0, points: { held: 1, total: 2 } });
  expect(data.trials).toHaveLength(5);
});
