import * as pulumi from "@pulumi/pulumi";
import { canonicalAddress } from "../kernel/addresses.ts";
import type { PortPublishArgs } from "../resources/portPublish.ts";

/** A published port of a container: Docker's notation, or the inputs of a PortPublish without its target's address. */
export type PublishArgs = string | Omit<PortPublishArgs, "targetAddress">;

/** One port that Docker's notation stands for. */
export interface PublishedPort {
  hostAddress?: string;
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
  const wrong = (part: string, rule: string): never => {
    throw new pulumi.RunError(`publish "${text}": ${part} ${rule}`);
  };
  const [ports = "", protocol = "tcp", ...more] = text.split("/");
  if (more.length > 0 || !["tcp", "udp", "sctp"].includes(protocol))
    wrong(`"${[protocol, ...more].join("/")}"`, "must be tcp, udp or sctp");
  const match = /^(?:(\[[^\]]*\]|[^:]*):)?([^:]+):([^:]+)$/.exec(ports);
  if (!match)
    return wrong(
      `"${ports}"`,
      'must be HOST_PORT:CONTAINER_PORT or ADDRESS:HOST_PORT:CONTAINER_PORT, such as "8080:80"',
    );
  const [, host, from = "", to = ""] = match;
  const address = host === undefined ? undefined : canonicalAddress(host.replace(/^\[|\]$/g, ""));
  if (host !== undefined && address === undefined)
    wrong(`"${host}"`, "must be an address of the host; one of IPv6 stands in brackets");
  const range = (part: string): [number, number] => {
    const [, first = "", last = first] =
      /^(\d+)(?:-(\d+))?$/.exec(part) ?? wrong(`"${part}"`, "must be a port from 1 to 65535, or a range");
    const bounds: [number, number] = [Number(first), Number(last)];
    if (bounds.some((port) => port < 1 || port > 65535)) wrong(`"${part}"`, "must be from 1 to 65535");
    if (bounds[0] > bounds[1]) wrong(`"${part}"`, "must not be reversed");
    return bounds;
  };
  const [hostRange, targetRange] = [range(from), range(to)];
  const count = hostRange[1] - hostRange[0] + 1;
  if (count !== targetRange[1] - targetRange[0] + 1) wrong(`"${to}"`, `must have as many ports as "${from}"`);
  return Array.from({ length: count }, (_, index) => ({
    ...(address !== undefined && address !== "0.0.0.0" && address !== "::" && { hostAddress: address }),
    hostPort: hostRange[0] + index,
    targetPort: targetRange[0] + index,
    protocol: protocol as PublishedPort["protocol"],
  }));
}
