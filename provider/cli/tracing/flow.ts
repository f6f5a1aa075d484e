import type { TracedPacket } from "../../kernel/nft-trace.ts";
import { isEcho, type Packet } from "../../kernel/packet.ts";
import type { Tracer } from "../../kernel/tracer.ts";
import type { Tuple, Way } from "./model.ts";

/** Tells which way a packet goes, whatever has been translated on the way: by its ports, or the identifier of its echo. */
export class Flow {
  readonly #tracer: Tracer;
  /** The ports, or identifiers, at the end of the sender and at the other. */
  readonly #near: ReadonlySet<number>;
  readonly #far: ReadonlySet<number>;

  /** @param connections the entries of conntrack, which tell of translated ports */
  constructor(tracer: Tracer, connections: readonly string[]) {
    this.#tracer = tracer;
    const all = (pattern: RegExp) =>
      connections.flatMap((line) => [...line.matchAll(pattern)].map(([, text]) => Number(text)));
    const pairs = connections.map((line) =>
      [...line.matchAll(/sport=(\d+) dport=(\d+)/g)].map(([, a, b]) => [Number(a), Number(b)]),
    );
    const [near, far] =
      tracer.protocol === "icmp"
        ? [[tracer.id, ...all(/ id=(\d+)/g)], []]
        : [[tracer.sourcePort], [tracer.destinationPort]];
    this.#near = new Set([...near, ...pairs.flatMap(([, reply]) => reply?.[1] ?? [])]);
    this.#far = new Set([...far, ...pairs.flatMap(([, reply]) => reply?.[0] ?? [])]);
  }

  /** Which way a captured packet goes; undefined: another one, or a later one of the same connection. */
  way(packet: Packet): Way | undefined {
    const { about } = packet;
    // An error about what was sent comes back to the sender.
    if (about) return this.#direction(about) === "there" ? "back" : undefined;
    const way = this.#direction(packet);
    if (packet.protocol !== "tcp" || packet.flags === undefined) return way;
    const opening = way === "there" ? packet.flags === "S" : /^S\.$|R/.test(packet.flags);
    return opening ? way : undefined;
  }

  /** Which way a traced packet goes. */
  tracedWay({ icmp, id, sourcePort, destinationPort }: TracedPacket): Way | undefined {
    if (this.#tracer.protocol !== "icmp" && sourcePort !== undefined) return this.#byPorts(sourcePort, destinationPort);
    if (icmp === "echo-request") return this.#near.has(id ?? -1) ? "there" : undefined;
    if (icmp === "echo-reply") return this.#near.has(id ?? -1) ? "back" : undefined;
    return icmp === undefined ? undefined : "back";
  }

  #direction(packet: Packet): Way | undefined {
    if (this.#tracer.protocol === "icmp") {
      if (packet.id === undefined || !this.#near.has(packet.id)) return undefined;
      return isEcho(packet, "request") ? "there" : "back";
    }
    if (packet.protocol !== this.#tracer.protocol) return undefined;
    return this.#byPorts(packet.sourcePort, packet.destinationPort);
  }

  #byPorts(source: number | undefined, destination: number | undefined): Way | undefined {
    const [from, to] = [source ?? -1, destination ?? -1];
    if (this.#near.has(from) && this.#far.has(to)) return "there";
    return this.#far.has(from) && this.#near.has(to) ? "back" : undefined;
  }
}

/** The addresses and ports of a packet. */
export function tupleOf({ source, destination, sourcePort, destinationPort }: Tuple): Tuple {
  return { source, destination, ...(sourcePort !== undefined && { sourcePort, destinationPort }) };
}

/** Whether two packets have the same addresses and ports. */
export function sameTuple(one: Tuple, other: Tuple): boolean {
  return tupleText(one) === tupleText(other);
}

/** Addresses and ports as text: `10.5.0.2:40001 → 203.0.113.1:80`. */
export function tupleText({ source, destination, sourcePort, destinationPort }: Tuple): string {
  return `${endText(source, sourcePort)} → ${endText(destination, destinationPort)}`;
}

/** An address with its port: `[fd00::1]:80`. */
export function endText(address: string, port: number | undefined): string {
  if (port === undefined) return address;
  return address.includes(":") ? `[${address}]:${port}` : `${address}:${port}`;
}

/** What kind of packet it is, in the words of its protocol. */
export function kindOf(packet: Packet): string {
  if (packet.about) return `${packet.protocol} error: ${errorText(packet)}`;
  if (packet.id !== undefined) return isEcho(packet, "request") ? "echo request" : "echo reply";
  if (packet.protocol !== "tcp") return packet.protocol;
  const names: Record<string, string> = { S: "syn", "S.": "syn ack", R: "reset", "R.": "reset" };
  return `tcp ${names[packet.flags ?? ""] ?? packet.flags ?? ""}`.trim();
}

const errors: Record<string, string> = {
  "icmp 3 0": "network unreachable",
  "icmp 3 1": "host unreachable",
  "icmp 3 3": "port unreachable",
  "icmp 3 4": "too big",
  "icmp 3 9": "network prohibited",
  "icmp 3 10": "host prohibited",
  "icmp 3 13": "prohibited by a filter",
  "icmp 11 0": "its time to live ended",
  "icmpv6 1 0": "no route",
  "icmpv6 1 1": "prohibited by a filter",
  "icmpv6 1 3": "host unreachable",
  "icmpv6 1 4": "port unreachable",
  "icmpv6 2 0": "too big",
  "icmpv6 3 0": "its time to live ended",
};

/** What an ICMP error says (the IANA's ICMP Parameters). */
export function errorText({ protocol, icmp }: Packet): string {
  return errors[`${protocol} ${icmp?.type} ${icmp?.code}`] ?? `type ${icmp?.type}, code ${icmp?.code}`;
}
