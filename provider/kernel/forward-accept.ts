import { type Change, type Fact, inNetns, type ShCommand, type Step, sh } from "./command.ts";
import { ownerKey } from "./owner.ts";
import { mayDeny, type Packet, type PassageRule, type RulePlace, restStopOf, type Stop } from "./passage.ts";
import { type Passages, passagesFact, type ToolPassage, tools } from "./passage-fact.ts";
import { quote } from "./quote.ts";
import { guard, passMark } from "./ruleset.ts";
import { typed, typedIn, typedWord } from "./typed.ts";

/** The comment of the one rule of ours that lets through what our nftables table has passed. */
export const acceptComment = "linuxnet: what its table passed";

/** The words of that rule, quoted for a shell. */
export const acceptRule = `-m comment --comment '${acceptComment}' -m mark --mark ${passMark}/${passMark} -j ACCEPT`;

/** Where our accept is to stand in a rule set of iptables. */
export interface WantedAccept {
  /** `iptables-nft` */
  tool: string;
  /** Its place, when rules of ours are not counted. */
  at: RulePlace;
}

/** How the FORWARD chains of iptables stand to what our nftables table passes. */
export interface SeenForwardAccept {
  /** Those that stop it, and do not let our mark through. */
  missing: WantedAccept[];
  /** Those in which only the guard of our own iptables backend stops it: it lets bridges be. */
  guarded: WantedAccept[];
  /** Those in which our accept stands before rules that may deny: what they deny is not to pass. */
  early: WantedAccept[];
  /** The tools in whose rules ours stands. */
  present: string[];
  /** The firewalls of others, as they stand. */
  passages: Passages;
}

/** Asks which FORWARD chains stop what our table has passed, and where our rule stands. Changes nothing. */
export function forwardAcceptFact(netns?: string): Fact<SeenForwardAccept> {
  const { command, parse } = passagesFact("FORWARD", netns);
  return { command, parse: (reply) => seenOf(parse(reply)) };
}

function seenOf(passages: Passages): SeenForwardAccept {
  const standing = passages.tools.map((passage) => ({ tool: passage.tool, ...standingOf(passage) }));
  const of = (how: string) => standing.flatMap(({ tool, at, is }) => (is === how && at ? [{ tool, at }] : []));
  const present = standing.filter(({ stands }) => stands).map(({ tool }) => tool);
  return { missing: of("missing"), guarded: of("guarded"), early: of("early"), present, passages };
}

/** A look from which no change follows: the firewalls of others are as they were seen, if they were. */
export function lettingBe(seen: unknown): SeenForwardAccept {
  const { passages } = (seen ?? { passages: { tools: [], tables: [], bridged: [] } }) as SeenForwardAccept;
  return { missing: [], guarded: [], early: [], present: [], passages };
}

const isOurs = ({ text }: PassageRule) => text.includes(`"${acceptComment}"`);
const isGuard = ({ text }: PassageRule) => text.endsWith(` -j ${guard}`);

/** A rule set without our accept; with the guard of our iptables backend as what it is: nothing but what was let through passes it. */
function withoutOurs(passage: ToolPassage): ToolPassage {
  const chains = [...passage.chains].map(([name, rules]) => [name, rules.filter((rule) => !isOurs(rule))] as const);
  return { ...passage, chains: new Map(chains) };
}

function withGuard(passage: ToolPassage): ToolPassage {
  const stopping = (rule: PassageRule) => (isGuard(rule) ? { ...rule, verdict: { do: "drop" } as const } : rule);
  return { ...passage, chains: new Map([...passage.chains].map(([name, rules]) => [name, rules.map(stopping)])) };
}

/** Anything that our table has passed. */
const passed = ({ family }: ToolPassage): Packet => ({ family, passed: true });

