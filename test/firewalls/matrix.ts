import { expect, onTestFinished } from "vitest";
import type { Machine } from "../support/machine.ts";
import { test } from "../support/test.ts";
import { FirewalledLab, type Working, working } from "./lab.ts";

/** A firewall of others, by lines of bash that its admin runs. */
export interface Firewall {
  /** Lays its programs where they are to be. */
  install?: string;
  start: string;
  reload: string;
  restart: string;
  /** An admin's deny, what it takes away, and how it is taken back. */
  deny?: {
    add: string;
    stops: Working;
    remove: string;
    /** What `up` says of it, where it leaves nothing of what a resource is for. */
    refuses?: RegExp;
  };
  /** How many remedies its admin has to apply before the lab stands. */
  remedies: number;
  /** Makes what an admin has set by hand last over a restart. */
  keep?: string;
  /** Ends what would outlive the machine. */
  end?: string;
}

const all = Object.keys(working) as Working[];

/** The rules of everyone, as far as they do not change by themselves. */
const rules = `{ nft list ruleset; iptables-legacy-save; ip6tables-legacy-save; } 2>/dev/null |
  sed -E 's/counter packets [0-9]+ bytes [0-9]+/counter/; s/\\[[0-9]+:[0-9]+\\]//; /^#/d'`;

/** One firewall through all of its life with a lab of ours behind it, each step shown by packets. */
export function behind(name: string, firewall: Firewall): void {
  test(`${name}: what is published and forwarded works, its denies hold, and one up restores all`, async ({
    machine,
  }) => {
    const { install, end } = firewall;
    if (end) onTestFinished(async () => void (await machine.exec(end)));
    const lab = await FirewalledLab.prepare(machine, () => machine.sh(`${install ?? ":"}\n${firewall.start}`));
    const forwards = "cat /proc/sys/net/ipv4/ip_forward";
    const forwarded = await machine.sh(forwards);
    await lab.up();
    expect(lab.remedies).toHaveLength(firewall.remedies);
    if (firewall.keep) await machine.sh(firewall.keep);
    await lab.expectWorking(...all);

    if (firewall.deny) await denied(lab, firewall.deny);
    await disturbed(lab, firewall.reload, all);
    await lab.removeLate();
    const left = all.filter((one) => one !== "late");
    await disturbed(lab, firewall.restart, left);
    // Who flushes all starts his own firewall again; until the next `up` nothing of ours is closed.
    await machine.sh("nft flush ruleset");
    expect(await lab.drifted()).toEqual(expect.arrayContaining(["br9", "br8", "out", "web", "local", "no"]));
    await machine.sh(firewall.restart);
    await restored(lab, left);
    expect(await lab.drifted()).toEqual([]);

    await lab.destroy();
    await expectNothingOfOurs(machine);
    expect(await machine.sh(forwards)).toBe(forwarded);
    await machine.baseline();
  });
}

/** Fails when anything of ours stands in packet rules, or in /run. */
export async function expectNothingOfOurs(machine: Machine): Promise<void> {
  expect(await machine.sh(rules)).not.toMatch(/linuxnet/i);
  await machine.sh("! ls -d /run/linuxnet 2>/dev/null");
}

/** A deny of the admin's holds, as soon as an accept of ours that it came behind has been moved; what it certainly stops says so. */
async function denied(lab: FirewalledLab, deny: Required<Firewall>["deny"]): Promise<void> {
  const { machine } = lab;
  await machine.sh(deny.add);
  const drifted = await lab.drifted();
  if (deny.refuses) {
    expect(drifted).toContain("web");
    await expect(lab.up()).rejects.toThrow(deny.refuses);
  }
  await lab.expectWorking(...all.filter((one) => one !== deny.stops));
  await machine.sh(deny.remove);
  await lab.drifted();
  await lab.up();
  await lab.expectWorking(...all);
}

/** What was taken is told, one `up` brings it back, and nothing else comes. */
async function disturbed(lab: FirewalledLab, how: string, wanted: readonly Working[]): Promise<void> {
  await lab.machine.sh(how);
  const open = await lab.works();
  for (const one of open) expect(wanted.map((name) => working[name] as string)).toContain(one);
  if ((await restored(lab, wanted)) === 0) expect(open).toHaveLength(wanted.length);
}

/** How many have drifted; one `up` brings them back. */
async function restored(lab: FirewalledLab, wanted: readonly Working[]): Promise<number> {
  const drifted = await lab.drifted();
  if (drifted.length === 0) return 0;
  await lab.up();
  await lab.expectWorking(...wanted);
  return drifted.length;
}
