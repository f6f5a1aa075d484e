import type { Sent } from "../../kernel/tracer.ts";
import { endText, Flow } from "./flow.ts";
import { hostOrder, merged } from "./merge.ts";
import type { Journey, MetRule, Observation, Step, Story } from "./model.ts";
import { Path } from "./path.ts";

type Ending = Pick<Story, "reached" | "verdict" | "end">;

/** What became of a packet: its steps in order, and where it ended. */
export function storyOf(journey: Journey, observation: Observation): Story {
  const flow = new Flow(journey.tracer, observation.connections);
  const path = new Path(journey.spots, observation.rules);
  for (const happening of merged(observation, flow, hostOrder(journey))) path.take(happening);
  const { steps } = path;
  return {
    from: journey.from,
    to: journey.to,
    protocol: journey.tracer.protocol,
    ...ending(journey, observation.sent, steps),
    steps,
    connections: observation.connections,
    unseen: observation.unseen,
  };
}

function ending(journey: Journey, sent: Sent, steps: readonly Step[]): Ending {
  if (sent.outcome === "reply") return { reached: true, verdict: "it got there, and the answer came back" };
  const arrived = arrival(journey, steps);
  const dropped = steps.find((one) => one.what === "dropped" && (one.way === "back" || !arrived));
  if (dropped) return atRule(dropped, sent);
  const refused = refusal(steps, sent);
  if (refused) return atRefusal(refused, journey);
  if (arrived && journey.tracer.protocol === "udp")
    return { reached: true, verdict: "it got there; no answer came, which udp need not give" };
  const last = steps.findLast(({ what }) => what === "seen");
  if (!last) return neverLeft(journey, sent);
  return arrived ? unanswered(last, journey) : lost(last, sent);
}

/** The step in which the packet came into the place that it was meant for. */
function arrival({ target }: Journey, steps: readonly Step[]): Step | undefined {
  if (!target || (target.own && steps.some((one) => one.way === "there" && one.what === "dropped"))) return undefined;
  return steps.find((one) => one.way === "there" && one.place === target.name && one.io === "in");
}

function atRule({ way, place, rule }: Step, sent: Sent): Ending {
  const what = way === "there" ? "it ended" : "the answer ended";
  const told = sent.outcome === "refused" || sent.outcome === "error" ? ", which told the sender" : "";
  return {
    reached: false,
    verdict: `${what} in ${place}, at ${rule ? ruleText(rule) : "an unknown rule"}${told}`,
    end: { place, rule },
  };
}

/** A rule in one line: which, whose, where, and what it says. */
export function ruleText(rule: MetRule): string {
  const where =
    rule.by === "iptables"
      ? `iptables ${rule.table} ${rule.chain}`
      : `nftables ${rule.family} ${rule.table} ${rule.chain}`;
  const number = rule.handle === undefined ? "" : ` (handle ${rule.handle})`;
  return `${where}: ${rule.text}${number}${makerText(rule)}`;
}

/** Whose a rule is. */
export function makerText({ owners, maker }: MetRule): string {
  if (owners.length > 0) return `, for ${owners.join(", ")}`;
  return maker === undefined ? "" : `, by ${maker}`;
}

/** The answer that says no: a reset, or an ICMP error. */
function refusal(steps: readonly Step[], { outcome }: Sent): Step | undefined {
  const back = steps.filter((one) => one.way === "back" && one.what === "seen");
  return back.find(({ kind = "" }) => /error|reset/.test(kind)) ?? (outcome === "refused" ? back[0] : undefined);
}

function atRefusal({ place, kind = "", tuple, link }: Step, { tracer, to }: Journey): Ending {
  const end = { place, link };
  if (/port unreachable|reset/.test(kind))
    return {
      reached: false,
      verdict: `it got to ${tuple.source}, which refused it (${kind}): nothing listens there on ${tracer.protocol} port ${portOf(tuple.sourcePort, tracer.destinationPort)}`,
      end,
    };
  return { reached: false, verdict: `it did not get to ${to}: ${tuple.source} answered with an ${kind}`, end };
}

const portOf = (seen: number | undefined, given: number) => seen ?? given;

function neverLeft({ sender, tracer }: Journey, { said, outcome }: Sent): Ending {
  const why = outcome === "error" ? said : "it was seen on no link";
  const to = endText(tracer.destination, tracer.protocol === "icmp" ? undefined : tracer.destinationPort);
  return { reached: false, verdict: `it did not leave ${sender.name}: ${why} (to ${to})`, end: { place: sender.name } };
}

function unanswered({ way, place, link, io }: Step, { target }: Journey): Ending {
  const end = { place, link };
  if (way === "there") return { reached: false, verdict: `it got into ${target?.name}, and no answer left it`, end };
  return { reached: false, verdict: `the answer was last seen in ${place}, ${passing(io)} ${link}`, end };
}

const passing = (io: Step["io"]) => (io === "in" ? "coming in by" : "going out by");

function lost({ place, link, io, way }: Step, { said }: Sent): Ending {
  const what = way === "there" ? "it" : "the answer";
  const tail = said ? ` (the sender was told: ${said})` : "";
  const why =
    io === "in"
      ? ": no rule that is seen dropped it, so look at routes, rp_filter and forwarding there"
      : ", and nothing came back";
  return {
    reached: false,
    verdict: `${what} was last seen in ${place}, ${passing(io)} ${link}${why}${tail}`,
    end: { place, link },
  };
}
