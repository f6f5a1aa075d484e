import type * as pulumi from "@pulumi/pulumi";
import type { Impairment } from "../kernel/impairment-shape.ts";

/** A route through an end of a pair. */
export interface RouteArgs {
  /** The destination: a subnet, an address, or `"default"`. */
  to: pulumi.Input<string>;
  /** The next hop; default none: what is reached is on the link itself. */
  via?: pulumi.Input<string>;
  /** The metric, 0 to 4294967295, the lower the better; default: the kernel's. */
  metric?: pulumi.Input<number>;
}

/** What is done to the packets that leave through an end. Anything but a `rate` alone needs the kernel's sch_netem. */
export type ImpairmentArgs = { [K in keyof Impairment]: pulumi.Input<NonNullable<Impairment[K]>> };

/** One end of a VethPair. */
export interface VethEndArgs {
  /** The link's name: 1 to 15 bytes of letters, digits, `_`, `.` and `-`. Change: replacement. */
  name: pulumi.Input<string>;
  /** The namespace it lives in; default: the host's own. Change: replacement. */
  netns?: pulumi.Input<string>;
  /** The bridge that it is a port of; default none. */
  bridge?: pulumi.Input<string>;
  /** Addresses with prefix; of IPv4 the first of a subnet is its source. Default none. */
  addresses?: pulumi.Input<pulumi.Input<string>[]>;
  /** The next hop of the default route, one per family; only inside a namespace, since the host's own route is never touched. */
  gateway?: pulumi.Input<string | pulumi.Input<string>[]>;
  /** Further routes through this end. */
  routes?: pulumi.Input<pulumi.Input<RouteArgs>[]>;
  /** The MAC address; default: derived from the resource and the end, the same on every run. */
  macAddress?: pulumi.Input<string>;
  /** As a port of a bridge: send packets back out of it too; default false. */
  hairpin?: pulumi.Input<boolean>;
  /** As a port of a bridge: must not talk to other isolated ports; default false. */
  isolated?: pulumi.Input<boolean>;
  /**
   * `"none"`: the kernel makes no IPv6 link-local address (ip-link(8)), and the end says nothing of IPv6 by itself, which goes to
   * all other ports of a bridge. Nothing is done where the kernel has no IPv6. Default: as the kernel does.
   */
  addrgenmode?: pulumi.Input<"none">;
  /** What is done to the packets that leave through this end; default nothing. */
  impairment?: pulumi.Input<ImpairmentArgs>;
}

/** The other end of a pair, as it stands. */
export interface VethEnd {
  name: string;
  netns?: string;
  bridge?: string;
  addresses: string[];
  gateway?: string | string[];
  routes?: { to: string; via?: string; metric?: number }[];
  macAddress: string;
  hairpin: boolean;
  isolated: boolean;
  addrgenmode?: "none";
  impairment?: Impairment;
  /** The link's number in its namespace. */
  ifindex: number;
}
