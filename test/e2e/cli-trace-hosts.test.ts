// `linuxnet trace` from one host to another: through an overlay, and to a port that the other host publishes. In the long run only.
import { expect } from "vitest";
import type { Story, Way } from "../../provider/cli/tracing/model.ts";
import type { LabHost } from "../support/hosts.ts";
import { test } from "../support/hosts-test.ts";
import { Stack, succeeded } from "../support/stack.ts";

const program = `
import * as linuxnet from "pulumi-linuxnet";
const connections = Object.fromEntries(["h1", "h2"].map((host) => [host, { host: "10.99.0." + host.slice(1), user: "root" }]));
const shop = new linuxnet.Network("shop", { driver: "overlay", subnets: ["10.60.0.0/24", "fd60::/64"], connections });
const serving = { command: ["python3", "-m", "http.server", "80", "--bind", "::"], ready: { tcp: 80 } };
new linuxnet.Container("web", { network: shop, host: "h1", publish: ["8080:80"], ...serving });
new linuxnet.Container("far", { network: shop, host: "h2" });
`;

test("a packet is followed from one host to another, there and back, or it is said why not", async ({ start }) => {
  const lab = await start(2);
  const stack = await Stack.open(lab.machine, program);
  try {
    succeeded(await stack.up());
    await through(stack);
    await published(stack);
    await refused(stack, lab.hosts[0] as LabHost);
    succeeded(await stack.destroy());
  } finally {
    stack.close();
  }
});

const [h1, h2] = ["host@10.99.0.1", "host@10.99.0.2"];

/** The places on each way, and what is changed there. */
async function way(stack: Stack, code: number, ...args: string[]) {
  const answer = await stack.linuxnet("trace", ...args, "--json");
  expect({ args, code: answer.code, stderr: answer.stderr }).toEqual({ args, code, stderr: "" });
  const { steps, connections, verdict } = JSON.parse(answer.stdout) as Story;
  const places = (one: Way) => steps.filter((step) => step.way === one).map(({ place }) => place);
  const changes = steps.flatMap(({ place, what, way: one, rule, tuple }) =>
    what === "changed"
      ? [`${one} ${place} ${rule?.owners.join().split("/").slice(2, 4).join("/") ?? "kernel"} ${tuple.destination}`]
      : [],
  );
  const folded = (all: string[]) => all.filter((place, index) => place !== all[index - 1]);
  return {
    there: folded(places("there")),
    back: folded(places("back")),
    changes,
    connections: connections.length,
    verdict,
  };
}

/** Through the overlay, in either family. */
async function through(stack: Stack): Promise<void> {
  const there = ["far", h2, h1, "web"];
  const verdict = "it got there, and the answer came back";
  for (const to of ["web", "web:80", "[fd60::2]:80"])
    expect(await way(stack, 0, "far", to)).toEqual({
      there,
      back: there.toReversed(),
      changes: [],
      connections: 2,
      verdict,
    });
}

/** To a port of the other host: by the host's name and by its address, from a container and from the host. */
async function published(stack: Stack): Promise<void> {
  const changes = [
    "there host@10.99.0.2 NatRule/shop-h2 10.99.0.1",
    "there host@10.99.0.1 PortPublish/web-8080_80~ 10.60.0.2",
    "back host@10.99.0.1 kernel 10.99.0.2",
    "back host@10.99.0.2 kernel 10.60.0.3",
  ];
  const steady = (list: string[]) => list.map((one) => one.replace(/@[\da-f]{8}/, "").replace(/~[\da-f]{8}/, "~"));
  for (const to of [`${h1}:8080`, "10.99.0.1:8080"]) {
    const found = await way(stack, 0, "far", to);
    expect(found).toMatchObject({ there: ["far", h2, h1, "web"], back: ["web", h1, h2, "far"], connections: 2 });
    expect(steady(found.changes)).toEqual(changes);
  }
  expect(await way(stack, 0, h2, `${h1}:8080`)).toMatchObject({ there: [h2, h1, "web"], back: ["web", h1, h2] });
  expect(await way(stack, 1, "far", `${h1}:8081`)).toMatchObject({
    there: ["far", h2, h1],
    verdict: "it got to 10.99.0.1, which refused it (tcp reset): nothing listens there on tcp port 8081",
  });
}

/** What cannot be done is told in one sentence. */
async function refused(stack: Stack, host: LabHost): Promise<void> {
  await host.stopSshd();
  const cases: [string[], string][] = [
    [["far", "host@h3"], "there is no host h3 in the stack. Did you mean 10.99.0.1?"],
    [["world", "host:9"], `the stack is on several hosts. Say which: ${h1}, ${h2}.`],
    [["far", "web"], "on 10.99.0.1: the session could not be opened"],
  ];
  for (const [args, sentence] of cases) {
    const { code, stdout, stderr } = await stack.linuxnet("trace", ...args);
    expect({ args, code, stdout, lines: stderr.split("\n").length }).toEqual({ args, code: 2, stdout: "", lines: 2 });
    expect(stderr).toContain(sentence);
  }
  await host.restartSshd();
}
