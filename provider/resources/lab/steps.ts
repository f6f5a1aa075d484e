import { dropFlowsOf } from "../../kernel/cable-flows.ts";
import { type IpCommand, type Step, sh } from "../../kernel/command.ts";
import { makeMountStep, tidyMount } from "../../kernel/netns.ts";
import type { Publish } from "../../kernel/publish.ts";
import { dropFlowsOfAll, dropsFlows } from "../../kernel/publish-flows.ts";
import { quoteAll } from "../../kernel/quote.ts";
import { untyped } from "../../kernel/typed.ts";
import { bridge } from "../bridge.ts";
import { netns } from "../netns.ts";
import { portPublish } from "../portPublish.ts";
import { vethPair } from "../vethPair.ts";
import type { Part } from "./parts.ts";

/** The steps of one part of a lab. */
export interface Work {
  part: Part;
  steps: readonly Step[];
}

const isNft = ({ do: command }: Step) => command.kind === "nft";
const isIp = ({ do: command }: Step): boolean => command.kind === "ip";
const netnsOf = ({ do: command }: Step) => (command as IpCommand).netns;

/** Equal steps once: the first of them, or the last where they tidy up. */
function once(steps: readonly Step[], which: "first" | "last"): Step[] {
  const list = which === "first" ? steps : steps.toReversed();
  const seen = new Set<string>();
  const kept = list.filter((step) => {
    if (isIp(step)) return true;
    const key = JSON.stringify(step.do);
    return !seen.has(key) && Boolean(seen.add(key));
  });
  return which === "first" ? kept : kept.toReversed();
}

/** Waits until links are gone: the kernel takes those of a namespace away a moment after it. */
export function vanishing(names: readonly string[]): Step[] {
  if (names.length === 0) return [];
  const words = `for name in ${quoteAll(names)}; do printf '%s\\n' "$name"; done`;
  const any = 'limit ip -o link show type veth | awk -F "[ :@]+" \'{ print $2 }\' | grep -qxF "$names"';
  const text = `names=$(${words}); round=0\nwhile ${any}; do round=$((round + 1)); [ $round -lt 100 ] || exit 0; sleep 0.05; done`;
  return [{ what: "wait until the cables are gone", do: sh(text), within: 10, ...untyped }];
}

/**
 * The script that makes a lab as it is wanted: what is said to nft is one transaction, what is said to a namespace that is being
 * made is one batch, and all links of the host are made and set in one.
 *
 * @param way what lets traffic be forwarded
 * @param last what goes when all else is done
 */
export function composed(work: readonly Work[], way: readonly Step[], last: readonly Step[]): Step[] {
  const fresh = freshNamespaces(work);
  const rules = [...last, ...way, ...work.flatMap(({ steps }) => steps)].filter(isNft);
  const rest = (steps: readonly Step[]) => steps.filter((step) => !isNft(step));
  const links = work.filter(({ part }) => isLink(part));
  const inside = new Map<string, Step[]>([...fresh].map((name) => [name, []]));
  const outside = links.flatMap(({ part, steps }) => sorted(part, rest(steps), inside));
  const others = work.filter(({ part }) => !isLink(part)).flatMap(({ steps }) => rest(steps));
  const made = [...(fresh.size > 0 ? preparing(work) : []), ...outside, ...[...inside.values()].flat(), ...others];
  return [...tableFirst(once(rules, "first")), ...once(rest(way), "first"), ...once(made, "first"), ...rest(last)];
}

function isLink({ definition: { kind } }: Part): boolean {
  return [netns.kind, bridge.kind, vethPair.kind].includes(kind);
}

/** The table is made, or mended, before anything is put into it. */
function tableFirst(steps: readonly Step[]): Step[] {
  const makes = ({ what }: Step) => /our nftables table$/.test(what);
  return [...steps.filter(makes), ...steps.filter((step) => !makes(step))];
}

const added = ({ do: command }: Step) =>
  command.kind === "ip" && command.args.join(" ").startsWith("netns add") ? command.args[2] : undefined;

function freshNamespaces(work: readonly Work[]): Set<string> {
  return new Set(
    work.flatMap(({ part, steps }) =>
      part.definition.kind === netns.kind ? steps.flatMap((step) => added(step) ?? []) : [],
    ),
  );
}

