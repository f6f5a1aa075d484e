import type { Machine } from "../support/machine.ts";
import { make, type Subject } from "../support/subject.ts";
import { get, makeLab } from "./iptables-lab.ts";

export { get };

/** A second network, with a container that answers nothing. */
const other = `
ip link add br1 type bridge; ip addr add 172.19.0.1/16 dev br1; ip link set br1 up
ip netns add ct3; nsenter --net=/run/netns/ct3 sh -c 'echo 0 >/proc/sys/net/ipv6/conf/default/accept_dad'
ip link add v-ct3 type veth peer name eth0 netns ct3; ip link set v-ct3 master br1 up
ip -n ct3 link set lo up; ip -n ct3 link set eth0 up
ip -n ct3 addr add 172.19.0.13/16 dev eth0; ip -n ct3 route add default via 172.19.0.1`;

/** The neighbour beyond the uplink knows the way to the containers, and takes 127.0.0.1 for an address of the host's. */
const neighbour = `ip route add 172.18.0.0/16 via 203.0.113.2
ip -6 route add fd00:18::/64 via 2001:db8:203::2`;

/** A machine that does not forward, with the lab of the tests on iptables, a second network and a neighbour who knows the way. */
export async function neighbourLab(machine: Machine, policy: "ACCEPT" | "DROP" = "ACCEPT"): Promise<void> {
  await makeLab(machine, "nft");
  await machine.sh(other);
  await machine.world(neighbour);
  await machine.sh("echo 0 >/proc/sys/net/ipv4/ip_forward; echo 0 >/proc/sys/net/ipv6/conf/all/forwarding");
  if (policy === "DROP") await machine.sh("iptables -P FORWARD DROP; ip6tables -P FORWARD DROP");
  await machine.baseline();
}

/** What nftables and both iptables say, but for our own table: what is to be as it was, byte for byte. */
export function foreignRules(machine: Machine): Promise<string> {
  return machine.sh(`nft list ruleset | awk '/^table inet linuxnet / { ours = 1 } !ours { print } /^}/ { ours = 0 }'`);
}

/** The networks in our table, as the components declare them: bridges that stood there, taken over. */
export async function adoptBridges(machine: Machine): Promise<Subject[]> {
  const br0 = { name: "br0", addresses: ["172.18.0.1/16", "fd00:18::1/64"], adopt: true };
  const br1 = { name: "br1", addresses: ["172.19.0.1/16"], adopt: true };
  return [await make(machine, "Bridge", "br0", br0), await make(machine, "Bridge", "br1", br1)];
}
