import { test as bare } from "../support/test.ts";

/** The far end of the pair of these tests. */
export const peer = {
  name: "eth0",
  netns: "ct1",
  addresses: ["172.18.0.11/16", "fd00:18::11/64"],
  gateway: ["172.18.0.1", "fd00:18::1"],
  routes: [{ to: "10.7.0.0/16", via: "172.18.0.9", metric: 50 }],
};
/** The pair of these tests: from `br0` into `ct1`. */
export const args = { name: "veth1", bridge: "br0", peer };

/** A machine with two namespaces and a bridge that are not of the pair. */
export const test = bare.extend("lab", async ({ machine }) => {
  await machine.sh(`ip netns add ct1; ip netns add ct2; ip link add br0 address 02:00:00:00:00:0b type bridge
    ip addr add 172.18.0.1/16 dev br0; ip addr add fd00:18::1/64 dev br0 nodad; ip link set br0 addrgenmode none up
    for ns in ct1 ct2; do ip -n $ns link set lo up; done`);
  await machine.baseline();
  return machine;
});
