import type { StackResource } from "../stack.ts";
import type { Segment } from "../topology/model.ts";
import { list, text } from "../topology/read.ts";
import { type Scene, thing } from "./cause.ts";
import { linkIn } from "./seen.ts";

/** One end of a cable, as the stack declares it. */
export interface DeclaredEnd {
  link: string;
  netns: string | undefined;
  bridge: string | undefined;
  addresses: string[];
  gateways: string[];
  mtu: number;
  resource: StackResource;
  /** The container that it is in; its namespace where there is none, "the host" for the host's own. */
  whose: string;
}

type Bag = Record<string, unknown>;

/** The ends of all cables of the stack on this host, the two of one beside each other. */
export function endsOf({ resources, topology }: Scene): [DeclaredEnd, DeclaredEnd][] {
  const named = new Map(topology.places.map(({ netns, name }) => [netns, name]));
  const endOf = (resource: StackResource, { name, netns, bridge, addresses, gateway }: Bag): DeclaredEnd => ({
    link: `${name}`,
    netns: text(netns),
    bridge: text(bridge),
    addresses: list(addresses),
    gateways: list(gateway),
    mtu: Number(resource.outputs.mtu ?? 1500),
    resource,
    whose: text(netns) === undefined ? "the host" : (named.get(text(netns)) ?? `${netns}`),
  });
  return resources
    .filter(({ kind }) => kind === "VethPair")
    .map((one) => [endOf(one, one.outputs), endOf(one, (one.outputs.peer ?? {}) as Bag)]);
}

/** The cables of a bridge: the port, and the end on the other side. */
export function portsOf(
  scene: Scene,
  { bridge, netns }: Pick<Segment, "bridge" | "netns">,
): [DeclaredEnd, DeclaredEnd][] {
  return endsOf(scene).flatMap(([one, other]): [DeclaredEnd, DeclaredEnd][] => {
    if (one.bridge === bridge && one.netns === netns) return [[one, other]];
    return other.bridge === bridge && other.netns === netns ? [[other, one]] : [];
  });
}

/** All on which a namespace rests to reach its bridges: links, addresses, the bridges themselves. */
export function wayOf(scene: Scene, netns: string | undefined): string[] {
  const own = endsOf(scene).filter((ends) => ends.some((end) => end.netns === netns && end.bridge === undefined));
  return [
    thing.netns(netns),
    thing.addresses(netns),
    ...own
      .flat()
      .flatMap((end) => [
        thing.link(end.netns, end.link),
        ...(end.bridge === undefined ? [] : [thing.link(end.netns, end.bridge)]),
      ]),
  ];
}

/** The words by which a person looks into a namespace. */
export function inside(netns: string | undefined): string {
  return netns === undefined ? "ip" : `ip -n ${netns}`;
}

/** Where a link is, in words: `eth0 in web`. */
export function called({ link, netns, whose }: DeclaredEnd): string {
  return netns === undefined ? link : `${link} in ${whose}`;
}

/** The link of an end as it stands. */
export function linkOf({ seen }: Scene, { netns, link }: DeclaredEnd) {
  return linkIn(seen, netns, link);
}
