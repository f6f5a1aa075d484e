import * as pulumi from "@pulumi/pulumi";
import { bare } from "../kernel/addresses.ts";
import type { Bridge } from "../resources/bridge.ts";
import type { ConnectionArgs } from "../resources/connection.ts";
import { Resolver } from "../resources/resolver.ts";

/** How a network resolves names. */
export interface DnsArgs {
  /**
   * Who is asked for the names of others, in this order: addresses, with `#PORT` behind where it is not 53. Default: the host's
   * own name servers. An internal network asks nobody.
   */
  upstreams?: pulumi.Input<pulumi.Input<string>[]>;
  /** A domain of the network's own: `web` is `web.lab.example` too. Default none. */
  domain?: pulumi.Input<string>;
}

/** What a network's arguments say of its names. */
export interface NamedNetworkArgs {
  driver?: string;
  internal?: boolean;
  dns?: boolean | DnsArgs;
}

/** Where a network has a resolver: one per host that it is on. */
export interface Seat {
  /** The resource's name. */
  name: string;
  bridge: Bridge;
  connection?: pulumi.Input<ConnectionArgs> | undefined;
}

/** What the resolvers of a network have in common. */
export interface NamesSpec {
  parent: pulumi.Resource;
  network: string;
  /** The gateways, one per family, with their prefixes. */
  addresses: pulumi.Output<string[]>;
  internal: boolean;
  seats: readonly Seat[];
}

interface Named {
  addresses: pulumi.Output<string[]>;
  aliases: string[];
}

/** The names of a network's containers, and the resolvers that know them. */
export class Names {
  /** The gateways, where the resolvers listen; without prefix. */
  readonly servers: pulumi.Output<string[]>;
  /** Where a short name is looked up; undefined: nowhere but as it is. */
  readonly domain: pulumi.Input<string> | undefined;
  readonly internal: boolean;
  readonly #network: string;
  readonly #members: Record<string, Named> = {};
  readonly #resolvers: Map<Bridge, Promise<Resolver>>;
  readonly #all: Promise<void>;
  #closed = false;

  constructor({ network, addresses, internal, parent, seats }: NamesSpec, { upstreams, domain }: DnsArgs) {
    this.#network = network;
    this.internal = internal;
    this.domain = domain;
    this.servers = addresses.apply((all) => all.map(bare));
    // As the pools of addresses: when all containers of the program's synchronous part have been declared.
    this.#all = new Promise<void>((resolve) => setImmediate(resolve)).then(() => {
      this.#closed = true;
    });
    const own = { network, addresses, forward: !internal, ...(domain && { domain }), ...(upstreams && { upstreams }) };
    const make = ({ name, bridge, connection }: Seat) => {
      const at = { bridge: bridge.name, ...(connection !== undefined && { connection }) };
      return new Resolver(name, { ...own, ...at, members: this.#listed() }, { parent });
    };
    this.#resolvers = new Map(seats.map((seat) => [seat.bridge, this.#all.then(() => make(seat))]));
  }

  /** Notes a container, its addresses with their prefixes, and what else it is called. */
  note(container: string, addresses: pulumi.Output<string[]>, aliases: string[]): void {
    if (this.#closed)
      pulumi.log.warn(
        `container "${container}" is made later than the program's synchronous part: the resolver of network "${this.#network}" does not know its name`,
      );
    this.#members[container] = { addresses: addresses.apply((all) => all.map(bare)), aliases };
  }

  /** The resolver on the host of a bridge. */
  at(bridge: Bridge | undefined): Promise<Resolver> | undefined {
    return bridge && this.#resolvers.get(bridge);
  }

  /** All names with their addresses, for the hosts file of a container that asks the resolver of another network. */
  table(): pulumi.Output<Record<string, string[]>> {
    return pulumi.output(this.#all.then(() => pulumi.output(this.#members))).apply((members) => {
      const found = new Map<string, string[]>();
      for (const [name, { addresses, aliases }] of Object.entries(members))
        for (const one of new Set([name, ...aliases]))
          for (const form of [one, `${one}.${this.#network}`])
            found.set(form, [...(found.get(form) ?? []), ...addresses]);
      return Object.fromEntries(found);
    });
  }

  #listed() {
    const entries = Object.entries(this.#members).map(([name, { addresses, aliases }]) => {
      return [name, { addresses, ...(aliases.length > 0 && { aliases }) }] as const;
    });
    return Object.fromEntries(entries);
  }
}

/**
 * How a network resolves names; undefined when it does not.
 * @throws RunError when its driver has no gateway, or an internal one is to ask others
 */
export function dnsOf(network: string, { driver = "bridge", dns = false, internal = false }: NamedNetworkArgs) {
  const refuse = (problem: string): never => {
    throw new pulumi.RunError(`network "${network}": ${problem}`);
  };
  if (dns === false) return undefined;
  if (driver === "host" || driver === "none")
    refuse(`dns needs a network with a gateway, and the driver ${driver} has none`);
  const given: DnsArgs = dns === true ? {} : dns;
  if (internal && given.upstreams !== undefined)
    refuse("dns.upstreams cannot be given for an internal network, whose resolver asks nobody");
  return given;
}

/** Of the networks that a container is on, the one whose resolver it asks, and the others, whose names it is given as they are. */
export interface Resolving {
  asked: Names;
  others: Names[];
}

/** Chooses whom a container asks: the first network that resolves names, one with a way out before an internal one. */
export function resolvingOf(networks: readonly { names: Names | undefined }[]): Resolving | undefined {
  const all = networks.flatMap(({ names }) => names ?? []);
  const asked = all.find(({ internal }) => !internal) ?? all[0];
  return asked && { asked, others: all.filter((one) => one !== asked) };
}
