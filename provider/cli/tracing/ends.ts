import { randomInt } from "node:crypto";
import { bare, canonicalAddress, contains, familyOf } from "../../kernel/addresses.ts";
import { inNetns } from "../../kernel/command.ts";
import type { Connection } from "../../kernel/connection.ts";
import { quote } from "../../kernel/quote.ts";
import type { Tracer } from "../../kernel/tracer.ts";
import { wayOut } from "../checking/probing.ts";
import { readHost } from "../host-option.ts";
import { findPlace } from "../topology/find.ts";
import { hostNamed, hostsOf } from "../topology/hosts.ts";
import { fullName, type Place, type Topology } from "../topology/model.ts";
import { mistake } from "../verb.ts";
import { Hosts } from "./hosts.ts";
import type { Journey, Spot } from "./model.ts";

/** What `trace` was asked for. */
export interface Asked {
  from: string;
  to: string;
  protocol: Tracer["protocol"] | undefined;
  /** An address that stands for the world. */
  world: string | undefined;
  /** Where the world's packets are sent: a namespace's file, or `[user@]host[:port]`. */
  outside: string | undefined;
}

/** One end of a journey, as it was named. */
type End =
  | { kind: "place"; place: Place }
  | { kind: "host" /** Undefined: the one that is near. */; meant: { connection: Connection | undefined } | undefined }
  | { kind: "world" }
  | { kind: "address"; address: string };

/**
 * Finds out who sends what to whom.
 * @throws LinuxnetError when a name is unknown ("did you mean"), or the two do not fit
 */
export async function journeyOf(asked: Asked, topology: Topology, stack: string): Promise<Journey> {
  const { name, port } = readTo(asked.to);
  const [from, to] = [endOf(asked.from, topology, stack), endOf(name, topology, stack)];
  if (from.kind === "address") mistake(`FROM ${asked.from} is an address`, "Name a container, host or world.");
  const protocol = asked.protocol ?? (port === undefined ? "icmp" : "tcp");
  refusePort(protocol, port, asked.to);
  const hosts = new Hosts(topology);
  const near = nearest(hosts, from, to, port);
  const destination = await addressOf(from, to, hosts, near, asked.world);
  const far = farOf(to, destination, hosts, near);
  const target = targetOf(to, destination, port, protocol, topology, hosts, far);
  const sender = senderOf(from, near, hosts, asked.outside);
  const last = target ? [target, hosts.spot(target.connection)] : [];
  const spots = [hosts.spot(near), sender, hosts.spot(far.connection), ...last];
  const unique = [...new Map(spots.map((one) => [JSON.stringify([one.connection?.host, one.enter]), one])).values()];
  const kept = unique.filter((one) => one.own || one.enter !== "");
  const local = sender.connection?.host === near?.host;
  const numbers = { sourcePort: randomInt(40_000, 60_000), destinationPort: port ?? 0, id: randomInt(1, 65_536) };
  const tracer = { protocol, source: local ? "" : undefined, destination, ...numbers };
  return { from: asked.from, to: toText(asked.to, name, destination, port), sender, target, tracer, spots: kept };
}

function toText(given: string, name: string, destination: string, port: number | undefined): string {
  if (canonicalAddress(name)) return given;
  const shown =
    port === undefined
      ? destination
      : familyOf(destination) === 6
        ? `[${destination}]:${port}`
        : `${destination}:${port}`;
  return `${given} (${shown})`;
}

/** Reads `TO[:PORT]`: an IPv6 address with a port stands in brackets. */
export function readTo(text: string): { name: string; port: number | undefined } {
  if (canonicalAddress(text)) return { name: text, port: undefined };
  const [, six, plain = "", digits] = /^(?:\[(.*)\]|(.*?))(?::(\d+))?$/.exec(text) ?? [];
  const port = digits === undefined ? undefined : Number(digits);
  if (port !== undefined && (port < 1 || port > 65_535)) mistake(`${digits} is no port`, "Ports are 1 to 65535.");
  return { name: six ?? plain, port };
}

function refusePort(protocol: string, port: number | undefined, given: string): void {
  if (protocol === "icmp" && port !== undefined)
    mistake(`icmp knows no ports, and ${given} has one`, "Leave the port or --protocol icmp out.");
  if (protocol !== "icmp" && port === undefined)
    mistake(`${protocol} needs a port, and ${given} has none`, `Give one: ${given}:80.`);
}

function endOf(name: string, topology: Topology, stack: string): End {
  const address = canonicalAddress(name);
  if (address) return { kind: "address", address };
  if (name === "world") return { kind: "world" };
  const [first, label] = name.split("@");
  if (first === "host")
    return { kind: "host", meant: label === undefined ? undefined : hostNamed(hostsOf(topology), label) };
  return { kind: "place", place: knownPlace(name, topology, stack) };
}