function standingOf(passage: ToolPassage): { stands: boolean; is?: string; at?: RulePlace } {
  const [bare, ours] = [withoutOurs(passage), placesOfOurs(passage)];
  const stands = ours.length > 0;
  const byOthers = restStopOf(bare, passed(bare));
  // One place for all owners, also where the guard stops some before others do.
  const stop = restStopOf(withGuard(bare), passed(bare));
  if (!stop) return { stands };
  const at = wantedPlace(bare, stop);
  const how = ours.map((place) => reachOf(bare, stop, place));
  if (how.includes("right")) return { stands };
  if (how.includes("early")) return { stands, is: "early", at };
  return { stands, is: byOthers ? "missing" : "guarded", at };
}

/** A rule set as it is when our accept stands where it is to stand. */
export function withAccept(passage: ToolPassage): ToolPassage {
  const bare = withoutOurs(passage);
  const stop = restStopOf(bare, passed(bare));
  if (!stop) return bare;
  const { chain, index } = wantedPlace(bare, stop);
  const accept: PassageRule = { text: acceptComment, matches: (packet) => packet.passed, verdict: { do: "accept" } };
  return {
    ...bare,
    chains: new Map([...bare.chains, [chain, (bare.chains.get(chain) ?? []).toSpliced(index, 0, accept)]]),
  };
}

function placesOfOurs({ chains }: ToolPassage): RulePlace[] {
  return [...chains].flatMap(([chain, rules]) =>
    rules.flatMap((rule, at) =>
      isOurs(rule) ? [{ chain, index: rules.slice(0, at).filter((one) => !isOurs(one)).length }] : [],
    ),
  );
}

/**
 * Where our accept is to stand: right before what stops everything, so that what was denied before that stays denied. Not in
 * the chain of a tool that fills it anew, where nothing else stands before the stop there; with Docker in DOCKER-USER, which
 * Docker leaves to others and asks first.
 */
function wantedPlace(passage: ToolPassage, { places }: Stop): RulePlace {
  const base = places.at(-1) as RulePlace;
  const before = (passage.chains.get(base.chain) ?? []).slice(0, base.index);
  if (before.some(({ text }) => text === `-A ${base.chain} -j ${dockerUser}`)) return endOfDockerUser(passage);
  return places.findLast((_, number) => isEqualTo(passage, places.slice(0, number))) ?? base;
}

/** Whether a rule before the jump into these chains would let through nothing that they deny before their stop. */
function isEqualTo(passage: ToolPassage, inner: readonly RulePlace[]): boolean {
  return inner.every(({ chain, index }) => !mayDeny(passage, (passage.chains.get(chain) ?? []).slice(0, index)));
}

const dockerUser = "DOCKER-USER";

function endOfDockerUser({ chains }: ToolPassage): RulePlace {
  const rules = chains.get(dockerUser) ?? [];
  const end = rules.findIndex(({ text }) => text === `-A ${dockerUser} -j RETURN`);
  return { chain: dockerUser, index: end < 0 ? rules.length : end };
}

/** How our accept stands at a place: `right`, before rules that may deny what it lets through, or where it does not help. */
function reachOf(passage: ToolPassage, stop: Stop, { chain, index }: RulePlace): "right" | "early" | "late" {
  const wanted = wantedPlace(passage, stop);
  const level = stop.places.findIndex((place) => place.chain === chain);
  if (level < 0 && chain !== wanted.chain) return "late";
  const until = chain === wanted.chain ? wanted.index : (stop.places[level] as RulePlace).index;
  if (index > until) return "late";
  const between = (passage.chains.get(chain) ?? []).slice(index, until);
  const leads = between.some(({ verdict }) => verdict.do === "drop" || "chain" in verdict);
  return leads || !isEqualTo(passage, stop.places.slice(0, Math.max(level, 0))) ? "early" : "right";
}

const comment = quote(`"${acceptComment}"`);

/** Sets `ours` to the chain and number of each rule of ours that a tool tells of, the last one of a chain first. */
function findOurs(within: string): string {
  const program = [
    '/^[*]/ { on = $1 == "*filter" }',
    "on && /^-A / { n[$2]++; if (index($0, text)) print $2, n[$2] }",
  ].join("\n");
  return `ours=$(limit ${within}"$t-save" 2>/dev/null | awk -v text=${comment} ${quote(program)} | sort -k 1,1 -k 2,2nr)`;
}

