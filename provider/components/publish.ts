import * as pulumi from "@pulumi/pulumi";
import { canonicalAddress, type Family, familyOf } from "../kernel/addresses.ts";
import type { PortPublishArgs } from "../resources/portPublish.ts";

/** A published port of a container: Docker's notation, or the inputs of a PortPublish without its target's address. */
export type PublishArgs = string | Omit<PortPublishArgs, "targetAddress">;

/** One port that Docker's notation stands for. */
export interface PublishedPort {
  hostAddress?: string;
  /** The one family that is meant where all of its addresses are: `0.0.0.0` and `[::]`. */
  family?: Family;
  hostPort: number;
  targetPort: number;
  protocol: "tcp" | "udp" | "sctp";
}

/**
 * Reads Docker's notation of published ports (docker run --publish): `8080:80`, `127.0.0.1:53:53/udp`, `[::1]:8080:80`,
 * `8000-8003:80-83`.
 *
 * @throws RunError that points at the part that is wrong
 */
export function readPublish(text: string): PublishedPort[] {
  const [ports = "", protocol = "tcp", ...more] = text.split("/");
  if (more.length > 0 || !isProtocol(protocol)) refuse(text, [protocol, ...more].join("/"), "must be tcp, udp or sctp");
  const match = /^(?:(\[[^\]]*\]|[^:]*):)?([^:]+):([^:]+)$/.exec(ports);
  if (!match)
    return refuse(
      text,
      ports,
      'must be HOST_PORT:CONTAINER_PORT or ADDRESS:HOST_PORT:CONTAINER_PORT, such as "8080:80"',
    );
  const [, host, from = "", to = ""] = match;
  const address = readHost(text, host);
  const all = address === "0.0.0.0" || address === "::";
  const [first, count] = readRange(text, from);
  const [target, targets] = readRange(text, to);
  if (count !== targets) refuse(text, to, `must have as many ports as "${from}"`);
  return Array.from({ length: count }, (_, index) => ({
    ...(address !== undefined && (all ? { family: familyOf(address) } : { hostAddress: address })),
    hostPort: first + index,
    targetPort: target + index,
    protocol,
  }));
}

/**
 * The families of a container's addresses that a published port leads to: that of the host's address which it names, else all
 * that the container has in its network, as Docker does.
 *
 * @param own the families of the network's subnets, the first one first
 */
export function publishFamilies(port: Exclude<PublishArgs, string> | PublishedPort, own: readonly Family[]): Family[] {
  if ("family" in port && port.family !== undefined) return [port.family];
  const { hostAddress } = port;
  if (hostAddress === undefined) return [...own];
  return typeof hostAddress === "string" && canonicalAddress(hostAddress) ? [familyOf(hostAddress)] : own.slice(0, 1);
}

function refuse(text: string, part: string, rule: string): never {
  throw new pulumi.RunError(`publish "${text}": "${part}" ${rule}`);
}

function isProtocol(text: string): text is PublishedPort["protocol"] {
  return ["tcp", "udp", "sctp"].includes(text);
}

/** The address of the host; undefined where none is named. */
function readHost(text: string, host: string | undefined): string | undefined {
  if (host === undefined) return undefined;
  const address = canonicalAddress(host.replace(/^\[|\]$/g, ""));
  if (address === undefined) refuse(text, host, "must be an address of the host; one of IPv6 stands in brackets");
  return address;
}

/** The first port of a range, and how many there are. */
function readRange(text: string, part: string): [number, number] {
  const [, first, last = first] =
    /^(\d+)(?:-(\d+))?$/.exec(part) ?? refuse(text, part, "must be a port from 1 to 65535, or a range");
  const [from, to] = [Number(first), Number(last)];
  if ([from, to].some((port) => port < 1 || port > 65535)) refuse(text, part, "must be from 1 to 65535");
  if (from > to) refuse(text, part, "must not be reversed");
  return [from, to - from + 1];
}