/** What is not a container may still be a mistyped `host` or `world`. */
function knownPlace(name: string, topology: Topology, stack: string): Place {
  const words = ["host", "world"].map(
    (one) => ({ name: one, lab: undefined, host: "", netns: one }) as unknown as Place,
  );
  const known = topology.places.some((one) => [fullName(one), one.name, one.netns].includes(name));
  return findPlace(known ? topology : { ...topology, places: [...topology.places, ...words] }, name, stack);
}

/** The host that a packet leaves, or comes to: that of the container, or the one that is meant by `host` and `world`. */
function nearest(hosts: Hosts, from: End, to: End, port: number | undefined): Connection | undefined {
  for (const end of [from, to]) {
    if (end.kind === "place") return end.place.connection;
    if (end.kind === "host" && end.meant) return end.meant.connection;
  }
  return hosts.likely(port);
}

function placeSpot(place: Place, hosts: Hosts): Spot {
  const { netns, connection } = place;
  if (netns === undefined) return hosts.spot(connection);
  return { name: fullName(place), connection, enter: inNetns(netns), own: false };
}

function senderOf(from: End, near: Connection | undefined, hosts: Hosts, outside: string | undefined): Spot {
  if (from.kind === "place") return placeSpot(from.place, hosts);
  if (from.kind === "host") return hosts.spot(near);
  if (outside?.startsWith("/"))
    return { name: "world", connection: near, enter: `nsenter --net=${quote(outside)} `, own: false };
  if (outside !== undefined) return { name: "world", connection: readHost(outside), enter: "", own: false };
  // Whoever looks at a host over ssh is outside of it.
  if (near?.host !== undefined) return { name: "world", connection: undefined, enter: "", own: false };
  mistake(
    "nothing on this machine is outside of it, to send from",
    "Give --outside user@host, or --outside and the file of a network namespace beyond the uplink.",
  );
}

async function addressOf(
  from: End,
  to: End,
  hosts: Hosts,
  near: Connection | undefined,
  world: string | undefined,
): Promise<string> {
  const own = from.kind === "place" ? from.place.addresses : [];
  const families = own.map((one) => familyOf(bare(one)));
  switch (to.kind) {
    case "address":
      return to.address;
    case "place":
      return placeAddress(own, to.place);
    case "world":
      return (await out(near, world, families.length > 0 ? families : undefined)).world;
    default:
      if (from.kind !== "world" && to.meant && to.meant.connection?.host !== near?.host)
        return hosts.address(to.meant.connection, families);
      if (from.kind === "host") return "127.0.0.1";
      if (from.kind === "place" && from.place.gateway !== "") return from.place.gateway;
      return (await out(near, world)).own;
  }
}

/** The address that both have a network for, or one of the sender's family. */
function placeAddress(own: readonly string[], { addresses, name }: Place): string {
  const near = addresses.find((one) => own.some((mine) => contains(mine, bare(one))));
  const families = own.map((one) => familyOf(bare(one)));
  const found = near ?? addresses.find((one) => families.includes(familyOf(bare(one)))) ?? addresses[0];
  if (found === undefined) mistake(`${name} has no address`, "Name one that has, or an address.");
  return bare(found);
}

async function out(
  near: Connection | undefined,
  given: string | undefined,
  families?: readonly (4 | 6)[],
): Promise<{ world: string; own: string }> {
  const { world = given, own } = await wayOut(near, given, families);
  if (world === undefined || own === undefined)
    mistake("the host has no default gateway that answers", "Name an address beyond the uplink with --world.");
  return { world, own };
}

/** The host that a packet comes to, and whether the address is its own. */
interface Far {
  connection: Connection | undefined;
  itself: boolean;
}

function farOf(to: End, destination: string, hosts: Hosts, near: Connection | undefined): Far {
  if (to.kind === "host") return { connection: (to.meant ?? { connection: near }).connection, itself: true };
  const found = to.kind === "address" ? hosts.having(destination) : undefined;
  return { connection: found ? found.connection : near, itself: found !== undefined };
}

function targetOf(
  to: End,
  destination: string,
  port: number | undefined,
  protocol: string,
  { places, published }: Topology,
  hosts: Hosts,
  far: Far,
): Spot | undefined {
  if (to.kind === "place") return placeSpot(to.place, hosts);
  const at = (address: string) => places.find(({ addresses }) => addresses.some((one) => bare(one) === address));
  const direct = at(destination);
  if (direct) return placeSpot(direct, hosts);
  const host = far.connection?.host ?? "";
  const leading = published.find((one) => one.host === host && one.hostPort === port && one.protocol === protocol);
  const behind = leading && at(leading.targetAddress);
  if (behind) return placeSpot(behind, hosts);
  return far.itself ? hosts.spot(far.connection) : undefined;
}
