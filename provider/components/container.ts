import * as pulumi from "@pulumi/pulumi";
import { bare, canonicalAddress, type Family, familyOf } from "../kernel/addresses.ts";
import { publishFamilies } from "../kernel/publish-notation.ts";
import type { ConnectionArgs } from "../resources/connection.ts";
import { Netns } from "../resources/netns.ts";
import { PortPublish, type PortPublishArgs } from "../resources/portPublish.ts";
import { Process, type ProcessArgs } from "../resources/process.ts";
import { ResolvConf } from "../resources/resolvConf.ts";
import type { ImpairmentArgs } from "../resources/vethEnd.ts";
import { VethPair } from "../resources/vethPair.ts";
import { filesOf } from "./container-files.ts";
import { resolvingOf } from "./dns.ts";
import { linkNameFor } from "./names.ts";
import type { Network } from "./network.ts";
import { refuseOddContainer } from "./odd-args.ts";
import { type Place, placeOf } from "./place.ts";
import { type PublishArgs, readPublish } from "./publish.ts";

/** Inputs of a {@link Container}. What decides which resources there are is plain data, known when the program runs. */
export interface ContainerArgs extends Partial<Omit<ProcessArgs, "netns" | "adopt" | "connection">> {
  /** The network, or several: the first one gives the default route. Default: none. */
  network?: Network | Network[];
  /** The address in the network, one per family; default: the network's next free one. */
  address?: string | string[];
  /** Join the namespace of another container, or one by name, instead of a network. */
  netns?: Container | pulumi.Input<string>;
  /** The name in its own hosts file, and one more in networks with `dns`; default the container's. */
  hostname?: string;
  /** More names of it in its networks, for which these need `dns`; several containers may share one. */
  aliases?: string[];
  /** Other containers of the same network by the names that this one knows them by. */
  links?: Record<string, Container>;
  /**
   * Published ports, in Docker's notation (`"8080:80"`, `"127.0.0.1:8080:80/udp"`) or as inputs of a PortPublish. Without an
   * address of the host, each leads to the container's addresses of all families; `0.0.0.0` and `[::]` name one family.
   */
  publish?: PublishArgs[];
  /** Name servers; default: the resolver of its network, where that has `dns`, else the host's own settings. */
  dns?: pulumi.Input<string>[];
  /** Domains in which short names are looked up. */
  dnsSearch?: pulumi.Input<string>[];
  /** More lines of its hosts file: addresses by name, or Docker's `"name:address"`. */
  extraHosts?: Record<string, pulumi.Input<string>> | string[];
  /** What is done to the packets that leave the container. */
  impairment?: pulumi.Input<ImpairmentArgs>;
  /** Kernel settings inside the namespace, by name. */
  sysctls?: pulumi.Input<Record<string, pulumi.Input<string>>>;
  /** In an overlay: which of its hosts it is on; default the only one. */
  host?: string;
  /** Where it is; default the network's. */
  connection?: pulumi.Input<ConnectionArgs>;
}

/**
 * A container: a namespace, its cables, its published ports, its DNS files and a program.
 *
 * @example
 * new linuxnet.Container("web", { network: shop, publish: ["8080:80"], command: ["python3", "-m", "http.server", "80"] });
 */
export class Container extends pulumi.ComponentResource {
  /** The namespace's name; "" with the host driver. */
  readonly netns: pulumi.Output<string>;
  /** The addresses with their prefixes, those of the first network first. */
  readonly addresses: pulumi.Output<string[]>;
  /** The gateway of the first network; "" where there is none. */
  readonly gateway: pulumi.Output<string>;
  /** The MAC address in the first network; "" where there is none. */
  readonly macAddress: pulumi.Output<string>;
  /** The process id of `command`. */
  readonly pid: pulumi.Output<number | undefined>;
  /** The networks that it is on. */
  readonly networks: readonly Network[];
  readonly #name: string;
  /** Where it is; undefined: this machine. */
  readonly connection: pulumi.Input<ConnectionArgs> | undefined;
  readonly #place: Place;
  readonly #where: { connection?: pulumi.Input<ConnectionArgs> };
  readonly #links: VethPair[] = [];
  /** The addresses that a published port can lead to, by network. */
  readonly #reachable: pulumi.Output<string[][]>;

