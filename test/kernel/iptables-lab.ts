import { expect } from "vitest";
import type { Step } from "../../provider/kernel/command.ts";
import {
  familiesOf,
  type IptablesRule,
  iptablesChanges,
  iptablesFact,
  iptablesTeardown,
} from "../../provider/kernel/iptables.ts";
import type { Machine } from "../support/machine.ts";

/** The lab of these tests: a bridge with two containers behind a machine with an uplink. */
const links = `
echo 1 >/proc/sys/net/ipv4/ip_forward; echo 1 >/proc/sys/net/ipv6/conf/all/forwarding
echo 0 >/proc/sys/net/ipv6/conf/default/accept_dad
ip link add br0 type bridge
ip addr add 172.18.0.1/16 dev br0; ip addr add fd00:18::1/64 dev br0 nodad; ip link set br0 up
i=11
for ct in ct1 ct2; do
  ip netns add $ct
  nsenter --net=/run/netns/$ct sh -c 'echo 0 >/proc/sys/net/ipv6/conf/default/accept_dad'
  ip link add v-$ct type veth peer name eth0 netns $ct
  ip link set v-$ct master br0 up
  bridge link set dev v-$ct hairpin on
  ip -n $ct link set lo up; ip -n $ct link set eth0 up
  ip -n $ct addr add 172.18.0.$i/16 dev eth0; ip -n $ct addr add fd00:18::$i/64 dev eth0 nodad
  ip -n $ct route add default via 172.18.0.1; ip -n $ct route add default via fd00:18::1
  i=$((i + 1))
done`;

/** Answers each TCP connection with the address that it came from. */
const server = `
import socket, sys, threading
def serve(family, port):
    s = socket.socket(family, socket.SOCK_STREAM)
    s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    if family == socket.AF_INET6: s.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
    s.bind(("", port)); s.listen(16)
    while True:
        c, a = s.accept()
        c.recv(4096)
        body = a[0] + "\\n"
        c.sendall(("HTTP/1.0 200 OK\\r\\nContent-Length: %d\\r\\n\\r\\n%s" % (len(body), body)).encode()); c.close()
for f in (socket.AF_INET, socket.AF_INET6):
    threading.Thread(target=serve, args=(f, int(sys.argv[1]))).start()
`;

/** Makes the lab, with a server on port 80 of ct1 and one on port 7000 in the world. */
export async function makeLab(machine: Machine, backend: "nft" | "legacy"): Promise<void> {
  await machine.sh(links);
  for (const tool of ["iptables", "ip6tables"]) {
    for (const end of ["", "-save", "-restore"])
      await machine.sh(`ln -sf /usr/sbin/${tool}-${backend}${end} /etc/alternatives/${tool}${end}`);
    // iptables-legacy makes a table when it is first used, and nothing takes it away.
    if (backend === "legacy") await machine.sh(`for t in filter nat raw; do ${tool} -t $t -S >/dev/null; done`);
  }
  const python = (await machine.sh("pyenv which python3 2>/dev/null || which python3")).trim();
  await machine.spawn([python, "-c", server, "80"], "ct1");
  await machine.sh(`nsenter --net=/media/world setsid ${python} -c '${server}' 7000 </dev/null >/dev/null 2>&1 &`);
  const up = "until curl -s -m 1 http://172.18.0.11/ && curl -s -m 1 http://203.0.113.1:7000/; do sleep 0.05; done";
  await machine.sh(up);
  await machine.baseline();
}

const families = [4, 6] as const;
const facts = { ip4: iptablesFact(4), ip6: iptablesFact(6) };

/** Looks at a machine's rules. */
export async function look(machine: Machine) {
  const { ip4, ip6 } = await machine.host.observe(facts);
  return [ip4, ip6];
}

/** Brings an owner's rules to what is wanted, and expects that nothing is missing then. */
export async function converge(machine: Machine, owner: string, wanted: readonly IptablesRule[]): Promise<string[]> {
  expect(familiesOf(wanted).every((family) => families.includes(family))).toBe(true);
  const changes = iptablesChanges({ owner }, wanted, await look(machine));
  await apply(
    machine,
    owner,
    changes.flatMap(({ steps }) => steps),
  );
  expect(iptablesChanges({ owner }, wanted, await look(machine))).toEqual([]);
  return changes.map(({ drift = "" }) => drift);
}

/** Removes an owner's rules. */
export async function destroy(machine: Machine, owner: string): Promise<void> {
  await apply(machine, owner, iptablesTeardown({ owner }, await look(machine)));
  expect(iptablesTeardown({ owner }, await look(machine))).toEqual([]);
}

/** Runs steps as the lifecycle does; throws with what failed. */
export async function apply(machine: Machine, owner: string, steps: readonly Step[]): Promise<void> {
  const { report } = await machine.host.apply(steps, { owner, onFailure: "undo" }, {});
  if (report.failures.length > 0) throw new Error(JSON.stringify(report));
}

/** Seconds after which a client that is let through has its answer, also on a busy machine; and one that may give up. */
const patience = { answer: 10, nothing: 1 };

/** What a client gets from a URL; `expected: "nothing"` says that it is not worth to wait long. */
export async function get(
  machine: Machine,
  url: string,
  from: "host" | "world" | "ct1" | "ct2" | "ct3" = "host",
  expected: keyof typeof patience = "answer",
): Promise<string> {
  const within = from === "host" ? "" : `nsenter --net=${from === "world" ? "/media/world" : `/run/netns/${from}`} `;
  const { code, stdout } = await machine.exec(`${within}curl -s -g -m ${patience[expected]} ${url}`);
  return code === 0 ? stdout.trim() : "nothing";
}
