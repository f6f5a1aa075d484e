import * as pulumi from "@pulumi/pulumi";
import { canonicalCidr, contains, familyOf } from "../kernel/addresses.ts";
import { AddressPool } from "../resources/addressPool.ts";
import type { ConnectionArgs } from "../resources/connection.ts";
import { type DnsArgs, dnsOf, Names } from "./dns.ts";
import { counterpart, type Endpoint, inspect, readNamed } from "./docker.ts";
import { linkNameFor } from "./names.ts";
import { refuseOddNetwork } from "./odd-args.ts";
import { checkOverlay, makeOverlay, type Overlay, type OverlayArgs } from "./overlay.ts";
import { makeSite, type Site, type SiteSpec } from "./sites.ts";
import { chooseSubnet, placesOf, refuseRange, refuseStray, takeSubnets } from "./subnets.ts";

/** Inputs of a {@link Network}. What decides which resources there are is plain data, known when the program runs. */
export interface NetworkArgs {
  /**
   * `bridge` (default): a bridge on the host; `host`: the host's own network; `none`: no network at all; `overlay`: one network
   * across the hosts of `connections`.
   */
  driver?: "bridge" | "host" | "none" | "overlay";
  /** The subnet; default: a /24 of 10.200.0.0/16 by the network's name, stepped past those that the program uses. */
  subnet?: string;
  /** The subnets, one per family, in place of `subnet`. */
  subnets?: string[];
  /** The gateway's address, one per family; default the first of each subnet. */
  gateway?: string | string[];
  /** The part of the subnet that containers get their addresses from; default all of it. */
  ipRange?: string;
  /** The bridge's name; default: derived from the network's. */
  bridgeName?: pulumi.Input<string>;
  /** The MTU in bytes, 68 to 65535; default 1500, in an overlay what fits into the tunnel of each host. */
  mtu?: pulumi.Input<number>;
  /** No way out: default false. */
  internal?: boolean;
  /** What leaves it gets the host's address; default true. */
  masquerade?: boolean;
  /** Closed to other networks, and unpublished ports closed to the outside; default true. */
  isolate?: boolean;
  /** A resolver on the gateway that knows the containers' names, and asks others for the rest (needs dnsmasq there); default false. */
  dns?: boolean | DnsArgs;
  /** Where it is; default this machine. */
  connection?: pulumi.Input<ConnectionArgs>;
  /** The hosts of an overlay, by a name for each: how it is reached (`{}`: this machine). */
  connections?: Record<string, pulumi.Input<ConnectionArgs>>;
  /** How the hosts of an overlay see one another. */
  overlay?: OverlayArgs;
}

interface Family {
  subnet: string;
  gateway: string | undefined;
  names: string[];
  fixed: Record<string, pulumi.Input<string>>;
  pool: Promise<AddressPool>;
}

/**
 * A network of containers, as `docker network create` makes it.
 *
 * @example
 * const shop = new linuxnet.Network("shop", { subnet: "10.5.0.0/24" });
 * new linuxnet.Container("db", { network: shop });
 */
export class Network extends pulumi.ComponentResource {
  /** The subnets, one per family. */
  readonly subnets: pulumi.Output<string[]>;
  /** The gateways' addresses, one per subnet. */
  readonly gateways: pulumi.Output<string[]>;
  /** The bridge's name; "" where the driver has none. */
  readonly bridgeName: pulumi.Output<string>;
  /** The network as `docker network inspect` shows it. */
  readonly inspect: pulumi.Output<unknown[]>;
  /** The names of its containers; undefined when it does not resolve them. */
  readonly names: Names | undefined;
  /** How it was declared. */
  readonly args: NetworkArgs;
  readonly #name: string;
  readonly #families: Family[];
  readonly #endpoints: pulumi.Output<Endpoint | undefined>[] = [];
  /** What it has on each host: by the host's name, with the driver bridge by "". */
  readonly #sites: Record<string, Site>;
  readonly #overlay: Overlay | undefined;
  #closed = false;

