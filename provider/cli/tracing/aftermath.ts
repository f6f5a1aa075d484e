import { hostOf } from "../../host/host.ts";
import { familyOf } from "../../kernel/addresses.ts";
import { type Fact, type Facts, sh } from "../../kernel/command.ts";
import type { Connection } from "../../kernel/connection.ts";
import { type Counted, legacyCounters, metSince } from "../../kernel/iptables-counted.ts";
import { readSave } from "../../kernel/iptables-save.ts";
import { readTable } from "../../kernel/nft.ts";
import { readRuleset } from "../../kernel/nft-trace.ts";
import { quoteAll } from "../../kernel/quote.ts";
import { table } from "../../kernel/ruleset.ts";
import type { Tracer } from "../../kernel/tracer.ts";
import type { Journey, Observation, Ruled, Spot } from "./model.ts";
import type { Surveyed } from "./survey.ts";

/** Looks at what the packet has left behind: entries of conntrack, counters; and at whose the rules are. */
export async function afterwards(
  { spots, sender }: Journey,
  tracer: Tracer,
  known: Surveyed,
): Promise<Pick<Observation, "connections" | "unseen" | "rules">> {
  const family = familyOf(tracer.destination);
  const all = await Promise.all(
    spots.map(async (spot, index) => {
      const facts = { ...rulesFacts(spot, family), counted: legacyCounters(family, spot.enter) };
      const own: Facts = spot.own
        ? { ...facts, connections: connectionFact(tracerOn(spot.connection, sender, tracer)) }
        : facts;
      const { connections = [], counted, ...rules } = await hostOf(spot.connection).observe(own);
      const legacy = legacyText(spot, known.counted[index], counted as Counted);
      return { connections: connections as string[], legacy, rules: rules as unknown as Ruled };
    }),
  );
  return {
    connections: all.flatMap(({ connections }) => connections),
    unseen: [...known.unseen, ...all.flatMap(({ legacy }) => legacy)],
    rules: all.map(({ rules }) => rules),
  };
}

/** A tracer as a host sees it: its source may be another one there than where it was sent. */
export function tracerOn(connection: Connection | undefined, sender: Spot, tracer: Tracer): Tracer {
  return connection?.host === sender.connection?.host ? tracer : { ...tracer, source: undefined };
}

function legacyText(spot: Spot, before: Counted, after: Counted): string[] {
  if (!after) return [];
  const met = metSince(before, after);
  const which =
    met.length > 0
      ? ` Of those that drop, these have met a packet meanwhile: ${met.join("; ")}.`
      : " None of those that drop has met a packet meanwhile.";
  return [`The rules of iptables-legacy in ${spot.name} are not seen by nft's trace.${which}`];
}

function rulesFacts({ enter }: Spot, family: 4 | 6): Facts {
  const save = family === 4 ? "iptables-save" : "ip6tables-save";
  const rules: Record<keyof Ruled, Fact<unknown>> = {
    listed: { command: sh(`limit ${enter}nft -a -t list ruleset`), parse: ({ stdout }) => readRuleset(stdout) },
    iptables: { command: sh(`limit ${enter}${save}`), parse: (reply) => readSave(reply, family) },
    elements: {
      command: sh(`limit ${enter}nft -j list table inet ${table}`),
      parse: (reply) => readTable(reply).elements,
    },
  };
  return rules;
}

/** The entries of a connection, as conntrack(8) lists them. */
function connectionFact({ protocol, source, destination, sourcePort, destinationPort, id }: Tracer): Fact<string[]> {
  const six = familyOf(destination) === 6;
  const name = protocol === "icmp" && six ? "icmpv6" : protocol;
  const ports =
    protocol === "icmp" ? [`--${name}-id`, id] : ["--orig-port-src", sourcePort, "--orig-port-dst", destinationPort];
  const match = ["--orig-dst", destination, ...(source ? ["--orig-src", source] : []), ...ports];
  const words = ["conntrack", "-L", "-f", six ? "ipv6" : "ipv4", "-p", name, ...match].map(String);
  return {
    command: sh(`limit ${quoteAll(words)} 2>/dev/null || :`),
    parse: ({ stdout }) => stdout.split("\n").filter(Boolean),
  };
}
