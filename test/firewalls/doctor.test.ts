// What `linuxnet doctor` says of ufw and firewalld, the real ones, that stop what a lab sends or asks: the remedy that it names
// is believed and applied, and packets show that it helps.
import { expect } from "vitest";
import type { Named } from "../../provider/cli/doctoring/diagnose.ts";
import { open, serve } from "../kernel/attacks-lab.ts";
import { DoctorLab, shop, textOf } from "../kernel/doctor-lab.ts";
import { type Machine, machineAddress, worldAddress } from "../support/machine.ts";
import { test } from "../support/test.ts";
import { expectNothingOfOurs } from "./matrix.ts";
import { bridged, firewall, hasBridged } from "./programs.ts";

/** A shop that stood before its firewall. */
async function prepare(machine: Machine): Promise<DoctorLab> {
  await machine.sh(`${firewall} install`);
  await serve(machine, "world", "world", [7000]);
  const lab = await DoctorLab.make(machine, [shop]);
  expect((await lab.found()).map(textOf)).toEqual([]);
  await expectReached(machine, "published", "out", "names");
  return lab;
}

/** Fails unless just this works. On a busy machine an answer may take longer than what is not to come is waited for. */
async function expectReached(machine: Machine, ...wanted: string[]): Promise<void> {
  await expect.poll(() => reached(machine), { timeout: 60_000, interval: 0 }).toEqual(wanted);
}

async function reached(machine: Machine): Promise<string[]> {
  const client = await machine.sh("ip netns list | grep -o '^client-[0-9a-f]*'");
  const published = `nsenter --net=/media/world curl -sfm 2 -o /dev/null ${machineAddress}:8080 && echo published`;
  const names = `[ "$(ip netns exec ${client} dig +tries=1 +time=2 +short web @10.5.0.1)" = 10.5.0.3 ] && echo names`;
  const [inward, outward, asked] = await Promise.all([
    machine.exec(published),
    open(machine, client, [["tcp", worldAddress, 7000]]),
    machine.exec(names),
  ]);
  return [inward.stdout.trim(), outward.length > 0 ? "out" : "", asked.stdout.trim()].filter((one) => one !== "");
}

/** What doctor finds, by causes; the findings. */
async function expectFound(lab: DoctorLab, ...causes: string[]): Promise<Named[]> {
  const found = await lab.found();
  expect(
    found.map(({ cause }) => cause),
    found.map(textOf).join("\n"),
  ).toEqual(causes);
  return found;
}

/** Ends a test: what is ours goes; what the firewall has made goes with the machine. */
async function leave(lab: DoctorLab): Promise<void> {
  await lab.destroy();
  await expectNothingOfOurs(lab.machine);
  await lab.machine.baseline();
}

test("ufw that is enabled behind a lab, and its denies: named first, each with a remedy that helps", async ({
  machine,
}) => {
  const lab = await prepare(machine);
  await machine.sh(`${firewall} ufw start`);
  const [policy, input] = await expectFound(lab, "forward-policy", "input-rule");
  expect(textOf(policy)).toMatch(/The policy of FORWARD \(ufw\) drops what shop sends[\s\S]*linuxnet doctor --fix/);
  expect(textOf(input)).toMatch(/INPUT \(ufw\) drops questions to the resolver 10\.5\.0\.1/);
  await expectReached(machine);
  await machine.sh(`${input?.remedy}`);
  await lab.mend();
  await expectFound(lab);
  await expectReached(machine, "published", "out", "names");

  await machine.sh("ufw route deny proto tcp to 10.5.0.3 port 80");
  const [denied] = await expectFound(lab, "forward-rule");
  expect(textOf(denied)).toMatch(/A rule of ufw drops what comes in by the published port 8080/);
  expect(denied?.remedy).toContain("`ufw status numbered`, and `ufw delete NUMBER`");
  await expectReached(machine, "out", "names");
  await machine.sh("ufw --force delete $(ufw status numbered | sed -n 's/^\\[ *\\([0-9]*\\)\\].* DENY FWD .*/\\1/p')");
  await expectFound(lab);

  // A policy that rejects is a rule at the end of FORWARD.
  await machine.sh("ufw default reject routed");
  const [rejected] = await expectFound(lab, "forward-rule");
  expect(textOf(rejected)).toMatch(/ufw-reject-forward[\s\S]*linuxnet doctor --fix/);
  await lab.mend();
  await expectFound(lab);
  await expectReached(machine, "published", "out", "names");
  await leave(lab);
});

test("firewalld that is started behind a lab: named first, and its one remedy helps", async ({ machine }) => {
  const lab = await prepare(machine);
  await machine.sh(`${firewall} firewalld start`);
  const [forward, input] = await expectFound(lab, "forward-rule", "input-rule");
  expect(textOf(forward)).toMatch(/A rule of firewalld drops what shop sends to the world/);
  expect(input?.remedy).toBe(forward?.remedy);
  await expectReached(machine, "published");
  // That containers do not reach each other either comes of the same, and is not told beside it.
  if (hasBridged) await machine.sh(`echo 1 >${bridged}`);
  await expectFound(lab, "forward-rule", "input-rule");
  await machine.sh(`${forward?.remedy}`);
  await expectFound(lab);
  await expectReached(machine, "published", "out", "names");
  if (hasBridged) await machine.sh(`echo 0 >${bridged}`);

  await machine.sh("firewall-cmd -q --direct --add-rule ipv4 filter FORWARD 0 -d 10.5.0.3 -p tcp --dport 80 -j DROP");
  const [direct] = await expectFound(lab, "forward-rule");
  expect(textOf(direct)).toMatch(/drops what comes in by the published port 8080/);
  await expectReached(machine, "out", "names");
  await machine.sh(`${direct?.remedy.split(",")[0]}`);
  await expectFound(lab);
  await expectReached(machine, "published", "out", "names");
  await leave(lab);
});
