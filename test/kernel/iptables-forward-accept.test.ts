import { expect } from "vitest";
import { sh } from "../../provider/kernel/command.ts";
import { forwardAcceptChanges, forwardAcceptFact, forwardAcceptOff } from "../../provider/kernel/forward-accept.ts";
import { guardOffStep, guardStep, isGuarded } from "../../provider/kernel/iptables-guard.ts";
import { natRules } from "../../provider/kernel/iptables-rules.ts";
import { ownerKey } from "../../provider/kernel/owner.ts";
import type { Machine } from "../support/machine.ts";
import { test } from "../support/test.ts";
import { apply, converge, destroy, get, look, makeLab } from "./iptables-lab.ts";

const owner = "linuxnet:p/s/NatRule/out@01234567";
const other = "linuxnet:p/s/NatRule/other@01234567";
const folder = "/run/linuxnet/forward";

const seen = async (machine: Machine) => (await machine.host.observe({ accept: forwardAcceptFact() })).accept;

/** The tools, by how our accept stands in them. */
async function standing(machine: Machine) {
  const { missing, guarded, early, present } = await seen(machine);
  const of = (wanted: typeof missing) => wanted.map(({ tool }) => tool);
  return { missing: of(missing), guarded: of(guarded), early: of(early), present };
}

const nowhere = { missing: [], guarded: [], early: [], present: [] };

async function on(machine: Machine): Promise<void> {
  await apply(
    machine,
    owner,
    forwardAcceptChanges(await seen(machine), true, owner, folder).flatMap(({ steps }) => steps),
  );
}

async function off(machine: Machine, who: string): Promise<void> {
  await apply(machine, who, [{ what: "leave", do: sh(forwardAcceptOff(who, folder)) }]);
}

test("looking makes nothing, and where nothing drops nothing is put", async ({ machine }) => {
  expect(await standing(machine)).toEqual(nowhere);
  await on(machine);
  await off(machine, owner);
});

test("one rule lets our mark through every FORWARD that drops", async ({ machine }) => {
  await makeLab(machine, "nft");
  await machine.sh(
    "iptables -P FORWARD DROP; ip6tables-legacy -A FORWARD -j REJECT; ip6tables -t mangle -A FORWARD -j ACCEPT",
  );
  const mark =
    "{ type filter hook forward priority -5; }; add rule inet t f meta mark set meta mark or 0x10000000 accept";
  await machine.sh(`nft 'add table inet t; add chain inet t f ${mark}'`);
  await machine.baseline();
  await machine.world("ip route add 172.18.0.0/16 via 203.0.113.2");
  expect(await get(machine, "http://172.18.0.11/", "world", "nothing")).toBe("nothing");
  expect((await standing(machine)).missing).toEqual(["iptables-nft", "ip6tables-legacy"]);
  await on(machine);
  expect(await standing(machine)).toEqual({ ...nowhere, present: ["iptables-nft", "ip6tables-legacy"] });
  expect(await get(machine, "http://172.18.0.11/", "world")).toBe("203.0.113.1");
  await machine.sh(
    `mkdir -p ${folder}; touch ${folder}/former ${folder}/${ownerKey(owner)} ${folder}/${ownerKey(other)}`,
  );
  await off(machine, owner);
  expect((await seen(machine)).present).toHaveLength(2);
  await machine.sh(`rm ${folder}/${ownerKey(owner)}`);
  await off(machine, other);
  expect((await seen(machine)).present).toEqual([]);
  await machine.sh("rm -r /run/linuxnet");
});

test("beside Docker it stands in DOCKER-USER", async ({ machine }) => {
  await machine.sh(
    "iptables -N DOCKER-USER; iptables -A DOCKER-USER -j RETURN; iptables -I FORWARD -j DOCKER-USER; iptables -P FORWARD DROP",
  );
  await machine.baseline();
  await on(machine);
  expect(await machine.sh("iptables -S DOCKER-USER 1")).toContain("0x10000000");
  expect(await machine.sh("iptables -S FORWARD")).not.toContain("0x10000000");
  await off(machine, owner);
});

const putIn = async (machine: Machine, tool: string, setUp: string) => {
  await machine.sh(setUp);
  await machine.baseline();
  await on(machine);
  expect(await standing(machine)).toEqual({ ...nowhere, present: [tool] });
  return machine.sh(`${tool} -S | grep ^-A`);
};

test("it stands behind what an admin denies, and before what stops the rest", async ({ machine }) => {
  const denies = "iptables -A FORWARD -s 192.0.2.0/24 -j DROP";
  const setUp = `${denies}; iptables -A FORWARD -p icmp -j ACCEPT; iptables -A FORWARD -j REJECT; iptables -A FORWARD -j LOG`;
  const rules = await putIn(machine, "iptables-nft", setUp);
  expect(rules.split("\n").map((rule) => / -j (\w+)/.exec(rule)?.[1])).toEqual([
    "DROP",
    "ACCEPT",
    "ACCEPT",
    "REJECT",
    "LOG",
  ]);
  expect(rules.split("\n")[2]).toContain("0x10000000");
  await off(machine, owner);
});

