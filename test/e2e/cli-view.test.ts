// `linuxnet graph` with counters and as a diff of two states, `view` in Debian's Chromium, and `logs -f`, on one real stack.
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect } from "vitest";
import type { GraphEdge, GraphNode } from "../../provider/cli/graph/model.ts";
import { Browser } from "../support/browser.ts";
import { machineAddress } from "../support/machine.ts";
import { startCommand } from "../support/running.ts";
import { type Stack, succeeded } from "../support/stack.ts";
import { test } from "../support/test.ts";

const program = `
import * as linuxnet from "pulumi-linuxnet";
const shop = new linuxnet.Network("shop", { subnet: "10.5.0.0/24" });
const serving = { command: ["python3", "-u", "-m", "http.server", "80"], ready: { tcp: 80 } };
const web = new linuxnet.Container("web", { network: shop, publish: ["8080:80"], ...serving });
const client = new linuxnet.Container("client", { network: shop });
const old = { hostPort: 8081, targetAddress: "10.5.0.2", targetPort: 80, backend: "iptables" };
new linuxnet.PortPublish("old", old, { dependsOn: [web] });
new linuxnet.Process("clock", { command: ["sh", "-c", "while :; do date +%N; sleep 0.2; done"] });
new linuxnet.Expect("page", { from: client, to: web, port: 80 }, { dependsOn: [web, client] });
`;

interface Picture {
  nodes: GraphNode[];
  edges: GraphEdge[];
}

test("counters, drift and differences are shown, by graph and by view, and a log is followed", async ({ open }) => {
  const stack = await open(program);
  succeeded(await stack.up());
  // What came with iptables' FORWARD is seen by those that were made before it.
  succeeded(await stack.up());
  await naming(stack);
  await counting(stack);
  await following(stack);
  const before = join(stack.folder, "before.json");
  writeFileSync(before, JSON.stringify(await stack.export()));
  await viewing(stack);
  stack.write(program.replace("8080:80", "8088:80").replace(/^new linuxnet.Process.*$/m, ""));
  succeeded(await stack.up());
  await comparing(stack, before);
  succeeded(await stack.destroy());
});

/** What completion offers. */
async function naming(stack: Stack): Promise<void> {
  const names = async (verb: string) => (await stack.linuxnet("completion", "names", verb)).stdout.split("\n");
  const [exec, logs, graph] = await Promise.all(["exec", "logs", "graph"].map(names));
  expect({ exec, logs, graph }).toEqual({ exec: ["client", "web", ""], logs: ["clock", "web", ""], graph: [""] });
}

async function picture(stack: Stack): Promise<Picture> {
  const { code, stdout, stderr } = await stack.linuxnet("graph", "--refresh", "--json");
  const found: Picture = JSON.parse(stdout);
  expect([...found.nodes, ...found.edges].flatMap(({ drift }) => drift)).toEqual([]);
  expect({ code, stderr }).toEqual({ code: 0, stderr: "" });
  return found;
}

const named = ({ nodes }: Picture, name: string) => nodes.find(({ label }) => label === name) as GraphNode;

/** Ten pings of 1,000 bytes, and a connection of the world's to each published port. */
async function counting(stack: Stack): Promise<void> {
  const { machine } = stack;
  const first = await picture(stack);
  await machine.sh("ip netns exec $(ls /run/netns | grep ^client) ping -q -c 10 -i 0.01 -s 1000 10.5.0.2");
  const open = (port: number) => `exec {at}<>/dev/tcp/${machineAddress}/${port}; echo there >&1`;
  const held = `${open(8080)}; ${open(8081)}; exec sleep 1000`;
  const visitor = await machine.spawn(["nsenter", "--net=/media/world", "bash", "-c", held]);
  await machine.sh(
    "for i in $(seq 300); do [ $(conntrack -L -p tcp --dst-nat 2>/dev/null | grep -c ESTABLISHED) = 2 ] && exit; sleep 0.1; done; exit 1",
  );
  const then = await picture(stack);
  await machine.sh(`kill ${visitor}`);
  const grown = (name: string, way: "received" | "sent") =>
    (named(then, name).traffic?.[way].bytes ?? 0) - (named(first, name).traffic?.[way].bytes ?? 0);
  for (const name of ["web", "client"])
    for (const way of ["received", "sent"] as const) expect(grown(name, way)).toBeGreaterThanOrEqual(10_280);
  expect(then.edges.filter(({ traffic }) => traffic).length).toBe(3);
  const { about } = named(then, "web");
  expect(about).toContain(":8080 → 80/tcp: 1 connection now");
  expect(about).toContain(":8081 → 80/tcp: 1 connection now, 1 connection so far");
  expect(about.join("\n")).toMatch(/^received \d.* \(\d+ packets\), sent \d/m);
}

