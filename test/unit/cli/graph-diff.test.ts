import { expect, test } from "vitest";
import { changesText } from "../../../provider/cli/graph/changes.ts";
import { diffOf } from "../../../provider/cli/graph/diff.ts";
import { html } from "../../../provider/cli/graph/html.ts";
import { svg } from "../../../provider/cli/graph/svg.ts";
import { dot, mermaid } from "../../../provider/cli/graph/text.ts";
import { type Entry, exported, network } from "../../support/exported.ts";

const plainTerminal = { colours: false } as Parameters<typeof changesText>[2];

const shop = (members: string[], more: Record<string, unknown> = {}) => network("shop", "10.5.0.0/24", members, more);
const port = (hostPort: number): Entry => [
  "PortPublish",
  "web",
  { hostPort, targetAddress: "10.5.0.2", targetPort: 80, protocol: "tcp" },
];

test("what was added, removed and changed is told by name, by property, and by colour in each picture", async () => {
  const before = exported([...shop(["web", "old"]), port(8080)]);
  const after = exported([
    ...shop(["web", "old", "new"], { mtu: 1400 }).filter(([, name]) => name !== "old"),
    port(8081),
  ]);
  const { changes, parents, graph } = await diffOf(before, after);
  expect(changesText(changes, parents, plainTerminal).split("\n")).toEqual([
    "~ Bridge shop",
    "    mtu: nothing → 1400",
    "- Container old",
    "~ PortPublish web",
    "    hostPort: 8080 → 8081",
    "+ Container new",
    "",
  ]);
  expect(graph.nodes.map(({ label, fate }) => [label, fate])).toEqual([
    ["world", undefined],
    ["this machine", undefined],
    ["shop", "changed"],
    ["web", "changed"],
    ["new", "added"],
    ["old", "removed"],
  ]);
  expect(graph.nodes[3]?.changes).toEqual([
    "before: :8080 → 80/tcp",
    "now: :8081 → 80/tcp",
    "PortPublish web changed: hostPort: 8080 → 8081",
  ]);
  for (const text of [svg(graph), html(graph)])
    for (const kind of ["bridge changed", "container added", "container removed"])
      expect(text).toContain(`class="node ${kind}"`);
  expect(html(graph)).toContain('<span class="added">2 added</span><span class="removed">2 removed</span>');
  expect(mermaid(graph)).toMatch(/n5\["− old.*class n5 removed.*class n2,n3 changed/s);
  expect(dot(graph)).toMatch(/n4 \[label="\+ new\\n.*color="#188038"/);
});

test("equal states differ in nothing, under another stack's name either; what the kernel numbers does not count", async () => {
  const one = exported([...shop(["web"]), ["Netns", "more", { name: "more" }]]);
  const other = structuredClone(one);
  for (const resource of other.resources) {
    resource.urn = resource.urn.replace("dev::lab", "prod::lab");
    resource.parent = resource.parent?.replace("dev::lab", "prod::lab");
    resource.outputs.ifindex = 7;
    resource.owner = "linuxnet:lab/prod/x/y@22222222";
  }
  const { changes, parents, graph } = await diffOf(one, { ...other, name: "prod" });
  expect(changes).toEqual([]);
  expect(changesText(changes, parents, plainTerminal)).toBe("Nothing differs.\n");
  expect(graph.nodes.every(({ fate }) => fate === undefined)).toBe(true);
  expect(graph.title).toBe("lab/dev and lab/prod");
});

test("a secret that was changed is told, and not shown", async () => {
  const secret = (plaintext: string) => ({
    "4dabf18193072939515e22adb298388d": "1b47061264138c4ac30d75fd1eb44270",
    plaintext: JSON.stringify(plaintext),
  });
  const state = (text: string) =>
    exported([["Process", "web", { command: ["true"], environment: { KEY: secret(text) } }]]);
  const { changes, parents } = await diffOf(state("before"), state("after"));
  expect(changesText(changes, parents, plainTerminal)).toBe("~ Process web\n    environment differs\n");
});
