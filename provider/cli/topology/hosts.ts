import type { Connection } from "../../kernel/connection.ts";
import { LinuxnetError } from "../../kernel/failure.ts";
import { didYouMean } from "../engine.ts";
import type { Topology } from "./model.ts";

/** The hosts on which a stack has containers or published ports; "" is this machine. */
export function hostsOf({
  places,
  published,
}: Pick<Topology, "places" | "published">): Map<string, Connection | undefined> {
  return new Map([...places, ...published].map(({ host, connection }) => [host, connection]));
}

/** What stands for a host behind an `@`: this machine is `localhost`. */
export const hostLabel = (host: string): string => host || "localhost";

/**
 * The host that is meant by what stands behind an `@`.
 * @throws LinuxnetError when there is none ("did you mean")
 */
export function hostNamed(
  hosts: ReadonlyMap<string, Connection | undefined>,
  label: string,
): { host: string; connection: Connection | undefined } {
  for (const [host, connection] of hosts) if (label === host || label === hostLabel(host)) return { host, connection };
  throw new LinuxnetError({
    problem: `there is no host ${label} in the stack`,
    remedy: didYouMean(label, [...hosts.keys()].map(hostLabel)),
  });
}

/** Several hosts, each as it is named: `host@a, host@b`. */
export function hostChoices(hosts: ReadonlyMap<string, unknown>): string {
  return [...hosts.keys()].map((one) => `host@${hostLabel(one)}`).join(", ");
}
