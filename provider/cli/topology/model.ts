import type { Connection } from "../../kernel/connection.ts";

/** A place where programs run: a Container, one of a Lab, or a namespace of a Netns. */
export interface Place {
  /** Its name in the program. */
  name: string;
  /** The Lab that it is of. */
  lab: string | undefined;
  /** Its namespace; undefined: the host's own (the host driver). */
  netns: string | undefined;
  /** Addresses with their prefixes, those of the first network first. */
  addresses: string[];
  /** The next hop of its default route; "" where there is none. */
  gateway: string;
  /** The host that it is on; "" is this machine. */
  host: string;
  connection: Connection | undefined;
  /** The urns of its resources; of a Lab's container the Lab's, and `#containers.NAME`. */
  urns: string[];
}

/** A bridge, with the network that it is for. */
export interface Segment {
  /** The link's name. */
  bridge: string;
  /** The network's name in the program. */
  name: string;
  host: string;
  netns: string | undefined;
  /** The gateways with their prefixes. */
  addresses: string[];
  internal: boolean;
  isolate: boolean;
  /** Whether what leaves it for the uplink is masqueraded. */
  masquerade: boolean;
  urns: string[];
}

/** One end of a cable. */
export interface End {
  link: string;
  netns: string | undefined;
  bridge: string | undefined;
  addresses: string[];
  /** The next hop of the default route that leads through it; "" where none does. */
  gateway: string;
  isolated: boolean;
}

/** A cable between two places. */
export interface Cable {
  host: string;
  ends: [End, End];
  urns: string[];
}

/** A port of a host that leads to a container. */
export interface Published {
  host: string;
  connection: Connection | undefined;
  hostAddress: string | undefined;
  hostPort: number;
  protocol: string;
  targetAddress: string;
  targetPort: number;
  /** Whether it answers on the host's own 127.0.0.1 or ::1. */
  localhost: boolean;
  urns: string[];
}

/** One end of an overlay. */
export interface Tunnel {
  host: string;
  link: string;
  bridge: string | undefined;
  vni: number;
  local: string;
  remotes: string[];
  urns: string[];
}

/** A name that a container knows, and the addresses that it stands for. */
export interface KnownName {
  /** The place by its host and namespace. */
  host: string;
  netns: string;
  name: string;
  addresses: string[];
}

/** Something that must hold, as the program declares it. */
export interface Expected {
  name: string;
  from: string;
  to: string;
  port: number | undefined;
  protocol: "ping" | "tcp" | "udp";
  reachable: boolean;
  connection: Connection | undefined;
}

/** The network of a stack, as its state tells it. */
export interface Topology {
  places: Place[];
  segments: Segment[];
  cables: Cable[];
  published: Published[];
  tunnels: Tunnel[];
  names: KnownName[];
  expected: Expected[];
  /** The hosts where rules of the program's own let through or drop what is forwarded. */
  ruled: ReadonlySet<string>;
  /** The host of every resource that stands on one, by its urn. */
  hosts: ReadonlyMap<string, string>;
}

/** What a place is called where two could be meant: `lab/web` for the container `web` of a Lab. */
export function fullName({ name, lab }: Pick<Place, "name" | "lab">): string {
  return lab === undefined ? name : `${lab}/${name}`;
}
