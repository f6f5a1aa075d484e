import { type Family, familyOf } from "../../kernel/addresses.ts";
import type { Answers, Change, Fact, Facts, Step } from "../../kernel/command.ts";
import { LinuxnetError, Missing, Unseen } from "../../kernel/failure.ts";
import { backendOf, firewallChanges, firewallFacts, firewallTeardown, type SeenRules } from "../../kernel/firewall.ts";
import { listed } from "../../kernel/issue.ts";
import type { Context } from "../../lifecycle/definition.ts";
import { bridge } from "../bridge.ts";
import { expect } from "../expect.ts";
import { natRule } from "../natRule.ts";
import { portPublish } from "../portPublish.ts";
import type { Part } from "./parts.ts";
import type { LabArgs } from "./shape.ts";
import { factsOf, questionOf, type Replies, type Seen, Sights, sharedFacts } from "./sights.ts";
import { composed, removing, type Work } from "./steps.ts";
import { currentTopology, topologyOf, widen } from "./topology.ts";

type Bag = Record<string, unknown>;

/** What a lab asks about itself: forwarding is noted once for all of it. */
function ownFacts({ owner }: LabArgs) {
  return firewallFacts({ owner, backend: "auto" });
}

/** All questions of a lab, by their commands: equal ones are one, and each part reads the answers its own way. */
export function labFacts(args: LabArgs, context: Context): Record<string, Fact<Replies[string]>> {
  const topology = topologyOf(args, context);
  const found: Record<string, Fact<Replies[string]>> = {};
  const note = (facts: Facts) => {
    for (const fact of Object.values(facts))
      found[questionOf(fact)] ??= { command: fact.command, parse: (reply) => reply };
  };
  note(sharedFacts(topology));
  const looked = [...topology.parts, ...topology.gone];
  if ([...topology.all, ...topology.gone].some(isRouted) && looked.some(isForwarded)) note(ownFacts(args));
  for (const part of looked) note(factsOf(part, context, topology));
  return found;
}

/** Whether a part decides what is forwarded for a lab. */
function isForwarded({ definition: { kind } }: Part): boolean {
  return [bridge.kind, natRule.kind, portPublish.kind].includes(kind);
}

function isRouted({ definition: { kind } }: Part): boolean {
  return kind === bridge.kind;
}

function ownSeen(args: LabArgs, replies: Replies): SeenRules | undefined {
  const facts = ownFacts(args);
  if (!Object.values(facts).every((fact) => questionOf(fact) in replies)) return undefined;
  const entries = Object.entries(facts).map(([name, fact]) => [
    name,
    fact.parse(replies[questionOf(fact)] as Replies[string]),
  ]);
  return Object.fromEntries(entries) as Answers<typeof facts>;
}

/** What is missing of a lab, and what of it is wanted no more: one script in the first of the changes. */
export function labPlan(args: LabArgs, replies: Replies, context: Context): Change[] {
  const topology = topologyOf(args, context);
  const sights = new Sights(replies, context, topology);
  const planned = topology.parts
    .filter(({ definition: { kind } }) => kind !== expect.kind)
    .map((part) => ({ part, changes: planOf(part, sights, args) }));
  const going = standing(
    topology.gone.filter((part) => isPresent(part, sights) || isNoted(part, sights)),
    sights,
  );
  const way = wayThrough(topology.all, ownSeen(args, replies), context);
  const told = inWordsOf(planned, going, way);
  const [first, ...more] = told;
  if (!first) return [];
  const work = planned.map(({ part, changes }) => ({ part, steps: changes.flatMap(({ steps }) => steps) }));
  const steps = composed(
    work,
    way.flatMap((change) => change.steps),
    removing(going, context.adopt),
  );
  return [{ ...first, steps }, ...more];
}

function inWordsOf(
  planned: readonly { part: Part; changes: readonly Change[] }[],
  going: readonly Work[],
  way: readonly Change[],
): Change[] {
  return [
    ...planned.flatMap(({ part, changes }) => changes.map((change) => inWords(part, change))),
    ...going.map(({ part }) => ({ drift: `${part.at} (${part.name}) is wanted no more`, steps: [] })),
    ...way.map((change) => ({ ...change, steps: [] })),
  ];
}

