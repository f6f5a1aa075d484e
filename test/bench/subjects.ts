import { iptablesPorts, ports } from "./ours/ports.ts";
import { manyMachines, ours, overSsh, unsaved } from "./ours/subject.ts";
import { cni, dockerPeer, mininet } from "./peers.ts";
import type { Subject } from "./record.ts";
import { shellPeer } from "./shell-peer.ts";

/** All that can be measured, in the order of the table. */
export const subjects: readonly Subject[] = [
  shellPeer({ name: "tutorial", title: "tutorial script, one process per command", script: "tutorial.sh" }),
  shellPeer({
    name: "batch",
    title: "`ip -batch` and `nft -f`: a shell's floor",
    sizes: [10, 50, 100, 500, 1000],
    script: "batch.sh",
  }),
  mininet,
  cni,
  dockerPeer(1),
  dockerPeer(4),
  ours("primitives", "ours: `Netns`, `VethPair`, `Bridge`, `NatRule`"),
  ours("components", "ours: `Network`, `Container`"),
  ours("lab", "ours: `Lab`", [10, 50, 100, 500, 1000]),
  unsaved("components"),
  ...(["components", "lab"] as const).flatMap((way) => [overSsh(way, 0), overSsh(way, 20), manyMachines(way)]),
  ports,
  iptablesPorts,
];
