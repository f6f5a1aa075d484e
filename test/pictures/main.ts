// `npm run screenshots`: a lab with 3 and one with 30 containers, made on a machine of its own, as `linuxnet graph`, `linuxnet view`
// and `linuxnet trace` show them in Debian's Chromium at 1280 pixels. The pictures lie in docs/pictures.
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { Browser, type Page } from "../support/browser.ts";
import { Machine, machineAddress } from "../support/machine.ts";
import { startCommand } from "../support/running.ts";
import { checkout, Stack, succeeded } from "../support/stack.ts";

import { changed, thirty, three } from "./labs.ts";

const folder = join(checkout, "docs/pictures");
const mostBytes = 150_000;

async function save(page: Page, name: string): Promise<void> {
  const picture = await page.screenshot();
  if (picture.length > mostBytes) throw new Error(`${name} has ${picture.length} bytes`);
  if (page.complaints.length > 0) throw new Error(`${name}: ${page.complaints.join("; ")}`);
  writeFileSync(join(folder, `${name}.png`), picture);
  console.log(`${name}.png: ${Math.round(picture.length / 1000)} kB`);
}

/** What `linuxnet graph` writes, opened from a file. */
async function graph(stack: Stack, browser: Browser, name: string, format: string, ...args: string[]): Promise<void> {
  const { code, stdout, stderr } = await stack.linuxnet("graph", ...args, "--format", format);
  if (code > 1) throw new Error(stderr);
  const file = join(stack.folder, `graph.${format}`);
  writeFileSync(file, stdout);
  const page = await browser.open(`file://${file}`);
  // A picture of its own is as high as it is.
  if (format === "svg")
    await page.resize(1280, Number(await page.evaluate("document.documentElement.height.baseVal.value")));
  await save(page, name);
}

/** What `linuxnet trace` writes of a packet to a published port, as high as it is. */
async function trace(stack: Stack, browser: Browser, name: string): Promise<void> {
  const { code, stdout, stderr } = await stack.linuxnet("trace", "host", "127.0.0.1:8080", "--format", "html");
  if (code !== 0) throw new Error(stderr);
  const file = join(stack.folder, "trace.html");
  writeFileSync(file, stdout);
  const page = await browser.open(`file://${file}`);
  await page.resize(1280, Number(await page.evaluate("document.documentElement.scrollHeight")));
  await save(page, name);
}

/** What it looks like while a page is fetched from outside again and again. */
async function view(stack: Stack, browser: Browser, name: string, until: string): Promise<void> {
  const { machine } = stack;
  const line = `while :; do curl -s -o /dev/null http://${machineAddress}:8080/GPL-3; sleep 0.1; done`;
  const visitor = await machine.spawn(["nsenter", "--net=/media/world", "bash", "-c", line]);
  const running = await startCommand(stack, "view");
  const page = await browser.open(await running.line());
  await page.waitFor(
    `!!document.querySelector("#checks table") && document.querySelector(".rate")?.textContent !== ""`,
    120,
  );
  await page.waitFor(until, 120);
  await save(page, name);
  await running.stop("TERM");
  await machine.sh(`kill ${visitor}`);
}

const sound = `document.querySelector("#drift .good") !== null`;
const drifted = `document.querySelector("#drift .bad") !== null && document.querySelector("#checks .bad") !== null`;

async function withThree(stack: Stack, browser: Browser): Promise<void> {
  await graph(stack, browser, "graph-html-3", "html", "--refresh");
  await graph(stack, browser, "graph-svg-3", "svg", "--refresh");
  await trace(stack, browser, "trace-html");
  await view(stack, browser, "view-3", sound);
  await stack.machine.sh("ip link set dev $(ls /sys/class/net | grep ^client | head -1) down");
  await view(stack, browser, "view-drift", drifted);
  const before = join(stack.folder, "before.json");
  writeFileSync(before, JSON.stringify(await stack.export()));
  stack.write(changed);
  succeeded(await stack.up());
  await graph(stack, browser, "graph-diff", "html", "--diff", before);
}

async function withThirty(stack: Stack, browser: Browser): Promise<void> {
  await graph(stack, browser, "graph-html-30", "html", "--refresh");
  await graph(stack, browser, "graph-svg-30", "svg", "--refresh");
  await view(stack, browser, "view-30", sound);
}

/** A lab in a machine of its own, and what is to be seen of it. */
async function lab(program: string, look: (stack: Stack, browser: Browser) => Promise<void>): Promise<void> {
  const machine = await Machine.start();
  const stack = await Stack.open(machine, program);
  const browser = await Browser.launch(machine);
  try {
    succeeded(await stack.up());
    await look(stack, browser);
  } finally {
    await browser.close();
    stack.close();
    await machine.stop();
  }
}

mkdirSync(folder, { recursive: true });
await lab(three, withThree);
await lab(thirty, withThirty);
