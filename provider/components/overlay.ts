import { createHash } from "node:crypto";
import * as pulumi from "@pulumi/pulumi";
import { derivedMac } from "../kernel/mac.ts";
import type { ConnectionArgs } from "../resources/connection.ts";
import { Vxlan } from "../resources/vxlan.ts";
import { linkNameFor } from "./names.ts";
import { makeSite, type Site, type SiteSpec } from "./sites.ts";
import { type Underlay, underlayOf } from "./underlay.ts";

/** How the hosts of an overlay see one another. */
export interface OverlayArgs {
  /** The network's number, 1 to 16777215; default: by project, stack and the network's name. Change: replacement. */
  vni?: number;
  /** The UDP port of the tunnels, 1 to 65535; default 4789. Change: replacement. */
  port?: number;
  /**
   * Each host's own address in the network between the hosts; default: `host` of its connection, where that is an IP address
   * and no loopback one. The hosts must reach each other by them.
   */
  addresses?: Record<string, pulumi.Input<string>>;
}

/** What a network's arguments say of its overlay. */
export interface OverlayNetworkArgs {
  driver?: string;
  connection?: pulumi.Input<ConnectionArgs>;
  connections?: Record<string, pulumi.Input<ConnectionArgs>>;
  overlay?: OverlayArgs;
}

/** An overlay as it was declared: what each of its hosts has of it. */
export interface Overlay {
  vni: number;
  underlay: pulumi.Output<Underlay>;
  bridgeName: pulumi.Output<string>;
  sites: Record<string, Site>;
}

/** The UDP port of VXLAN (RFC 7348, 8.2). */
const usualPort = 4789;

/** The numbers that this program's networks have so far. */
const taken: { network: string; vni: number; port: number }[] = [];

/**
 * Refuses a network whose driver and arguments for an overlay do not fit.
 * @throws RunError that names the argument
 */
export function checkOverlay(network: string, args: OverlayNetworkArgs): void {
  const { driver = "bridge", connection, connections, overlay } = args;
  const refuse = (problem: string): never => {
    throw new pulumi.RunError(`network "${network}": ${problem}`);
  };
  if (driver !== "overlay") {
    for (const [key, value] of Object.entries({ connections, overlay }))
      if (value !== undefined) refuse(`${key} needs the driver overlay, and this one's is ${driver}`);
    return;
  }
  const hosts = Object.keys(connections ?? {});
  if (hosts.length === 0)
    refuse("connections is needed with the driver overlay: by a name for each host, how it is reached");
  if (connection !== undefined)
    refuse("connection cannot be given with the driver overlay: connections says where it is");
  if (hosts.includes("")) refuse("connections: the name of a host must not be empty");
  const stray = Object.keys(overlay?.addresses ?? {}).find((host) => !hosts.includes(host));
  if (stray !== undefined) refuse(`overlay.addresses.${stray}: connections has no host ${stray}`);
}

/**
 * The number of a network: the one that is given, or one by project, stack and name.
 * @throws RunError when another network of this program has it on the same port
 */
export function takeVni(network: string, given: number | undefined, port: number): number {
  const words = ["vni", pulumi.getProject(), pulumi.getStack(), network].join("\n");
  const vni = given ?? (createHash("sha256").update(words).digest().readUIntBE(0, 3) || 1);
  const other = taken.find((one) => one.vni === vni && one.port === port);
  if (other)
    throw new pulumi.RunError(
      `network "${network}": the network "${other.network}" has the number ${vni} on port ${port} too; set overlay.vni to another one`,
    );
  taken.push({ network, vni, port });
  return vni;
}

/** Declares what each host has of an overlay: its bridge, its tunnel to the others, its translation of what leaves. */
export function makeOverlay(network: string, args: OverlayNetworkArgs, spec: SiteSpec): Overlay {
  const { connections = {}, overlay = {} } = args;
  const port = overlay.port ?? usualPort;
  const vni = takeVni(network, overlay.vni, port);
  const underlay = underlayOf(network, connections, overlay.addresses ?? {});
  const bridgeName = pulumi.output(spec.bridgeName);
  const macAddress = bridgeName.apply((name) => derivedMac("bridge", name, ""));
  const sites = Object.entries(connections).map(([host, connection]) => {
    const own = underlay.apply((all) => all[host] ?? "");
    const name = `${network}-${host}`;
    const site = makeSite(name, spec, connection, { underlay: own, macAddress });
    const tunnel = makeTunnel(name, site, spec, { host, underlay, vni, port, macAddress, network });
    return [host, { ...site, tunnel }];
  });
  return { vni, underlay, bridgeName, sites: Object.fromEntries(sites) };
}

interface TunnelSpec extends Pick<Overlay, "vni" | "underlay"> {
  network: string;
  host: string;
  port: number;
  macAddress: pulumi.Output<string>;
}

function makeTunnel(name: string, { bridge, connection }: Site, spec: SiteSpec, tunnel: TunnelSpec): Vxlan {
  const { host, underlay, vni, port, macAddress, network } = tunnel;
  const others = (all: Underlay) => Object.keys(all).filter((other) => other !== host);
  const bare = spec.addresses.apply((all) => all.map((address) => address.split("/")[0] ?? ""));
  const ends = {
    local: underlay.apply((all) => all[host] ?? ""),
    remotes: underlay.apply((all) => others(all).map((other) => all[other] ?? "")),
  };
  return new Vxlan(
    name,
    {
      name: linkNameFor(network, "tunnel"),
      vni,
      port,
      bridge: bridge.name,
      ...ends,
      ...(spec.mtu !== undefined && { mtu: spec.mtu }),
      anycastGateway: { macAddress, addresses: bare },
      ...(connection !== undefined && { connection }),
    },
    { parent: spec.parent },
  );
}
