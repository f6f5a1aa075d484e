import type { Family } from "./addresses.ts";
import { answered } from "./answered.ts";
import { type Change, type Fact, inNetns, type ShCommand, type Step, sh } from "./command.ts";
import { guardComment, guardText, switchOf, typedForwarding } from "./forwarding-guard.ts";
import { type Claimant, ownerKey } from "./owner.ts";
import { quote } from "./quote.ts";
import { table } from "./ruleset.ts";
import { makeDir, runDir } from "./run-dir.ts";
import { untyped } from "./typed.ts";

/** How forwarding stands, and who needs it. */
export interface SeenForwarding {
  /** The families that forward. */
  on: Family[];
  /** The families that did not before the first of our owners came. */
  wereOff: Family[];
  /** The families whose guard rules stand in our nftables table. */
  guarded: Family[];
  /** Whether the owner who asks is noted. */
  noted: boolean;
  /** Whether that owner is noted as one who needs forwarding; else it is one who needs our accept in FORWARD alone. */
  needs: boolean;
}

/** What stands behind the owner in the note of one who does not forward, and needs our accept in FORWARD alone: a bridge. */
const acceptOnly = "accept";

/**
 * Where it is noted who needs forwarding in a namespace, and how it was before: `former` and one file per owner. Owners who
 * need our accept in FORWARD alone are noted there too.
 */
export function forwardingFolder(netns?: string): string {
  return `${runDir}/forward${netns ? `.${netns}` : ""}`;
}

/** A fragment that prints the notes of those who need forwarding. */
export function forwarders(folder: string): string {
  return `grep -Ls ' ${acceptOnly}$' ${folder}/* | grep -v '/former$'`;
}

/** What is done where the namespace is gone, and what where it is there: the notes of a namespace outlive it. */
function within(netns: string | undefined, gone: string, there: string): string {
  return netns === undefined ? there : `if [ ! -e ${quote(`/run/netns/${netns}`)} ]; then ${gone}; else ${there}; fi`;
}

/** Asks how forwarding stands for an owner. */
export function forwardingFact(owner: string, netns?: string): Fact<SeenForwarding> {
  const dir = forwardingFolder(netns);
  const mine = quote(`${dir}/${ownerKey(owner)}`);
  const script = [
    `grep -s '' ${switchOf[4]} ${switchOf[6]} /dev/null`,
    `grep -s '' ${quote(`${dir}/former`)} /dev/null`,
    `[ ! -e ${mine} ] || { echo noted; grep -q ' ${acceptOnly}$' ${mine} || echo needs; }`,
    `nft list chain inet ${table} guard 2>/dev/null | grep '${guardComment}'`,
    ":",
  ].join("\n");
  const note = `[ ! -e ${mine} ] || echo noted`;
  return {
    command: sh(within(netns, note, `limit ${inNetns(netns)}sh -c ${quote(script)}`)),
    parse: (reply) => readForwarding(answered(reply).stdout),
  };
}

function readForwarding(stdout: string): SeenForwarding {
  const has = (text: RegExp) => text.test(stdout);
  const families = (pattern: (family: Family) => RegExp) => ([4, 6] as const).filter((family) => has(pattern(family)));
  return {
    on: families((family) => new RegExp(`^${switchOf[family]}:1$`, "m")),
    wereOff: families((family) => new RegExp(`former:${switchOf[family]} 0$`, "m")),
    guarded: families((family) => new RegExp(`nfproto ipv${family} .*drop comment`, "m")),
    noted: has(/^noted$/m),
    needs: has(/^needs$/m),
  };
}

/**
 * What is missing for traffic to be forwarded: the kernel's switch, the note of who needs it, and the guard that keeps the
 * host from becoming an open router.
 *
 * @param families none for an owner who does not forward, and needs our accept in FORWARD alone
 * @param guard whether our nftables table holds the guard (it must stand before); without it iptables' own chains do
 */