test("in a chain that is led to, it stands before what stops the rest there, unless nothing else is denied there", async ({
  machine,
}) => {
  const chain =
    "iptables -N SITE; iptables -A FORWARD -j SITE; iptables -A SITE -s 192.0.2.0/24 -j DROP; iptables -A SITE -j DROP";
  expect((await putIn(machine, "iptables-nft", chain)).split("\n")[2]).toContain("-A SITE -m comment");
  await off(machine, owner);
  const lone = "iptables -F SITE; iptables -A SITE -p icmp -j ACCEPT; iptables -A SITE -j DROP";
  expect((await putIn(machine, "iptables-nft", lone)).split("\n")[0]).toContain("-A FORWARD -m comment");
  await off(machine, owner);
});

test("what comes behind it and may deny, a rule or Docker, is drift: it moves", async ({ machine }) => {
  await machine.sh("iptables -P FORWARD DROP");
  await machine.baseline();
  await on(machine);
  await machine.sh("iptables -A FORWARD -s 192.0.2.0/24 -j DROP");
  expect((await standing(machine)).early).toEqual(["iptables-nft"]);
  await on(machine);
  expect(await machine.sh("iptables -S FORWARD 2")).toContain("0x10000000");
  await machine.sh("iptables -N DOCKER-USER; iptables -A DOCKER-USER -j RETURN; iptables -A FORWARD -j DOCKER-USER");
  expect((await standing(machine)).early).toEqual(["iptables-nft"]);
  await on(machine);
  expect(await standing(machine)).toEqual({ ...nowhere, present: ["iptables-nft"] });
  expect(await machine.sh("iptables -S DOCKER-USER 1")).toContain("0x10000000");
  await off(machine, owner);
  await machine.sh("iptables -F FORWARD; iptables -F DOCKER-USER; iptables -X DOCKER-USER");
});

test("when one tool cannot take it, none keeps it", async ({ machine }) => {
  await machine.sh("iptables-nft -P FORWARD DROP; ip6tables-nft -P FORWARD DROP");
  await machine.baseline();
  const changes = forwardAcceptChanges(await seen(machine), true, owner, folder);
  await machine.sh("mount -t tmpfs tmpfs /usr/local/sbin");
  const broken = '#!/bin/sh\n[ "$5" = -I ] && { echo broken >&2; exit 1; }\nexec /usr/sbin/ip6tables-nft "$@"\n';
  await machine.exec("cat >/usr/local/sbin/ip6tables-nft; chmod 755 /usr/local/sbin/ip6tables-nft", broken);
  const steps = changes.flatMap((change) => change.steps);
  await expect(apply(machine, owner, steps)).rejects.toThrow("broken");
  await machine.sh("umount /usr/local/sbin");
});

test("the guard keeps closed what was closed, and lets ours and bridges through", async ({ machine }) => {
  await makeLab(machine, "nft");
  await machine.sh(`ip netns add lan; nsenter --net=/run/netns/lan sh -c 'echo 0 >/proc/sys/net/ipv6/conf/default/accept_dad'
    ip link add lan0 type veth peer name eth0 netns lan
    ip addr add 10.5.0.1/24 dev lan0; ip link set lan0 up; ip -n lan addr add 10.5.0.2/24 dev eth0; ip -n lan link set eth0 up
    ip -n lan route add default via 10.5.0.1`);
  await machine.world("ip route add 10.5.0.0/24 via 203.0.113.2");
  await machine.sh("until ip netns exec lan ping -c 1 -W 1 203.0.113.1 >/dev/null; do :; done");
  await machine.baseline();
  await converge(machine, owner, natRules({ type: "masquerade", source: "172.18.0.0/16", outInterface: "up0" }));
  await apply(machine, owner, [guardStep({ family: 4 }, folder)]);
  await apply(machine, other, [guardStep({ family: 4 }, folder)]);
  expect((await look(machine)).map(isGuarded)).toEqual([true, false]);
  await expect(machine.sh("ip netns exec lan ping -c 1 -W 1 203.0.113.1")).rejects.toThrow();
  expect(await get(machine, "http://203.0.113.1:7000/", "ct1")).toBe("203.0.113.2");
  await machine.sh("ip netns exec lan ping -c 1 -W 5 172.18.0.1");
  await destroy(machine, owner);
  expect((await look(machine)).map(isGuarded)).toEqual([true, false]);
  await apply(machine, owner, [guardOffStep({ family: 4 }, folder)]);
  await machine.sh("ip netns exec lan ping -c 1 -W 5 203.0.113.1");
});
