// A host whose FORWARD drops: the quickstart works just the same, and the host's own firewall stays as it was set.
import { describe, expect } from "vitest";
import { cloneTest as test } from "../support/clone.ts";
import { type Machine, machineAddress } from "../support/machine.ts";
import { fetched } from "../support/probes.ts";
import { expectQuickstart } from "../support/quickstart.ts";
import { succeeded } from "../support/stack.ts";

/** Firewalls that stop what is forwarded: what sets them up, and where our one rule goes. */
type Firewalls = Record<string, { setUp: string; tool: string; rule: string }>;

/** Those of which `test/kernel/iptables-resources.test.ts` has the packets, and the last test here the engine. */
const plain: Firewalls = {
  "the policy DROP": { setUp: "iptables -P FORWARD DROP", tool: "iptables", rule: "-A FORWARD -m comment" },
  "the policy DROP of iptables-legacy": {
    setUp: "iptables-legacy -P FORWARD DROP",
    tool: "iptables-legacy",
    rule: "-A FORWARD -m comment",
  },
};

const firewalls: Firewalls = {
  ...(process.env.LINUXNET_TEST_ALL && plain),
  "Docker's chains": {
    setUp: `iptables -P FORWARD DROP; iptables -N DOCKER-USER; iptables -A DOCKER-USER -j RETURN
      iptables -A FORWARD -j DOCKER-USER; iptables -A FORWARD -o docker0 -m conntrack --ctstate ESTABLISHED -j ACCEPT`,
    tool: "iptables",
    rule: "-A DOCKER-USER -m comment",
  },
};

const rulesOf = (machine: Machine, tool: string) => machine.sh(`${tool} -S | grep -e ' FORWARD' -e DOCKER`);

describe("the quickstart on a host that drops in FORWARD by", () => {
  for (const [name, { setUp, tool, rule }] of Object.entries(firewalls)) {
    test(name, async ({ machine, clone }) => {
      await machine.sh(setUp);
      await machine.baseline();
      const before = (await rulesOf(machine, tool)).split("\n");

      succeeded(await clone.start());
      await expectQuickstart(machine);
      const during = (await rulesOf(machine, tool)).split("\n");
      const come = during.filter((line) => !before.includes(line));
      expect(come).toHaveLength(1);
      expect(come[0]).toContain(rule);
      expect(during).toEqual(expect.arrayContaining(before));
      succeeded(await clone.pulumi("preview", "--diff", "--expect-no-changes"));

      succeeded(await clone.down());
      expect((await rulesOf(machine, tool)).split("\n")).toEqual(before);
    });
  }

  test("the policy DROP, set while it is up: drift that is told and repaired", async ({ machine, clone }) => {
    await machine.sh("iptables -P FORWARD DROP");
    await machine.baseline();
    await machine.sh("iptables -P FORWARD ACCEPT");
    succeeded(await clone.start());
    expect(await rulesOf(machine, "iptables")).toBe("-P FORWARD ACCEPT");

    await machine.sh("iptables -P FORWARD DROP");
    const published = `http://${machineAddress}:8080/`;
    expect(await fetched(machine, "world", published, 1)).toBeUndefined();
    const { stdout } = succeeded(await clone.pulumi("preview", "--diff"));
    expect(stdout).toContain("FORWARD of iptables-nft may stop what our nftables table passed");
    succeeded(await clone.start());
    await expectQuickstart(machine);
    succeeded(await clone.down());
  });
});