function planOf(part: Part, sights: Sights, lab: LabArgs): Change[] {
  try {
    return part.definition.plan(part.args, sights.expected(part) as Seen, sights.contextOf(part));
  } catch (error) {
    if (!(error instanceof LinuxnetError) || error instanceof Unseen) throw error;
    // A part that did not change, and so was not looked at, may have been taken away.
    if (widen(lab)) throw new Missing(error.failing);
    throw error.with({ problem: `${part.at}: ${error.failing.problem}` });
  }
}

/** A part's change in the words of the lab. Names and addresses that the lab worked out are no inputs: they are told in words. */
function inWords({ at, inputs }: Part, { property, actual, drift }: Change): Change {
  if (property === undefined) return { drift: `${at}: ${drift}`, steps: [] };
  const input = inputs[property];
  if (input === undefined) return { drift: `${at}: ${property} is ${JSON.stringify(actual)}`, steps: [] };
  return { property: `${at}.${input}`, actual, steps: [] };
}

/** Parts that stand, with what removes them. */
function standing(parts: readonly Part[], sights: Sights): Work[] {
  return parts
    .filter(({ definition: { kind } }) => kind !== expect.kind)
    .map((part) => ({ part, steps: teardownOf(part, sights) }))
    .filter(({ steps }) => steps.length > 0);
}

function teardownOf(part: Part, sights: Sights): Step[] {
  return part.definition.teardown(part.args, sights.real(part) as Seen, sights.contextOf(part));
}

/** The families that are forwarded for a lab; undefined for one without a bridge. */
function forwarded(parts: readonly Part[]): Family[] | undefined {
  if (!parts.some(isRouted)) return undefined;
  const of = ({ definition: { kind }, args }: Part): string[] => {
    if (kind === portPublish.kind) return [`${args.targetAddress}`];
    return kind === natRule.kind ? listed(args.source as string[]) : [];
  };
  return [...new Set(parts.flatMap(of).map(familyOf))].toSorted();
}

/** Forwarding, its guard and our accept in FORWARD: once for the whole lab. */
function wayThrough(parts: readonly Part[], seen: SeenRules | undefined, context: Context): Change[] {
  if (!seen) return [];
  const forwarding = forwarded(parts);
  const backend = backendOf("auto", seen);
  if (backend === "iptables" && forwarding?.length === 0) return [];
  if (forwarding === undefined && !seen.forwarding.noted) return [];
  return firewallChanges(backend, { nft: { elements: [], rules: [] }, forwarding }, seen, context);
}

/** Whether anything of a lab stands. */
export function labPresent(args: LabArgs, replies: Replies, context: Context): boolean {
  const topology = topologyOf(args, context);
  const sights = new Sights(replies, context, topology);
  return topology.parts.some((part) => isPresent(part, sights));
}

function isPresent(part: Part, sights: Sights): boolean {
  if (part.definition.kind === expect.kind) return false;
  return part.definition.present(part.args, sights.real(part) as Seen, sights.contextOf(part));
}

/** Whether a note of ours is all that is left of a part. */
function isNoted(part: Part, sights: Sights): boolean {
  return part.definition.noted?.(part.args, sights.real(part) as Seen) ?? false;
}

/** The steps that remove a lab. */
export function labTeardown(args: LabArgs, replies: Replies, context: Context): Step[] {
  const topology = topologyOf(args, context);
  const sights = new Sights(replies, context, topology);
  const own = ownSeen(args, replies);
  const leaving = own ? firewallTeardown(own, context) : [];
  // The parts go last: while one stands, the lab is there, and what was cut off before is taken up.
  return [...leaving, ...removing(standing(topology.parts, sights), context.adopt)];
}

/** Why a lab is not ready yet: a program or a resolver that is not, or what must hold and does not. */
export function labPending(args: LabArgs, replies: Replies): { why: string; within: number } | undefined {
  const context: Context = { owner: args.owner, adopt: args.adopt, claims: new Set() };
  const topology = currentTopology(args);
  const sights = new Sights(replies, context, topology);
  for (const part of topology.parts) {
    if (!part.definition.pending) continue;
    const waiting = part.definition.pending(part.args, sights.real(part) as Seen);
    const fault = (sights.real(part).found as Bag | undefined)?.fault;
    if (fault !== undefined) return { why: `${part.at}: nothing can be tried: ${fault}`, within: 0 };
    if (waiting) return { why: `${part.at}: ${waiting.why}`, within: waiting.within };
  }
  return undefined;
}