export function forwardingChanges(
  families: readonly Family[],
  seen: SeenForwarding,
  { owner, former }: Claimant,
  guard: boolean,
  netns?: string,
): Change[] {
  const drift = missingOf(families, seen, guard);
  if (drift === undefined) return [];
  const what = families.length > 0 ? "turn IP forwarding on" : "note who needs our accept in FORWARD";
  const dir = forwardingFolder(netns);
  const guarding: Guarding = (family) => (guard ? guardText(family, dir, netns) : []);
  const noting = families.length > 0 ? turnOn(families, owner, guarding, dir) : noteAccept(owner, dir);
  const on = `limit ${inNetns(netns)}sh -ec ${quote(notingText(noting, families, dir, former))}`;
  const lines = families.length > 0 ? typedForwarding(families, seen, guard, netns) : untyped;
  // Of an owner who was there before, forwarding is not taken back: what works through it goes on.
  if (seen.noted) return [{ drift, steps: [{ what, do: sh(on), ...lines }] }];
  // Who was noted under a former name is noted again before the new name goes, so that forwarding stays on between them.
  const again = former === undefined ? [] : [renote(former, families.length > 0 ? "" : ` ${acceptOnly}`, netns)];
  const back = [...again, leaveForwarding(owner, netns)];
  const text = `${on} || {\ncode=$?\n${back.map((one) => one.text).join("\n")}\nexit $code\n}`;
  return [{ drift, steps: [{ what, do: sh(text), undo: back, ...lines }] }];
}

function notingText(noting: readonly string[], families: readonly Family[], dir: string, former?: string): string {
  const forgetting = former === undefined ? ":" : `rm -f ${dir}/${ownerKey(former)}`;
  // Settling may end the script: it comes last.
  return [...noting, forgetting, ...(families.length > 0 ? [] : settle(dir))].join("\n");
}

function missingOf(families: readonly Family[], seen: SeenForwarding, guard: boolean): string | undefined {
  const { on, wereOff, guarded, noted, needs } = seen;
  const isOff = (family: Family) => !on.includes(family);
  if (families.some(isOff)) return "IP forwarding is off";
  if (guard && families.some((family) => wereOff.includes(family) && !guarded.includes(family)))
    return "the guard of IP forwarding is missing";
  if (noted && needs === families.length > 0) return undefined;
  return families.length > 0 ? "IP forwarding is not noted as needed" : "our accept in FORWARD is not noted as needed";
}

/** The lines that set the guard of a family before it forwards; none where iptables' own chains do it. */
type Guarding = (family: Family) => string[];

function noteAccept(owner: string, dir: string): string[] {
  return [makeDir(dir), `printf '%s %s\\n' ${quote(owner)} ${acceptOnly} | cat >${dir}/${ownerKey(owner)}`];
}

/**
 * Turning IPv4 forwarding on also turns `all/accept_redirects` off, and every link's `forwarding` on (devinet.c,
 * inet_forward_change), so the first is noted, and which links had it on already. With IPv6 forwarding a link ignores
 * router advertisements unless its accept_ra is 2 (ip-sysctl), and the host would lose the routes and addresses that it has by them,
 * so that comes before. Notes are written by cat, which says why it cannot, as the shell itself does not.
 */
function turnOn(families: readonly Family[], owner: string, guarding: Guarding, dir: string): string[] {
  return [
    makeDir(dir),
    `note() { for f in "$@"; do [ ! -e "$f" ] || grep -qs "^$f " ${dir}/former || printf '%s %s\\n' "$f" "$(cat "$f")"; done | cat >>${dir}/former; }`,
    ...families.flatMap((family) => (family === 4 ? turnOn4 : turnOn6)(guarding(family))),
    `printf '%s\\n' ${quote(owner)} | cat >${dir}/${ownerKey(owner)}`,
  ];
}

function turnOn4(guarding: readonly string[]): string[] {
  const ipv4 = "/proc/sys/net/ipv4";
  return [
    `if [ "$(cat ${switchOf[4]})" = 0 ]; then note ${switchOf[4]} ${ipv4}/conf/all/accept_redirects $(${already(`${ipv4}/conf`)}); fi`,
    ...guarding,
    `if [ "$(cat ${switchOf[4]})" = 0 ]; then`,
    `  kept=$(cat ${ipv4}/conf/all/accept_redirects)`,
    `  echo 1 >${switchOf[4]}; echo "$kept" >${ipv4}/conf/all/accept_redirects`,
    "fi",
  ];
}

/** The links that forward by a switch of their own while the main one is off. */
function already(conf: string): string {
  return `grep -ls '^1' ${conf}/*/forwarding || :`;
}

