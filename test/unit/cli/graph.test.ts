import { Script } from "node:vm";
import { expect, test } from "vitest";
import { graphOf } from "../../../provider/cli/graph/build.ts";
import { html } from "../../../provider/cli/graph/html.ts";
import { place } from "../../../provider/cli/graph/layout.ts";
import { svg } from "../../../provider/cli/graph/svg.ts";
import { dot, mermaid } from "../../../provider/cli/graph/text.ts";
import { topologyOf } from "../../../provider/cli/topology/read.ts";
import { exported, network } from "../../support/exported.ts";

async function graphWith(count: number, drift = new Map<string, string[]>()) {
  const names = (from: string, many: number) => Array.from({ length: many }, (_, index) => `${from}${index + 1}`);
  const stack = exported([
    ...network("shop", "10.5.0.0/24", names("web", Math.ceil(count * 0.6))),
    ...network("inner", "10.6.0.0/24", names("db", Math.floor(count * 0.4)), { internal: true }),
    ["PortPublish", "web", { hostPort: 8080, targetAddress: "10.5.0.2", targetPort: 80, protocol: "tcp" }],
  ]);
  return graphOf("lab/dev", await topologyOf(stack), drift);
}

test("a graph has the world, the host, bridges and containers, each joined to what it hangs on", async () => {
  const { nodes, edges } = await graphWith(3);
  expect(nodes.map(({ kind, label, lines }) => [kind, label, ...lines])).toEqual([
    ["world", "world"],
    ["host", "this machine"],
    ["bridge", "shop", "10.5.0.1/24"],
    ["bridge", "inner", "10.6.0.1/24"],
    ["container", "web1", "10.5.0.2/24", ":8080 → 80/tcp"],
    ["container", "web2", "10.5.0.3/24"],
    ["container", "db1", "10.6.0.2/24"],
  ]);
  const label = (id: string) => nodes.find((node) => node.id === id)?.label;
  expect(edges.map(({ from, to, label: text }) => [label(from), label(to), text])).toEqual([
    ["world", "this machine", ""],
    ["this machine", "shop", "NAT"],
    ["this machine", "inner", "internal"],
    ["shop", "web1", ""],
    ["shop", "web2", ""],
    ["inner", "db1", ""],
  ]);
});

test("mermaid and dot say the same, with drift in red and odd names harmless", async () => {
  const drift = new Map([["urn:pulumi:dev::lab::Bridge::shop", ["mtu is 1400, not 1500"]]]);
  const graph = await graphWith(3, drift);
  graph.nodes[1] = { ...(graph.nodes[1] as (typeof graph.nodes)[0]), label: 'a "b" <c> #1' };
  const text = mermaid(graph);
  expect(text).toContain("flowchart LR");
  expect(text).toContain('n2{{"shop<br/>10.5.0.1/24"}}');
  expect(text).toContain('n1[["a #34;b#34; #60;c#62; #35;1"]]');
  expect(text).toContain("class n2 drift");
  expect(dot(graph)).toContain('n1 [label="a \\"b\\" <c> #1"');
  expect(dot(graph)).toMatch(/n2 \[label="shop\\n10.5.0.1\/24".*color="#cc0000".*mtu is 1400/);
});

test.each([3, 30])("%i containers fit on a screen of 1280 pixels without one box over another", async (count) => {
  const { width, nodes } = place(await graphWith(count));
  expect(width).toBeLessThanOrEqual(1280);
  for (const [index, one] of nodes.entries())
    for (const other of nodes.slice(index + 1)) {
      const apart =
        Math.abs(one.x - other.x) >= (one.width + other.width) / 2 ||
        Math.abs(one.y - other.y) >= (one.height + other.height) / 2;
      expect(apart, `${one.label} and ${other.label}`).toBe(true);
    }
});

test("the picture and the page are of their own, and a hostile name is only a text in them", async () => {
  const graph = await graphWith(3, new Map([["urn:pulumi:dev::lab::Netns::web1", ["</title><script>x"]]]));
  graph.nodes[4] = { ...(graph.nodes[4] as (typeof graph.nodes)[0]), label: "<script>alert(1)</script>\u0000" };
  for (const text of [svg(graph), html(graph)]) {
    expect(text).not.toContain("<script>alert");
    expect(text).not.toContain("</title><script>x");
    expect(text).not.toContain("\u0000");
    expect(text.replaceAll("http://www.w3.org/2000/svg", "")).not.toMatch(/https?:|src=|url\(|@import/);
    expect(text).toContain('class="node container drift"');
  }
  const program = /<script>(.*)<\/script>/s.exec(html(graph))?.[1] ?? "";
  expect(() => new Script(program)).not.toThrow();
  expect(html(graph)).toContain("1 of them not as declared");
});
