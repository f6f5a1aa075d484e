import * as pulumi from "@pulumi/pulumi";
import { contains, familyOf } from "../kernel/addresses.ts";
import { AddressPool } from "../resources/addressPool.ts";
import { Bridge } from "../resources/bridge.ts";
import type { ConnectionArgs } from "../resources/connection.ts";
import { NatRule } from "../resources/natRule.ts";
import { type DnsArgs, dnsOf, Names } from "./dns.ts";
import { type Endpoint, inspect, readDocker } from "./docker.ts";
import { linkNameFor } from "./names.ts";
import { chooseSubnet, takeSubnet } from "./subnets.ts";

/** Inputs of a {@link Network}. What decides which resources there are is plain data, known when the program runs. */
export interface NetworkArgs {
  /** `bridge` (default): a bridge on the host; `host`: the host's own network; `none`: no network at all. */
  driver?: "bridge" | "host" | "none";
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
  /** The MTU in bytes, 68 to 65535; default 1500. */
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
  readonly #endpoints: pulumi.Output<Endpoint>[] = [];
  #bridge: Bridge | undefined;
  #closed = false;

  constructor(name: string, args: NetworkArgs = {}, opts?: pulumi.ComponentResourceOptions) {
    super("linuxnet:index:Network", name, {}, opts);
    this.#name = name;
    this.args = args;
    const driver = args.driver ?? "bridge";
    this.#families = driver === "bridge" ? this.#declareFamilies() : [];
    this.subnets = pulumi.output(this.#families.map(({ subnet }) => subnet));
    this.gateways = pulumi.all(this.#families.map(({ pool }) => pulumi.output(pool.then((one) => one.gateway))));
    if (driver === "bridge") this.#makeBridge();
    this.bridgeName = this.#bridge?.name ?? pulumi.output("");
    this.names = this.#makeNames();
    this.inspect = this.#inspect(driver);
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
    const { driver, ...args } = readDocker(json);
    if (driver !== "bridge" && driver !== "host" && driver !== "none" && driver !== "null")
      throw new pulumi.RunError(`network "${name}": Docker's driver ${driver} has no counterpart here`);
    return new Network(name, { ...args, driver: driver === "null" ? "none" : driver }, opts);
  }

  /** The driver: `bridge`, `host` or `none`. */
  get driver(): "bridge" | "host" | "none" {
    return this.args.driver ?? "bridge";
  }

  /** What a container's link depends on: the bridge. */
  get bridge(): Bridge | undefined {
    return this.#bridge;
  }

  /**
   * Gives a container its addresses, one per family.
   * @param fixed addresses that it must have
   * @throws RunError for a container that comes after the program's synchronous part and brings no address
   */
  join(member: string, fixed: readonly string[]): pulumi.Output<string[]> {
    const addresses = this.#families.map((family) => {
      const own = fixed.find((one) => contains(family.subnet, one));
      if (this.#closed && own === undefined)
        throw new pulumi.RunError(
          `container "${member}": one that is made later than the program's synchronous part must give its address in network "${this.#name}"`,
        );
      if (family.names.includes(member))
        throw new pulumi.RunError(`container "${member}": it is on network "${this.#name}" already`);
      if (this.#closed) return pulumi.output(`${own}/${family.subnet.split("/")[1]}`);
      family.names.push(member);
      if (own !== undefined) family.fixed[member] = own;
      return pulumi.output(family.pool.then((pool) => pool.addresses)).apply((all) => all[member] ?? "");
    });
    const stray = fixed.find((one) => !this.#families.some(({ subnet }) => familyOf(subnet) === familyOf(one)));
    if (stray)
      throw new pulumi.RunError(
        `container "${member}": network "${this.#name}" has no subnet of the family of ${stray}`,
      );
    return pulumi.all(addresses);
  }

  /** Notes a container for `inspect`. */
  attach(endpoint: pulumi.Output<Endpoint>): void {
    this.#endpoints.push(endpoint);
  }

  #declareFamilies(): Family[] {
    const { subnet, subnets, gateway } = this.args;
    const given = subnets ?? (subnet === undefined ? [] : [subnet]);
    for (const one of given) takeSubnet(this.#name, one);
    const gateways = [gateway ?? []].flat();
    const all = given.length > 0 ? given : [chooseSubnet(this.#name)];
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
      { subnet, ...(gateway !== undefined && { gateway }), ...range, names, fixed },
      { parent: this },
    );
  }

  #makeBridge(): void {
    const { internal = false, isolate = true, masquerade = true, mtu, bridgeName, connection } = this.args;
    const where = connection === undefined ? {} : { connection };
    const addresses = pulumi
      .all([this.gateways, this.subnets])
      .apply(([gateways, subnets]) => gateways.map((one, index) => `${one}/${subnets[index]?.split("/")[1]}`));
    const name = bridgeName ?? linkNameFor(this.#name);
    const size = mtu === undefined ? {} : { mtu };
    this.#bridge = new Bridge(this.#name, { name, addresses, isolate, internal, ...size, ...where }, { parent: this });
    if (internal || !masquerade) return;
    const source = this.#families.map(({ subnet }) => subnet);
    new NatRule(
      this.#name,
      { type: "masquerade", source, notOutInterface: this.#bridge.name, protect: isolate, ...where },
      { parent: this },
    );
  }

  #makeNames(): Names | undefined {
    const dns = dnsOf(this.#name, this.args);
    if (!dns || !this.#bridge) return undefined;
    const { internal = false, connection } = this.args;
    const seats = [{ name: this.#name, bridge: this.#bridge, connection }];
    return new Names({ parent: this, network: this.#name, addresses: this.#bridge.addresses, internal, seats }, dns);
  }

  #inspect(driver: string): pulumi.Output<unknown[]> {
    const { internal = false, masquerade = true } = this.args;
    const endpoints = pulumi.output(
      new Promise<void>((resolve) => setImmediate(resolve)).then(() => pulumi.all(this.#endpoints)),
    );
    const mtu = this.#bridge?.mtu ?? pulumi.output(1500);
    return pulumi
      .all([this.subnets, this.gateways, this.bridgeName, mtu, endpoints])
      .apply(([subnets, gateways, bridgeName, size, members]) =>
        inspect({
          name: this.#name,
          driver,
          internal,
          masquerade,
          subnets,
          gateways,
          bridgeName,
          mtu: size,
          endpoints: members,
        }),
      );
  }
}