async function following(stack: Stack): Promise<void> {
  const log = await startCommand(stack, "logs", "-f", "-n", "1", "clock");
  const lines = [await log.line(), await log.line(), await log.line(), await log.line()];
  expect(new Set(lines).size).toBe(4);
  expect(lines.join("\n")).toMatch(/^\d{9}\n\d{9}\n\d{9}\n\d{9}$/);
  expect(await log.stop("TERM")).toMatchObject({ stderr: "" });
  await stack.machine.sh("for i in $(seq 100); do pgrep -x tail >/dev/null || exit 0; sleep 0.1; done; exit 1");
}

async function viewing(stack: Stack): Promise<void> {
  const { machine } = stack;
  const view = await startCommand(stack, "view");
  const url = await view.line();
  const browser = await Browser.launch(machine);
  try {
    const page = await browser.open(url);
    await page.waitFor(`document.querySelectorAll("#checks td.yes").length === 6`);
    await page.waitFor(`document.querySelector("#drift .good")?.textContent === "All stands as declared."`);
    await page.waitFor(`document.querySelectorAll(".rate:not(:empty)").length === 3`);
    expect(await page.evaluate(`document.querySelector("#hosts").textContent`)).toMatch(
      /^this machine: looked \d+ s ago$/,
    );
    // Zoomed, with the pointer on a container: both stay while what is counted goes on.
    const at = `(() => { const { x, y, width, height } = document.querySelector("[data-id*=':web'] rect").getBoundingClientRect(); return [x + width / 2, y + height / 2]; })()`;
    const [x, y] = (await page.evaluate(at)) as [number, number];
    await page.pointer("mouseWheel", x, y, -100);
    await page.pointer("mouseMoved", x, y);
    await page.waitFor(`/^web\\n10.5.0.2\\/24\\n.*received /s.test(document.querySelector("#about").textContent)`);
    await machine.sh("ip link set dev $(ls /sys/class/net | grep ^client) mtu 1400");
    const box = await page.evaluate(`document.querySelector("main svg").getAttribute("viewBox")`);
    await page.waitFor(`document.querySelector("#drift .bad")?.textContent.includes("mtu is 1400, not 1500")`);
    await page.waitFor(`document.querySelector(".node.drift text")?.textContent === "client"`);
    expect(await page.evaluate(`document.querySelector("main svg").getAttribute("viewBox")`)).toBe(box);
    expect(page.complaints).toEqual([]);
    const { code, stderr } = await view.stop("TERM");
    expect({ code, stderr }).toEqual({ code: 0, stderr: "Ctrl-C ends it." });
    await page.waitFor(`!document.querySelector("#lost").hidden`);
  } finally {
    await browser.close();
  }
  expect(await machine.exec(`curl -s ${url}`)).toMatchObject({ code: 7, stdout: "" });
}

async function comparing(stack: Stack, before: string): Promise<void> {
  const after = join(stack.folder, "after.json");
  writeFileSync(after, JSON.stringify(await stack.export()));
  const [one, two, same, page, wrong] = await Promise.all([
    stack.linuxnet("graph", "--diff", before),
    stack.linuxnet("graph", "--json", "--diff", before, after),
    stack.linuxnet("graph", "--diff", after),
    stack.linuxnet("graph", "--format", "html", "--diff", before),
    stack.linuxnet("graph", "--diff", "Pulumi.yaml"),
  ]);
  expect(one).toMatchObject({ code: 1, stderr: "" });
  expect(one.stdout).toMatch(/^- Process clock$/m);
  expect(one.stdout).toMatch(/^\+ PortPublish web.*8088.*$/m);
  expect(JSON.parse(two.stdout).changes).toContainEqual(
    expect.objectContaining({ kind: "Process", name: "clock", fate: "removed" }),
  );
  expect(same).toEqual({ code: 0, stdout: "Nothing differs.\n", stderr: "" });
  expect(page).toMatchObject({ code: 1, stdout: expect.stringContaining('class="node container changed"') });
  expect(wrong).toMatchObject({ code: 2, stdout: "", stderr: expect.stringContaining("Pulumi.yaml is no state") });
}
