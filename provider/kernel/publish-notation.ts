import { canonicalAddress, type Family, familyOf } from "./addresses.ts";

/** One port that Docker's notation stands for. */
export interface PublishedPort {
  hostAddress?: string;
  /** The one family that is meant where all of its addresses are: `0.0.0.0` and `[::]`. */
  family?: Family | undefined;
  hostPort: number;
  targetPort: number;
  protocol: "tcp" | "udp" | "sctp";
}

/**
 * Reads Docker's notation of published ports (docker run --publish): `8080:80`, `127.0.0.1:53:53/udp`, `[::1]:8080:80`,
 * `8000-8003:80-83`.
 *
 * @throws RangeError that points at the part that is wrong
 */
export function readPublish(text: string): PublishedPort[] {
  const [ports = "", protocol = "tcp", ...more] = text.split("/");
  if (more.length > 0 || !isProtocol(protocol)) refuse([protocol, ...more].join("/"), "must be tcp, udp or sctp");
  const match = /^(?:(\[[^\]]*\]|[^:]*):)?([^:]+):([^:]+)$/.exec(ports);
  if (!match)
    return refuse(ports, 'must be HOST_PORT:CONTAINER_PORT or ADDRESS:HOST_PORT:CONTAINER_PORT, such as "8080:80"');
  const [, host, from = "", to = ""] = match;
  const address = readHost(host);
  const all = address === "0.0.0.0" || address === "::";
  const [first, count] = readRange(from);
  const [target, targets] = readRange(to);
  if (count !== targets) refuse(to, `must have as many ports as "${from}"`);
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
export function publishFamilies(
  { family, hostAddress }: { family?: Family | undefined; hostAddress?: unknown },
  own: readonly Family[],
): Family[] {
  if (family !== undefined) return [family];
  if (hostAddress === undefined) return [...own];
  return typeof hostAddress === "string" && canonicalAddress(hostAddress) ? [familyOf(hostAddress)] : own.slice(0, 1);
}

function refuse(part: string, rule: string): never {
  throw new RangeError(`"${part}" ${rule}`);
}

function isProtocol(text: string): text is PublishedPort["protocol"] {
  return ["tcp", "udp", "sctp"].includes(text);
}

/** The address of the host; undefined where none is named. */
function readHost(host: string | undefined): string | undefined {
  if (host === undefined) return undefined;
  const address = canonicalAddress(host.replace(/^\[|\]$/g, ""));
  if (address === undefined) refuse(host, "must be an address of the host; one of IPv6 stands in brackets");
  return address;
}

/** The first port of a range, and how many there are. */
function readRange(part: string): [number, number] {
  const [, first, last = first] =
    /^(\d+)(?:-(\d+))?$/.exec(part) ?? refuse(part, "must be a port from 1 to 65535, or a range");
  const [from, to] = [Number(first), Number(last)];
  if ([from, to].some((port) => port < 1 || port > 65535)) refuse(part, "must be from 1 to 65535");
  if (from > to) refuse(part, "must not be reversed");
  return [from, to - from + 1];
}