  constructor(name: string, args: ContainerArgs = {}, opts?: pulumi.ComponentResourceOptions) {
    super("linuxnet:index:Container", name, {}, opts);
    this.#name = name;
    refuseOddContainer(name, args);
    const other = args.netns instanceof Container ? args.netns : undefined;
    const own = [args.network ?? []].flat();
    this.networks = other?.networks ?? own;
    this.#place = placeOf(name, args, own, other?.connection);
    this.connection = this.#place.connection;
    this.#where = this.connection === undefined ? {} : { connection: this.connection };
    this.#refuseOdd(args);
    this.netns = this.#makeNetns(args);
    const bridged = own.filter((network) => network.bridged);
    const addresses = bridged.map((network, index) => this.#attach(network, index, args));
    this.#reachable = pulumi.all(addresses.filter((_, index) => !bridged[index]?.args.internal));
    const none = pulumi.output("");
    this.addresses = other?.addresses ?? pulumi.all(addresses).apply((lists) => lists.flat());
    this.gateway = other?.gateway ?? bridged[0]?.gateways.apply((all) => all[0] ?? "") ?? none;
    this.macAddress = other?.macAddress ?? this.#links[0]?.peer.apply((peer) => peer?.macAddress ?? "") ?? none;
    const program = this.#run(args, this.#makeFiles(args));
    this.pid = program?.pid ?? pulumi.output(undefined);
    for (const [index, publish] of (args.publish ?? []).entries()) this.#publish(publish, index);
    const { netns, gateway, macAddress, pid } = this;
    this.registerOutputs({ netns, addresses: this.addresses, gateway, macAddress, pid });
  }

  #refuseOdd({ netns, network, publish = [], links = {}, aliases = [] }: ContainerArgs): void {
    const refuse = (problem: string): never => {
      throw new pulumi.RunError(`container "${this.#name}": ${problem}`);
    };
    if (netns !== undefined && network !== undefined) refuse("network and netns cannot both be given");
    if (publish.length > 0) this.#refusePublish(netns !== undefined, refuse);
    if (aliases.length > 0 && (netns !== undefined || !this.networks.some(({ names }) => names)))
      refuse("aliases need a network with dns, whose resolver tells them");
    for (const [alias, other] of Object.entries(links)) {
      if (!other.networks.some((one) => this.networks.includes(one)))
        refuse(`the link ${alias} leads to a container that shares no network with it`);
    }
  }

