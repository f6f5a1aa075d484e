import { bare, contains, type Family, familyOf, subnetOf } from "../../kernel/addresses.ts";
import type { Packet } from "../../kernel/passage.ts";
import type { Segment } from "../topology/model.ts";
import { portsOf } from "./cables.ts";
import type { Scene } from "./cause.ts";
import { settingOf } from "./seen.ts";

/** A packet of the stack that has to get through, in words. */
export interface Passing {
  what: string;
  packet: Packet;
  bridge: string;
  /** It is of one container, and not of all of a network. */
  single?: true;
}

/** Whether packets carry the mark of what our table has passed; there is none where iptables has our rules. */
const passed = ({ seen }: Scene) => seen.table.exists;

function defaultDev({ seen }: Scene, family: Family): string | undefined {
  return (family === 6 ? seen.routes6 : seen.routes4).find(({ to }) => to === "default")?.dev;
}

/** The packets that leave the networks of the stack, and come back: of all of a network, and of each container. */
export function leaving(scene: Scene): Passing[] {
  return scene.topology.segments
    .filter(({ masquerade, netns }) => masquerade && netns === undefined)
    .flatMap((segment) => [
      ...segment.addresses.flatMap((one) => outAndBack(scene, segment, segment.name, subnetOf(one))),
      ...portsOf(scene, segment).flatMap(([, { whose, addresses }]) =>
        addresses
          .flatMap((one) => outAndBack(scene, segment, whose, bare(one)))
          .map((one) => ({ ...one, single: true as const })),
      ),
    ]);
}

function outAndBack(scene: Scene, { bridge }: Segment, who: string, end: string): Passing[] {
  const family = familyOf(end);
  const dev = defaultDev(scene, family);
  if (dev === undefined) return [];
  // Under ufw a ping passes where TCP is dropped.
  const base = { family, passed: passed(scene), dnat: false, protocol: "tcp" } as const;
  const out: Packet = { ...base, inDevice: bridge, outDevice: dev, source: end, state: "new" };
  const back: Packet = { ...base, inDevice: dev, outDevice: bridge, destination: end, state: "established" };
  return [
    { what: `what ${who} sends to the world`, bridge, packet: out },
    { what: `what comes back to ${who}`, bridge, packet: back },
  ];
}

/** The packets that come in by published ports. */
export function comingIn(scene: Scene): Passing[] {
  return scene.topology.published.flatMap(
    ({ hostAddress, hostPort, protocol, targetAddress, targetPort }): Passing[] => {
      const family = familyOf(targetAddress);
      const dev = defaultDev(scene, family);
      const segment = scene.topology.segments.find(({ addresses }) =>
        addresses.some((one) => contains(one, targetAddress)),
      );
      if (!segment || dev === undefined || /^127\.|^::1$/.test(hostAddress ?? "")) return [];
      const packet: Packet = {
        family,
        inDevice: dev,
        outDevice: segment.bridge,
        destination: targetAddress,
        protocol,
        destinationPort: targetPort,
        state: "new",
        dnat: true,
        passed: passed(scene),
      };
      return [{ what: `what comes in by the published port ${hostPort}`, packet, bridge: segment.bridge }];
    },
  );
}

/** What the ports of one bridge say to each other: it passes FORWARD where br_netfilter is on. */
export function bridged(scene: Scene): Passing[] {
  return scene.topology.segments.flatMap((segment) => {
    const { bridge, netns, name } = segment;
    if (netns !== undefined || portsOf(scene, segment).length < 2) return [];
    return segment.addresses.flatMap((one): Passing[] => {
      const family = familyOf(one);
      if (settingOf(scene.seen, undefined, bridgeSwitches[family]) !== "1") return [];
      const subnet = subnetOf(one);
      const ends = { source: subnet, destination: subnet, protocol: "tcp" } as const;
      const packet = {
        family,
        inDevice: bridge,
        outDevice: bridge,
        ...ends,
        state: "new",
        passed: passed(scene),
        dnat: false,
      } as const;
      return [{ what: `what the containers of ${name} say to each other`, packet, bridge }];
    });
  });
}

/** Where it is written whether what is bridged passes the chains of iptables. */
export const bridgeSwitches = { 4: "bridge/bridge-nf-call-iptables", 6: "bridge/bridge-nf-call-ip6tables" } as const;

/** What containers ask the resolvers of their networks. */
export function questions({ resources }: Scene): Passing[] {
  const asked = resources
    .filter(({ kind }) => kind === "Resolver")
    .flatMap(({ outputs }) =>
      (outputs.addresses as string[]).map((address) => ({ address, bridge: `${outputs.bridge}` })),
    );
  return asked.map(({ address, bridge }): Passing => {
    const to = { destination: bare(address), protocol: "udp", destinationPort: 53 } as const;
    const from = { inDevice: bridge, outDevice: "", source: subnetOf(address) } as const;
    const packet = { family: familyOf(address), ...from, ...to, state: "new", passed: false, dnat: false } as const;
    return { what: `questions to the resolver ${bare(address)}`, packet, bridge };
  });
}
