// A container that sends packets of a tunnel's network to another host of it: translated, they would come from this host.
import { expect } from "vitest";
import { make } from "../support/subject.ts";
import { args, args6, test } from "./vxlan-lab.ts";

/** Sends the head of a packet of a network to where a tunnel ends. */
const send = (vni: number, to: string) => `ip netns exec ct1 python3 -c '
import socket
family = socket.AF_INET6 if ":" in "${to}" else socket.AF_INET
socket.socket(family, socket.SOCK_DGRAM).sendto(bytes([8, 0, 0, 0, 0, 0, ${vni}, 0]), ("${to}", 4789))'`;

for (const [family, own] of [
  ["IPv4", args],
  ["IPv6", args6],
] as const)
  test(`does not get into it, over ${family}`, async ({ lab }) => {
    const [to = ""] = own.remotes;
    // The tunnel's own packets hold a frame, and are longer.
    const count = (vni: number) =>
      `add rule netdev seen in udp dport 4789 udp length 16 @th,96,24 ${vni} counter name n${vni}`;
    await lab.sh(`ip netns exec other nft 'add table netdev seen; add counter netdev seen n42; add counter netdev seen n43
      add chain netdev seen in { type filter hook ingress device eth0 priority 0; }
      ${count(42)}
      ${count(43)}'`);
    await lab.baseline();
    const heard = (vni: number) =>
      lab.sh(`ip netns exec other nft list counter netdev seen n${vni} | grep -o 'packets [0-9]*'`);
    const bridge = await make(lab, "Bridge", "br5", { name: "br5", addresses: ["10.5.0.1/24", "fd05::1/64"] });
    const peer = {
      ...{ name: "eth0", netns: "ct1", addresses: ["10.5.0.2/24", "fd05::2/64"] },
      gateway: ["10.5.0.1", "fd05::1"],
    };
    const cable = await make(lab, "VethPair", "ct1", { name: "v5", bridge: "br5", peer });
    const source = ["10.5.0.0/24", "fd05::/64"];
    const out = await make(lab, "NatRule", "out", { type: "masquerade", source, notOutInterface: "br5" });
    const tunnel = await make(lab, "Vxlan", "one", own);
    await lab.sh(`${send(42, to)}; ${send(43, to)}`);
    await lab.sh(
      `until ip netns exec other nft list counter netdev seen n43 | grep -q 'packets 1'; do sleep 0.02; done`,
    );
    expect(await heard(42)).toBe("packets 0");
    for (const one of [tunnel, out, cable, bridge]) await one.destroy();
    // The table that counts belongs to the test, and what it has counted is no leak.
    await lab.sh("ip netns exec other nft delete table netdev seen");
    await lab.baseline();
  });