  #refusePublish(joins: boolean, refuse: (problem: string) => never): void {
    if (joins) refuse("publish belongs to the container whose namespace it joins");
    const [first] = this.networks;
    if (!this.networks.some((network) => network.bridged))
      refuse(
        `publish needs a network with the driver bridge or overlay${first ? `, and this one's is ${first.driver}` : ""}`,
      );
    if (this.networks.every((one) => one.args.internal))
      refuse("publish needs a network that is not internal: nothing from outside gets into one that is");
  }

  #makeNetns({ netns, sysctls }: ContainerArgs): pulumi.Output<string> {
    if (netns !== undefined) return netns instanceof Container ? netns.netns : pulumi.output(netns);
    if (this.networks.some(({ driver }) => driver === "host")) return pulumi.output("");
    return new Netns(
      this.#name,
      { name: linkNameFor(this.#name), ...(sysctls && { sysctls }), ...this.#where },
      { parent: this },
    ).name;
  }

  #attach(network: Network, index: number, args: ContainerArgs): pulumi.Output<string[]> {
    const fixed = index === 0 ? [args.address ?? []].flat().map((one) => canonicalAddress(one) ?? one) : [];
    const addresses = network.join(this.#name, fixed);
    const link = this.#connect(network, index, addresses, args);
    this.#links.push(link);
    network.names?.note(this.#name, addresses, [...(args.hostname ? [args.hostname] : []), ...(args.aliases ?? [])]);
    network.attach(
      pulumi
        .all([addresses, link.peer])
        .apply(([own, end]) => ({ name: this.#name, macAddress: end?.macAddress ?? "", addresses: own })),
    );
    return addresses;
  }

  #connect(network: Network, index: number, addresses: pulumi.Output<string[]>, args: ContainerArgs): VethPair {
    const { impairment } = args;
    const gateway = index === 0 && !network.args.internal ? { gateway: network.gateways } : {};
    const quiet = isIpv6(network) ? {} : { addrgenmode: "none" as const };
    const inside = { name: `eth${index}`, netns: this.netns, addresses, ...gateway, ...quiet };
    const { bridge, mtu, tunnel } = this.#place.siteOf(network) ?? {};
    const ends = {
      name: linkNameFor(this.#name, `${index}`),
      bridge: bridge?.name ?? network.bridgeName,
      hairpin: true,
      peer: { ...inside, ...(impairment && { impairment }) },
    };
    return new VethPair(
      index === 0 ? this.#name : `${this.#name}-${index}`,
      { ...ends, ...(mtu !== undefined && { mtu }), ...this.#where },
      { parent: this, ...(tunnel && { dependsOn: tunnel }) },
    );
  }

  #makeFiles(args: ContainerArgs): ResolvConf | undefined {
    const own = this.#links.length > 0 ? this.addresses : undefined;
    const resolving = args.dns === undefined ? resolvingOf(this.networks) : undefined;
    const files = args.netns === undefined ? filesOf(this.#name, args, own, resolving) : undefined;
    const known = this.networks.flatMap((network) => network.names?.at(this.#place.siteOf(network)?.bridge) ?? []);
    const opts = { parent: this, ...(resolving && { dependsOn: known }) };
    return files && new ResolvConf(this.#name, { netns: this.netns, ...files, ...this.#where }, opts);
  }

  #run(
    { command, environment, cwd, user, restart, stopTimeout, ready, netns }: ContainerArgs,
    files: ResolvConf | undefined,
  ): Process | undefined {
    if (command === undefined) return undefined;
    const given = {
      ...(environment && { environment }),
      ...(cwd && { cwd }),
      ...(user && { user }),
      ...(restart && { restart }),
      ...(stopTimeout && { stopTimeout }),
      ...(ready && { ready }),
    };
    const inside =
      netns === undefined && this.networks.some(({ driver }) => driver === "host") ? {} : { netns: this.netns };
    return new Process(
      this.#name,
      { command, ...given, ...inside, ...this.#where },
      { parent: this, dependsOn: [...this.#links, ...(files ? [files] : [])] },
    );
  }

  #publish(publish: PublishArgs, index: number): void {
    const ports = typeof publish === "string" ? readPublish(publish) : [publish];
    for (const [number, port] of ports.entries()) {
      const name =
        typeof publish === "string"
          ? `${this.#name}-${publish}${ports.length > 1 ? `-${number}` : ""}`
          : `${this.#name}-publish-${index}`;
      const { family: _only, ...inputs } = { family: undefined, ...port };
      for (const [place, family] of publishFamilies(port, this.#publishable).entries())
        this.#publishFamily(place === 0 ? name : `${name}-v${family}`, inputs, family);
    }
  }

  /** The families of the network that a published port leads to: the first one that is not internal. */
  get #publishable(): Family[] {
    const network = this.networks.find(({ bridged, args }) => bridged && !args.internal);
    const subnets = network?.args.subnets ?? (network?.args.subnet === undefined ? [] : [network.args.subnet]);
    return subnets.length === 0 ? [4] : subnets.map(familyOf);
  }

  #publishFamily(name: string, port: Omit<PortPublishArgs, "targetAddress">, family: Family): void {
    const targetAddress = this.#reachable.apply((lists) => {
      const all = lists.flat();
      return bare(all.find((one) => familyOf(one) === family) ?? all[0] ?? "");
    });
    new PortPublish(name, { ...port, targetAddress, ...this.#where }, { parent: this, dependsOn: this.#links });
  }
}

/** Whether a network has a subnet of IPv6; without one its containers say nothing of IPv6 by themselves, as Docker's do not. */
function isIpv6({ args: { subnet, subnets = subnet === undefined ? [] : [subnet] } }: Network): boolean {
  return subnets.some((one) => familyOf(one) === 6);
}
