import { type Machine, worldAddress } from "../support/machine.ts";
import { expectSame, type Snapshot } from "../support/snapshot.ts";

/** The subnet of every lab: room for a thousand hosts. */
export const subnet = "10.77.0.0/16";

/** The gateway of every lab. */
export const gateway = "10.77.0.1";

/** The address of a lab's host, counted from 1. */
export const hostAddress = (number: number): string => `10.77.${(number + 1) >> 8}.${(number + 1) & 255}`;

/**
 * Real pings: each place reaches the gateway, and the world, which answers only what comes by NAT.
 *
 * @param places the words that enter a place: `ip netns exec h1`
 * @throws Error when one fails
 */
export async function provePings(machine: Machine, places: readonly string[]): Promise<void> {
  const tries = places.flatMap((place) =>
    [gateway, worldAddress].map(
      (to) => `${place} ping -c 1 -W 5 -q ${to} >/dev/null || { echo "${place}: ${to} does not answer"; exit 1; }`,
    ),
  );
  await machine.sh(`{ ${tries.join("\n")}\n } >&2`);
}

/** Sections of a snapshot in which a peer may leave something: that is noted, and no reason to stop. */
const harmless = /^[-+~] (sysctls|nftables|ip6?tables|files|processes|mounts|rules)/;

/**
 * Looks at what is left after a teardown.
 *
 * @returns what a peer has left beside links and namespaces: for each section how many lines, and the first of them
 * @throws Error when a link, an address, a route or a namespace is left
 */
export async function proveTeardown(machine: Machine, before: Snapshot): Promise<string[]> {
  try {
    expectSame(before, await machine.snapshot());
    return [];
  } catch (error) {
    const lines = (error as Error).message.split("\n").filter((line) => /^[-+~] /.test(line));
    if (lines.some((line) => !harmless.test(line))) throw error;
    const sections = Map.groupBy(
      lines.filter((line) => !line.startsWith("-")),
      (line) => line.slice(2).split(":")[0],
    );
    return [...sections].map(([section, [first = "", ...more]]) =>
      [
        `${section}: ${first.slice(4 + (section?.length ?? 0)).trim()}`,
        more.length > 0 ? ` and ${more.length} lines more` : "",
      ].join(""),
    );
  }
}
