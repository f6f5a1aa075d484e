// What the labs' tests have beyond the uplink: a world that can be tried from, and that knows names.
import type { Machine } from "../support/machine.ts";
import { at } from "../support/transfer.ts";

/** The name that the world's DNS server knows, and whose address is the world's. */
export const worldName = "www.example.net";

/**
 * Gives the world the name `outside` in /run/netns, so that an Expect can try from there, and a route to a lab: whether the
 * lab is closed is seen by who knows the way. Takes a new baseline.
 */
export async function openOutside(machine: Machine, route: string, via: string): Promise<void> {
  await machine.sh("ip netns add outside && umount /run/netns/outside && mount --bind /media/world /run/netns/outside");
  await machine.world(`ip route add ${route} via ${via}`);
  // Its link-local address comes by itself, a second later (RFC 4862, 5.4).
  await machine.world("until ip -6 addr show dev up0 scope link -tentative | grep -q fe80; do sleep 0.05; done");
  await machine.baseline();
}

/** Starts a DNS server in the world that knows {@link worldName}; ends with the machine. Takes a new baseline. */
export async function startWorldDns(machine: Machine, addresses: readonly string[]): Promise<void> {
  const names = addresses.map((address) => `--host-record=${worldName},${address}`);
  const own = ["--no-daemon", "--conf-file=/dev/null", "--no-hosts", "--no-resolv", "--user=root", "--pid-file="];
  await machine.spawn([...at("world"), "dnsmasq", ...own, ...names]);
  await machine.world("until ss -Hlun sport = :53 | grep -q .; do sleep 0.02; done");
  await machine.baseline();
}
