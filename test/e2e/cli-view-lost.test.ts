// `linuxnet view` in Debian's Chromium, while one of the two hosts of its stack cannot be reached, and when it is back. In the long
// run only: a host that says nothing is waited for as long as a user would.
import { expect } from "vitest";
import { Browser, type Page } from "../support/browser.ts";
import type { Hosts, LabHost } from "../support/hosts.ts";
import { test } from "../support/hosts-test.ts";
import { startCommand } from "../support/running.ts";
import { Stack, succeeded } from "../support/stack.ts";

const program = `
import * as pulumi from "@pulumi/pulumi";
import * as linuxnet from "pulumi-linuxnet";
const connection = { host: "10.99.0.1", user: "labpw", password: new pulumi.Config().requireSecret("password") };
const shop = new linuxnet.Network("shop", { subnet: "10.5.0.0/24", connection });
for (const name of ["web", "client"]) new linuxnet.Container(name, { network: shop });
const own = new linuxnet.Network("own", { subnet: "10.6.0.0/24" });
for (const name of ["here", "there"]) new linuxnet.Container(name, { network: own });
`;

test("a host that cannot be reached is told on the page, which goes on, and so is that it is back", async ({
  start,
}) => {
  const lab = await start(1);
  const stack = await Stack.open(lab.machine, program);
  try {
    const file = ["--config-file", `${stack.state}/Pulumi.dev.yaml`];
    const words = ["config", "set", "--stack", "dev", ...file, "--secret", "password"];
    succeeded(await lab.machine.exec(stack.command(...words), lab.keys.password));
    succeeded(await stack.up());
    await viewed(stack, lab);
    succeeded(await stack.destroy());
  } finally {
    stack.close();
  }
});

const hosts = `document.querySelector("#hosts").textContent`;
const looked = (name: string) => `/${name}: looked [0-3] s ago/.test(${hosts})`;
const isBack = `${looked("this machine")} && ${looked("10.99.0.1")} && document.querySelector("#drift .good") !== null
  && document.querySelectorAll("#checks td.yes").length === 12 && document.querySelector(".unseen") === null`;
const isLost = `/10.99.0.1: cannot be reached, looked \\d+ s ago/.test(${hosts}) && ${looked("this machine")}`;

async function viewed(stack: Stack, { machine, hosts: [host], keys }: Hosts): Promise<void> {
  const far = host as LabHost;
  const browser = await Browser.launch(machine);
  try {
    const view = await startCommand(stack, "view");
    const page = await browser.open(await view.line());
    await page.waitFor(isBack, 120);
    await far.stopSshd();
    await far.cutConnections();
    await goesOn(page);
    await far.restartSshd();
    await page.waitFor(isBack, 120);
    // This time no one is told.
    await far.dropPackets();
    await goesOn(page);
    expect(await page.evaluate("document.documentElement.outerHTML")).not.toContain(keys.password);
    expect(page.complaints).toEqual([]);
    expect(await view.stop("INT")).toEqual({ code: 0, signal: undefined, stderr: "Ctrl-C ends it." });
  } finally {
    await browser.close();
    await far.passPackets();
  }
  await machine.sh("for i in $(seq 300); do pgrep -x ssh >/dev/null || exit 0; sleep 0.1; done; exit 1");
}

/** Of the host that is lost nothing is told as if it were seen; what is asked of this machine goes on. */
async function goesOn(page: Page): Promise<void> {
  await page.waitFor(isLost);
  await page.waitFor(`document.querySelectorAll("#checks td.unknown").length > 0`);
  const texts = `[...document.querySelectorAll("#drift li")].map((one) => one.textContent)`;
  expect(await page.evaluate(texts)).toEqual(["What stands on 10.99.0.1 is not known: it cannot be reached."]);
  const unseen = `[...document.querySelectorAll(".unseen")].map((one) => one.dataset.id.split(":")[0]).toSorted()`;
  expect(await page.evaluate(unseen)).toEqual(["bridge", "container", "container", "host"]);
  await page.waitFor(`${isLost} && ${looked("this machine")}`);
}