/** Parts a part's steps: those within a namespace that is being made wait until all links are there. */
function sorted({ definition: { kind }, args }: Part, steps: readonly Step[], inside: Map<string, Step[]>): Step[] {
  const home = `${kind === netns.kind ? args.name : (args.peer as { netns?: string } | undefined)?.netns}`;
  const waiting = inside.get(home);
  if (!waiting) return [...steps];
  const isInside = (step: Step) =>
    netnsOf(step) === home || (kind === netns.kind && !isIp(step) && step !== makeMountStep);
  // What is in a namespace that is being made goes with it.
  const bare = ({ what, do: command, claim, typed }: Step): Step => ({
    what,
    do: command,
    ...(claim !== undefined && { claim }),
    ...(typed && { typed }),
  });
  for (const step of steps) if (isInside(step)) waiting.push({ ...bare(step), ...(isIp(step) && { apart: true }) });
  const direct = steps.filter((step) => !isInside(step));
  if (kind !== netns.kind) return direct.map(bare);
  return direct.map((step) =>
    step.undo ? { ...step, undo: step.undo.filter((command) => command !== tidyMount) } : step,
  );
}

/** What the making of namespaces begins with; its inverse is the end of their taking back. */
function preparing(work: readonly Work[]): Step[] {
  const all = work.flatMap(({ steps }) => steps);
  const names = work.flatMap(({ part, steps }) =>
    part.definition.kind === vethPair.kind && steps.length > 0 ? [`${part.args.name}`] : [],
  );
  const undo = [...vanishing(names).map(({ do: command }) => command), tidyMount];
  const mount = all.includes(makeMountStep) ? [makeMountStep] : [];
  return [...mount, { what: "begin with the namespaces", do: sh(":"), undo, ...untyped }];
}

function leavingNamespaces(work: readonly Work[]): Set<string> {
  const leaves = ({ part, steps }: Work) => part.definition.kind === netns.kind && steps.some(isIp);
  return new Set(work.filter(leaves).map(({ part }) => `${part.args.name}`));
}

/** The addresses, without prefix, of a cable's end in a container. */
function addressesIn({ args }: Part): string[] {
  const { addresses = [] } = args.peer as { addresses?: string[] };
  return addresses.map((cidr) => cidr.split("/")[0] ?? "");
}

/**
 * The script that removes parts of a lab: programs first, then the rules as one transaction, then namespaces, with which their
 * cables go, then what is left.
 *
 * @param work the parts in the order in which they were made
 */
export function removing(work: readonly Work[], adopted: boolean): Step[] {
  const back = work.toReversed();
  const going = leavingNamespaces(work);
  const of = (wanted: (part: Part) => boolean) => back.filter(({ part }) => wanted(part)).flatMap(({ steps }) => steps);
  const isCable = ({ definition: { kind } }: Part) => kind === vethPair.kind;
  const follows = ({ args }: Part) => going.has(`${(args.peer as { netns?: string }).netns}`);
  const following = back.filter(({ part, steps }) => isCable(part) && follows(part) && steps.length > 0);
  const names = following.map(({ part }) => `${part.args.name}`);
  const spaces = of(({ definition: { kind } }) => kind === netns.kind);
  const isForgetting = ({ what }: Step) => !adopted && what.startsWith("forget what stood");
  const others = of((part) => !isLink(part)).filter((step) => !dropsFlows(step));
  const ports = back.filter(({ part, steps }) => part.definition.kind === portPublish.kind && steps.length > 0);
  const bridges = of(({ definition: { kind } }) => kind === bridge.kind);
  const rules = [...others, ...bridges].filter(isNft);
  const cables = adopted || names.length === 0 ? of(isCable) : of((part) => isCable(part) && !follows(part));
  const rest = [...others.filter((step) => !isNft(step)), ...rules, ...spaces.filter(isIp), ...cables];
  const later = [
    ...dropFlowsOfAll(ports.map(({ part }) => part.args as unknown as Publish)),
    ...vanishing(names),
    ...dropFlowsOf(following.flatMap(({ part }) => addressesIn(part))),
    ...bridges.filter((step) => !isNft(step)),
    ...spaces.filter((step) => !isIp(step) && !isForgetting(step)),
  ];
  return once([...rest, ...later], "last");
}
