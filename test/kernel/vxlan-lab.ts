import type { Machine } from "../support/machine.ts";
import { test as bare } from "../support/test.ts";

/** The tunnel's end of these tests: under `lab0` of the machine, to `other`. */
export const args = { name: "vx0", vni: 42, bridge: "lab0", local: "10.9.0.1", remotes: ["10.9.0.2"] };

/** The same over IPv6. */
export const args6 = { ...args, local: "fd09::1", remotes: ["fd09::2"] };

/** The port on which the machine hears what came out of the tunnel. */
const heard = 7777;

/**
 * The underlay is the bridge `under0` (10.9.0.1), with two hosts behind it: `other` (10.9.0.2), which has a tunnel made by
 * hand, and `stranger` (10.9.0.3). The network in the tunnel is 10.88.0.0/24; the machine is .1 on `lab0`, `other` is .2.
 */
const links = `
echo 0 >/proc/sys/net/ipv6/conf/default/accept_dad
ip link add under0 address 02:00:00:00:09:01 type bridge
ip link add lab0 address 02:00:00:00:88:01 type bridge
ip addr add 10.9.0.1/24 dev under0; ip addr add fd09::1/64 dev under0 nodad
ip addr add 10.88.0.1/24 dev lab0
for link in under0 lab0; do ip link set $link addrgenmode none up; done
number=2
for host in other stranger; do
  ip netns add $host
  ip link add u-$host type veth peer name eth0 netns $host
  ip link set u-$host master under0 addrgenmode none up
  nsenter --net=/run/netns/$host sh -c 'echo 0 >/proc/sys/net/ipv6/conf/default/accept_dad'
  ip -n $host link set lo up; ip -n $host link set eth0 addrgenmode none up
  ip -n $host addr add 10.9.0.$number/24 dev eth0; ip -n $host addr add fd09::$number/64 dev eth0 nodad
  number=$((number + 1))
done
ip netns add ct1
`;

/** A machine with an underlay, another host and a stranger in it. */
export const test = bare.extend("lab", async ({ machine }) => {
  await machine.sh(links);
  await tunnelOfOther(machine, "10.9.0.2", "10.9.0.1");
  await machine.baseline();
  return machine;
});

/** Gives `other` a tunnel's end by hand, between two addresses of the underlay. */
export async function tunnelOfOther(machine: Machine, local: string, remote: string): Promise<void> {
  await machine.sh(`n=$(ip -n other -o link show dev vx9 2>/dev/null | cut -d : -f 1); ip -n other link del vx9 2>/dev/null
    ip -n other link add vx9 \${n:+index $n} address 02:00:00:00:88:02 type vxlan id 42 dstport 4789 local ${local}
    bridge -n other fdb append 00:00:00:00:00:00 dev vx9 dst ${remote}
    ip -n other addr add 10.88.0.2/24 dev vx9; ip -n other link set vx9 addrgenmode none up`);
}

/** A packet of network 42, made by hand: an inner UDP datagram from 10.88.0.66 to the machine, in VXLAN, to an address. */
const forged = `
import socket, struct, sys
to, text = sys.argv[1], sys.argv[2].encode()
udp = struct.pack("!HHHH", 7776, ${heard}, 8 + len(text), 0) + text
head = struct.pack("!BBHHHBBH4s4s", 0x45, 0, 20 + len(udp), 1, 0, 64, 17, 0, bytes([10, 88, 0, 66]), bytes([10, 88, 0, 1]))
total = sum(struct.unpack("!10H", head))
total = (total & 0xffff) + (total >> 16)
head = head[:10] + struct.pack("!H", ~((total & 0xffff) + (total >> 16)) & 0xffff) + head[12:]
frame = bytes.fromhex("020000008801") + bytes.fromhex("020000008866") + b"\\x08\\x00" + head + udp
family = socket.AF_INET6 if ":" in to else socket.AF_INET
socket.socket(family, socket.SOCK_DGRAM).sendto(b"\\x08\\0\\0\\0\\0\\0\\x2a\\0" + frame, (to, 4789))
`;

/** Sends a packet of network 42 that was made by hand, from a host of the underlay. */
export async function forge(machine: Machine, from: "other" | "stranger", to: string, text: string): Promise<void> {
  await machine.sh(`nsenter --net=/run/netns/${from} python3 -c '${forged}' ${to} ${text}`);
}

const listening = `
import socket
s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
s.bind(("10.88.0.1", ${heard}))
while True: print(s.recv(100).decode(), file=open("/run/heard", "a", 1), flush=True)
`;

/** Listens in the machine for what comes out of the tunnel; the answer reads what was heard, and ends the listening. */
export async function listen(
  machine: Machine,
): Promise<{ heard(last: string): Promise<string[]>; end(): Promise<void> }> {
  const pid = await machine.spawn(["python3", "-c", listening]);
  await machine.sh(`until ss -Hlun sport = :${heard} | grep -q .; do sleep 0.02; done`);
  return {
    heard: async (last) => {
      await machine.sh(
        `for i in $(seq 500); do grep -qx ${last} /run/heard 2>/dev/null && exit; sleep 0.02; done; exit 1`,
      );
      return (await machine.sh("cat /run/heard")).split("\n");
    },
    end: async () => {
      await machine.sh(`kill ${pid}; while kill -0 ${pid} 2>/dev/null; do sleep 0.02; done; rm -f /run/heard`);
    },
  };
}