/**
 * Puts our rule into its place, and takes away one that stands elsewhere. When a tool cannot take it, what was put is taken
 * back, of this one; undoing the step takes the others away. To be run under the host's lock: another owner may have put it.
 */
export function forwardAcceptOn({ tool, at: { chain, index } }: WantedAccept, netns?: string): string {
  const within = inNetns(netns);
  return [
    `t=${tool} chain=${quote(chain)} at=${index + 1}`,
    findOurs(within),
    `if [ "$ours" != "$chain $at" ]; then`,
    // Those of ours that stand before it in its chain count there.
    `  at=$(printf '%s\\n' "$ours" | sort -k 2,2n | awk -v chain="$chain" -v at=$at '$1 == chain && $2 <= at { at++ } END { print at }')`,
    `  limit ${within}"$t" -w 5 -t filter -I "$chain" $at ${acceptRule}`,
    `  printf '%s\\n' "$ours" | while read -r c n; do`,
    `    [ -n "$c" ] || continue; if [ "$c" = "$chain" ] && [ "$n" -ge $at ]; then n=$((n + 1)); fi`,
    `    limit ${within}"$t" -w 5 -t filter -D "$c" "$n" </dev/null`,
    "  done",
    "fi",
  ].join("\n");
}

/**
 * Takes our rule away when no other owner needs it: `folder` holds a file for each owner who needs forwarding, by the name
 * `ownerKey` gives (`former` is not an owner's). To be run under the host's lock, before or after this owner's file goes.
 */
export function forwardAcceptOff(owner: string, folder: string, netns?: string): string {
  const within = inNetns(netns);
  return [
    `if [ -z "$(ls ${quote(folder)} 2>/dev/null | grep -vx -e former -e ${ownerKey(owner)})" ]; then`,
    tools,
    "for t in $tools; do",
    // Only where it was seen: iptables-nft would make the table to look for it.
    `  ${findOurs(within)}`,
    `  printf '%s\\n' "$ours" | while read -r c n; do`,
    `    [ -z "$c" ] || limit ${within}"$t" -w 5 -t filter -D "$c" "$n" </dev/null`,
    "  done",
    "done",
    "fi",
  ].join("\n");
}

function typedAccept({ tool, at: { chain, index } }: WantedAccept, netns?: string) {
  const line = `${typedIn(netns)}${tool} -t filter -I ${typedWord(chain)} ${index + 1} ${acceptRule}`;
  return typed([line], { once: true });
}

/**
 * The changes that let what our table has passed through every FORWARD chain that stops it, and what was denied there stay
 * denied.
 *
 * @param routes whether it passes more than what the ports of a bridge say to each other
 */
export function forwardAcceptChanges(
  seen: SeenForwardAccept,
  routes: boolean,
  owner: string,
  folder: string,
  netns?: string,
): Change[] {
  const missing = routes ? [...seen.missing, ...seen.guarded] : seen.missing;
  const undo = [sh(forwardAcceptOff(owner, folder, netns))];
  const putting = (wanted: readonly WantedAccept[], back: readonly ShCommand[]): Step[] =>
    wanted.map((one) => ({
      what: `let what our nftables table passed through FORWARD of ${one.tool}`,
      do: sh(forwardAcceptOn(one, netns)),
      undo: back,
      ...(back.length > 0 && typedAccept(one, netns)),
    }));
  const named = (wanted: readonly WantedAccept[]) => wanted.map(({ tool }) => tool).join(", ");
  const changes = [
    { drift: `FORWARD of ${named(missing)} may stop what our nftables table passed`, steps: putting(missing, undo) },
    {
      drift: `our accept in FORWARD of ${named(seen.early)} stands before rules that deny`,
      steps: putting(seen.early, []),
    },
  ];
  return changes.filter(({ steps }) => steps.length > 0);
}
