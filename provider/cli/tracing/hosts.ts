import { bare, canonicalAddress, familyOf } from "../../kernel/addresses.ts";
import type { Connection } from "../../kernel/connection.ts";
import { wayOut } from "../checking/probing.ts";
import { hostChoices, hostLabel, hostsOf } from "../topology/hosts.ts";
import type { Topology } from "../topology/model.ts";
import { mistake } from "../verb.ts";
import type { Spot } from "./model.ts";

/** The hosts of a stack, and the spots on them. */
export class Hosts {
  readonly #topology: Topology;
  readonly #all: Map<string, Connection | undefined>;

  constructor(topology: Topology) {
    this.#topology = topology;
    this.#all = hostsOf(topology);
  }

  /** The one that publishes a port; the only one. */
  likely(port: number | undefined): Connection | undefined {
    const publishing = this.#topology.published.filter(({ hostPort }) => hostPort === port);
    const hosts = new Map(publishing.map((one) => [one.host, one.connection]));
    const likely = hosts.size === 1 ? hosts : this.#all;
    if (likely.size <= 1) return [...likely.values()][0];
    mistake("the stack is on several hosts", `Say which: ${hostChoices(likely)}.`);
  }

  /** A host's own namespace. */
  spot(connection: Connection | undefined): Spot {
    const name = this.#all.size > 1 ? `host@${hostLabel(connection?.host ?? "")}` : "host";
    return { name, connection, enter: "", own: true };
  }

  /** The host that an address of its own leads to, as the others reach it; undefined where none is known to have it. */
  having(address: string): { connection: Connection | undefined } | undefined {
    const found = [...this.#all].find(([host]) => this.#addresses(host).includes(address));
    return found && { connection: found[1] };
  }

  /**
   * The address by which the others reach a host: that of its tunnels, that of its connection, or else that of its uplink.
   * @param families those that the sender has; empty: any
   */
  async address(connection: Connection | undefined, families: readonly (4 | 6)[]): Promise<string> {
    const host = connection?.host ?? "";
    const known = this.#addresses(host);
    const found =
      known.find((one) => families.includes(familyOf(one))) ?? known[0] ?? (await wayOut(connection, undefined)).own;
    if (found !== undefined) return found;
    mistake(`no address is known by which ${hostLabel(host)} is reached`, "Give it instead: trace FROM ADDRESS:PORT.");
  }

  #addresses(host: string): string[] {
    const tunnels = this.#topology.tunnels.filter((one) => one.host === host).map(({ local }) => bare(local));
    return [...tunnels, canonicalAddress(host) ?? ""].filter(Boolean);
  }
}