  constructor(name: string, args: NetworkArgs = {}, opts?: pulumi.ComponentResourceOptions) {
    super("linuxnet:index:Network", name, {}, opts);
    this.#name = name;
    this.args = args;
    refuseOddNetwork(name, args);
    checkOverlay(name, args);
    this.#families = this.bridged ? this.#declareFamilies() : [];
    this.subnets = pulumi.output(this.#families.map(({ subnet }) => subnet));
    this.gateways = pulumi.all(this.#families.map(({ pool }) => pulumi.output(pool.then((one) => one.gateway))));
    if (this.driver === "overlay") this.#overlay = makeOverlay(name, args, this.#siteSpec());
    this.#sites =
      this.#overlay?.sites ?? (this.bridged ? { "": makeSite(name, this.#siteSpec(), args.connection) } : {});
    // In an overlay it waits for no host: the others stand where one is down.
    this.bridgeName = this.#overlay?.bridgeName ?? this.#sites[""]?.bridge.name ?? pulumi.output("");
    this.names = this.#makeNames();
    this.inspect = this.#inspect();
    this.registerOutputs({
      subnets: this.subnets,
      gateways: this.gateways,
      bridgeName: this.bridgeName,
      inspect: this.inspect,
    });
  }

  /**
   * A network like one of Docker's, from what `docker network inspect` prints.
   * @param json the text, or what it says
   */
  static fromDockerInspect(name: string, json: unknown, opts?: pulumi.ComponentResourceOptions): Network {
    const { driver, ...args } = readNamed(name, json);
    return new Network(name, { ...args, driver: counterpart(name, driver) }, opts);
  }

  /** The driver: `bridge`, `host`, `none` or `overlay`. */
  get driver(): NonNullable<NetworkArgs["driver"]> {
    return this.args.driver ?? "bridge";
  }

  /** Whether its containers are attached to a bridge. */
  get bridged(): boolean {
    return this.driver === "bridge" || this.driver === "overlay";
  }

  /** What it has on each host: by the host's name in an overlay, by "" with the driver bridge. */
  get sites(): Readonly<Record<string, Site>> {
    return this.#sites;
  }

  /**
   * Gives a container its addresses, one per family.
   * @param fixed addresses that it must have
   * @throws RunError for a container that comes after the program's synchronous part and brings no address
   */
  join(member: string, fixed: readonly string[]): pulumi.Output<string[]> {
    const subnets = this.#families.map(({ subnet }) => subnet);
    refuseStray(member, this.#name, subnets, fixed);
    return pulumi.all(this.#families.map((family) => this.#joinFamily(member, family, fixed)));
  }

  #joinFamily(member: string, family: Family, fixed: readonly string[]): pulumi.Output<string> {
    const refuse = (problem: string): never => {
      throw new pulumi.RunError(`container "${member}": ${problem}`);
    };
    const own = fixed.find((one) => contains(family.subnet, one));
    if (this.#closed && own === undefined)
      refuse(`one made later than the program's synchronous part must give its address in network "${this.#name}"`);
    if (family.names.includes(member)) refuse(`it is on network "${this.#name}" already`);
    const other = Object.keys(family.fixed).find((name) => own !== undefined && family.fixed[name] === own);
    if (other) refuse(`its address ${own} is that of container "${other}" on network "${this.#name}"`);
    family.names.push(member);
    if (own !== undefined) family.fixed[member] = own;
    const given = pulumi.output(family.pool.then((pool) => pool.addresses));
    if (!this.#closed) return given.apply((all) => all[member] ?? "");
    const cidr = `${own}/${family.subnet.split("/")[1]}`;
    return given.apply((all) => {
      const holder = Object.keys(all).find((name) => all[name] === cidr);
      if (holder) refuse(`its address ${own} is that of container "${holder}" on network "${this.#name}"`);
      return cidr;
    });
  }

  /** Notes a container for `inspect`. */
  attach(endpoint: pulumi.Output<Endpoint>): void {
    // One that fails is not shown, and keeps the others from nobody.
    this.#endpoints.push(pulumi.recover<Endpoint | undefined>(endpoint, () => undefined));
  }

  #declareFamilies(): Family[] {
    const { subnet, subnets, gateway, ipRange, connection, connections } = this.args;
    const given = (subnets ?? (subnet === undefined ? [] : [subnet])).map(canonicalCidr);
    const places = placesOf(connections ? Object.values(connections) : [connection]);
    takeSubnets(this.#name, given, places);
    const gateways = [gateway ?? []].flat();
    const all = given.length > 0 ? given : [chooseSubnet(this.#name, places)];
    refuseRange(this.#name, all, ipRange);
    const families = all.map((one) => ({
      subnet: one,
      gateway: gateways.find((other) => familyOf(other) === familyOf(one)),
      names: [],
      fixed: {},
    }));
    // The pools come when all containers of the program's synchronous part have been declared.
    const later = new Promise<void>((resolve) => setImmediate(resolve)).then(() => {
      this.#closed = true;
    });
    return families.map((family) => ({ ...family, pool: later.then(() => this.#makePool(family)) }));
  }

  #makePool({ subnet, gateway, names, fixed }: Omit<Family, "pool">): AddressPool {
    const { ipRange } = this.args;
    const range = ipRange !== undefined && familyOf(ipRange) === familyOf(subnet) ? { range: ipRange } : {};
    const name = familyOf(subnet) === 6 ? `${this.#name}-v6` : this.#name;
    return new AddressPool(
      name,
      { subnet, ...(gateway !== undefined && { gateway }), ...range, names: [...names], fixed: { ...fixed } },
      { parent: this },
    );
  }

  #siteSpec(): SiteSpec {
    const { internal = false, isolate = true, masquerade = true, mtu, bridgeName } = this.args;
    const addresses = pulumi
      .all([this.gateways, this.subnets])
      .apply(([gateways, subnets]) => gateways.map((one, index) => `${one}/${subnets[index]?.split("/")[1]}`));
    const subnets = this.#families.map(({ subnet }) => subnet);
    const name = bridgeName ?? linkNameFor(this.#name);
    return { parent: this, bridgeName: name, addresses, subnets, internal, isolate, masquerade, mtu };
  }

  #makeNames(): Names | undefined {
    const dns = dnsOf(this.#name, this.args);
    if (!dns || !this.bridged) return undefined;
    const seats = Object.entries(this.#sites).map(([host, { bridge, connection }]) => {
      return { name: host === "" ? this.#name : `${this.#name}-${host}`, bridge, connection };
    });
    const { addresses, internal } = this.#siteSpec();
    return new Names({ parent: this, network: this.#name, addresses, internal, seats }, dns);
  }

  #inspect(): pulumi.Output<unknown[]> {
    const { internal = false, masquerade = true, ipRange } = this.args;
    const endpoints = pulumi.output(
      new Promise<void>((resolve) => setImmediate(resolve)).then(() => pulumi.all(this.#endpoints)),
    );
    const mtu = pulumi.output(this.#overlay ? this.args.mtu : (this.#sites[""]?.bridge.mtu ?? 1500));
    const peers = this.#overlay?.underlay ?? pulumi.output(undefined);
    return pulumi
      .all([this.subnets, this.gateways, this.bridgeName, mtu, endpoints, peers])
      .apply(([subnets, gateways, bridgeName, size, members, underlay]) =>
        inspect({
          name: this.#name,
          driver: this.driver,
          internal,
          masquerade,
          subnets,
          gateways,
          ipRange,
          bridgeName,
          mtu: size,
          endpoints: members.filter((one) => one !== undefined),
          ...(underlay && this.#overlay && { overlay: { vni: this.#overlay.vni, underlay } }),
        }),
      );
  }
}
