import { z } from "zod";
import { hostOf } from "../../host/host.ts";
import { familyOf } from "../../kernel/addresses.ts";
import { type Fact, noNetns, sh } from "../../kernel/command.ts";
import { LinuxnetError } from "../../kernel/failure.ts";
import { type Counted, legacyCounters } from "../../kernel/iptables-counted.ts";
import { sourceFact } from "../../kernel/tracer.ts";
import type { Journey, Spot } from "./model.ts";

/** What has to be known before a packet is sent. */
export interface Surveyed {
  /** The sender's address; undefined where it is not one of the host's. */
  source: string | undefined;
  /** Of each spot the names of its links, by number. */
  links: ReadonlyMap<number, string>[];
  /** Whether nft holds rules in each spot. */
  ruled: boolean[];
  /** Whether packets can be captured in each spot. */
  captured: boolean[];
  /** Of each spot: what iptables-legacy had counted. */
  counted: Counted[];
  unseen: string[];
}

const tools = ["tcpdump", "nft", "python3", "conntrack", "setpriv"];

const toolsFact: Fact<string[]> = {
  command: sh(`for t in ${tools.join(" ")}; do command -v $t >/dev/null && echo $t; done; :`),
  parse: ({ stdout }) => stdout.split("\n").filter(Boolean),
};

const linkShape = z.array(z.looseObject({ ifindex: z.number(), ifname: z.string() }));

/** Asks for the names of all links of a spot, by number. */
export function linksFact(spot: Spot): Fact<ReadonlyMap<number, string>> {
  return {
    command: sh(`limit ${spot.enter}ip -j link show`),
    parse: ({ code, stdout, stderr }) => {
      if (noNetns.test(stderr))
        throw new LinuxnetError({
          problem: `the namespace of ${spot.name} is not there`,
          remedy: "`pulumi up` makes it again.",
        });
      if (code !== 0) throw new LinuxnetError({ problem: `the links of ${spot.name} cannot be listed`, cause: stderr });
      return new Map(linkShape.parse(JSON.parse(stdout || "[]")).map(({ ifindex, ifname }) => [ifindex, ifname]));
    },
  };
}

const ruledFact = ({ enter }: Spot): Fact<boolean> => ({
  command: sh(`limit ${enter}nft list tables 2>/dev/null || :`),
  parse: ({ stdout }) => stdout.trim() !== "",
});

/**
 * Looks at all spots before anything is started.
 * @throws LinuxnetError when a namespace is not there, or the packet cannot be sent
 */
export async function survey({ spots, sender, tracer }: Journey): Promise<Surveyed> {
  const family = familyOf(tracer.destination);
  const asked = hostOf(sender.connection).observe({
    found: sourceFact(tracer.destination, sender.enter),
    tools: toolsFact,
  });
  const seen = await Promise.all(spots.map((spot) => look(spot, family)));
  const { found, tools: there } = await asked;
  refuseUnsent(there, hostOf(sender.connection).name);
  return {
    source: tracer.source === undefined ? undefined : found.source,
    links: seen.map(({ links }) => links),
    ruled: seen.map(({ ruled, can }) => ruled && can("nft")),
    captured: seen.map(({ can }) => can("tcpdump")),
    counted: seen.map(({ counted }) => counted),
    unseen: [...new Set(seen.flatMap(({ name, tools: own }) => lacking(name, own)))],
  };
}

async function look(spot: Spot, family: 4 | 6) {
  const host = hostOf(spot.connection);
  const seen = await host.observe({
    links: linksFact(spot),
    ruled: ruledFact(spot),
    tools: toolsFact,
    counted: legacyCounters(family, spot.enter),
  });
  const can = (tool: string) => seen.tools.includes(tool) && seen.tools.includes("setpriv");
  return { ...seen, name: host.name, can };
}

function refuseUnsent(there: readonly string[], host: string): void {
  if (there.includes("python3")) return;
  const problem = "there is no python3, which sends the packet that is followed";
  throw new LinuxnetError({ host, problem, remedy: "Install it." });
}

const blind: Record<string, string> = {
  tcpdump: "the links that the packet passed are not seen",
  nft: "the rules that it met are not seen",
  conntrack: "the entry of its connection is not seen",
  setpriv: "neither links nor rules are seen",
};

function lacking(host: string, own: readonly string[]): string[] {
  return tools.flatMap((tool) =>
    own.includes(tool) || !blind[tool] ? [] : [`There is no ${tool} on ${host}: ${blind[tool]}.`],
  );
}