function turnOn6(guarding: readonly string[]): string[] {
  const conf = "/proc/sys/net/ipv6/conf";
  return [
    `[ -e ${switchOf[6]} ] || { echo 'this kernel has no IPv6' >&2; exit 1; }`,
    `if [ "$(cat ${switchOf[6]})" = 0 ]; then note ${switchOf[6]} $(${already(conf)}); fi`,
    ...guarding,
    `if [ "$(cat ${switchOf[6]})" = 0 ]; then`,
    `  for dev in $(${byAdvertisement} | sort -u); do`,
    `    if [ "$(cat "${conf}/$dev/accept_ra")" = 1 ]; then note "${conf}/$dev/accept_ra"; echo 2 >"${conf}/$dev/accept_ra"; fi`,
    "  done",
    `  echo 1 >${switchOf[6]}`,
    "fi",
  ];
}

/** The links that have routes by router advertisements, or addresses that the kernel or DHCPv6 keeps for a time (ip-address(8)). */
const byAdvertisement = [
  "{ ip -6 route show proto ra | sed -n 's/.* dev \\([^ ]*\\).*/\\1/p';",
  "ip -6 -o addr show scope global dynamic | awk '{ print $2 }'; }",
].join(" ");

/**
 * Rules of others, in nftables or in the older rule sets of iptables, translate addresses: they rely on forwarding. nft tells no
 * comment of a rule that iptables has made: what stands in a chain of ours is ours.
 */
const others = [
  "others() {",
  `  nft list ruleset 2>/dev/null | awk '/^table/ { mine = ($2 == "inet" && $3 == "${table}") } /^\\tchain/ { own = ($2 ~ /^LINUXNET-/) } !mine && !own && !/linuxnet:/ && /masquerade|[ds]nat (ip6? )?to|MASQUERADE|[DS]NAT/ { found = 1 } END { exit !found }' && return`,
  "  for t in iptables-legacy ip6tables-legacy iptables ip6tables; do",
  `    ! command -v $t-save >/dev/null || ! $t-save 2>/dev/null | grep -v linuxnet: | grep -q -e '-j MASQUERADE' -e '-j [DS]NAT' || return 0`,
  "  done",
  "  return 1",
  "}",
];

/**
 * Notes that an owner needs forwarding no more; the last one puts back what was before, and takes the guard away. It stays
 * on when others rely on it by then: rules of theirs translate addresses.
 */
export function leaveForwarding(owner: string, netns?: string) {
  const dir = forwardingFolder(netns);
  const script = [`rm -f ${dir}/${ownerKey(owner)}`, ...settle(dir)].join("\n");
  return sh(within(netns, `rm -rf ${quote(dir)}`, `limit ${inNetns(netns)}sh -c ${quote(script)}`));
}

/** Notes an owner again, where notes are still kept. */
function renote(owner: string, how: string, netns?: string): ShCommand {
  const dir = forwardingFolder(netns);
  return sh(`[ ! -d ${dir} ] || printf '%s\\n' ${quote(owner + how)} >${dir}/${ownerKey(owner)}`);
}

/** Puts back what was before when no one is left who needs forwarding, and goes on when anyone is. */
function settle(dir: string): string[] {
  return [
    `[ -d ${dir} ] || exit 0`,
    `[ -z "$(${forwarders(dir)})" ] || exit 0`,
    ...others,
    `if [ -e ${dir}/former ] && ! others; then`,
    // The main switch of IPv4 first: writing it changes the others.
    `  sort -r ${dir}/former | grep '/ip_forward \\|/all/forwarding ' | while read -r file value; do echo "$value" >"$file"; done`,
    `  grep -v '/ip_forward \\|/all/forwarding ' ${dir}/former | while read -r file value; do [ ! -e "$file" ] || echo "$value" >"$file"; done`,
    "fi",
    `! nft list chain inet ${table} guard >/dev/null 2>&1 || nft flush chain inet ${table} guard`,
    `rm -f ${dir}/former`,
    `rmdir ${dir} 2>/dev/null || :`,
  ];
}

/** The step that leaves forwarding when an owner goes. */
export function forwardingTeardown(owner: string, seen: SeenForwarding, netns?: string): Step[] {
  return seen.noted ? [{ what: "leave IP forwarding as it was", do: leaveForwarding(owner, netns) }] : [];
}
