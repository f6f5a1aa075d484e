import type * as pulumi from "@pulumi/pulumi";
import { Bridge } from "../resources/bridge.ts";
import type { ConnectionArgs } from "../resources/connection.ts";
import { NatRule } from "../resources/natRule.ts";
import type { Vxlan } from "../resources/vxlan.ts";

/** What a network has on one host. */
export interface Site {
  /** The bridge that its containers there are attached to. */
  bridge: Bridge;
  /** Where that is; undefined: this machine. */
  connection: pulumi.Input<ConnectionArgs> | undefined;
  /** The MTU of its containers' links; undefined: the usual 1500. */
  mtu: pulumi.Input<number> | undefined;
  /** The way to the other hosts, which a container's link waits for. */
  tunnel?: Vxlan;
}

/** What the sites of a network have in common. */
export interface SiteSpec {
  parent: pulumi.Resource;
  bridgeName: pulumi.Input<string>;
  /** The gateway's addresses, with their prefixes. */
  addresses: pulumi.Output<string[]>;
  subnets: string[];
  internal: boolean;
  isolate: boolean;
  masquerade: boolean;
  mtu: pulumi.Input<number> | undefined;
}

/** What a site in an overlay has of its own. */
export interface Under {
  /** The host's own address under the tunnel. */
  underlay: pulumi.Input<string>;
  /** The gateway's MAC address, the same on all hosts. */
  macAddress: pulumi.Input<string>;
}

/**
 * Declares what a network has on one host: its bridge, and the translation of what leaves it.
 * @param name the resources' name
 */
export function makeSite(name: string, spec: SiteSpec, at: Site["connection"], under?: Under): Site {
  const { parent, bridgeName, addresses, subnets, internal, isolate, masquerade, mtu } = spec;
  const connection = at === undefined ? {} : { connection: at };
  const size = mtu === undefined ? {} : { mtu };
  const gateway = { name: bridgeName, addresses, isolate, internal, ...size, ...under };
  const bridge = new Bridge(name, { ...gateway, ...connection }, { parent });
  if (!internal && masquerade) {
    const rule = { type: "masquerade", source: subnets, notOutInterface: bridge.name, protect: isolate } as const;
    new NatRule(name, { ...rule, ...connection }, { parent });
  }
  return { bridge, connection: at, mtu: under ? bridge.mtu : mtu };
}
