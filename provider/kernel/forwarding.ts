import type { Family } from "./addresses.ts";
import { type Change, type Fact, inNetns, type Step, sh } from "./command.ts";
import { ownerKey } from "./owner.ts";
import { quote } from "./quote.ts";
import { table } from "./ruleset.ts";
import { makeDir, runDir } from "./run-dir.ts";

/** The comment of the rules that keep closed what was closed before forwarding was turned on. */
const guardComment = "forwarding was off";

/** How forwarding stands, and who needs it. */
export interface SeenForwarding {
  /** The families that forward. */
  on: Family[];
  /** The families that did not before the first of our owners came. */
  wereOff: Family[];
  /** The families whose guard rules stand in our nftables table. */
  guarded: Family[];
  /** Whether the owner who asks is among those who need it. */
  noted: boolean;
}

/** Where it is noted who needs forwarding in a namespace, and how it was before: `former` and one file per owner. */
export function forwardingFolder(netns?: string): string {
  return `${runDir}/forward${netns ? `.${netns}` : ""}`;
}

/** What is done where the namespace is gone, and what where it is there: the notes of a namespace outlive it. */
function within(netns: string | undefined, gone: string, there: string): string {
  return netns === undefined ? there : `if [ ! -e ${quote(`/run/netns/${netns}`)} ]; then ${gone}; else ${there}; fi`;
}

const switchOf = { 4: "/proc/sys/net/ipv4/ip_forward", 6: "/proc/sys/net/ipv6/conf/all/forwarding" } as const;

/** Asks how forwarding stands for an owner. */
export function forwardingFact(owner: string, netns?: string): Fact<SeenForwarding> {
  const dir = forwardingFolder(netns);
  const script = [
    `grep -s '' ${switchOf[4]} ${switchOf[6]} /dev/null`,
    `grep -s '' ${quote(`${dir}/former`)} /dev/null`,
    `[ -e ${quote(`${dir}/${ownerKey(owner)}`)} ] && echo noted`,
    `nft list chain inet ${table} guard 2>/dev/null | grep '${guardComment}'`,
    ":",
  ].join("\n");
  const note = `[ ! -e ${quote(`${dir}/${ownerKey(owner)}`)} ] || echo noted`;
  return {
    command: sh(within(netns, note, `limit ${inNetns(netns)}sh -c ${quote(script)}`)),
    parse: ({ stdout }) => {
      const has = (text: RegExp) => text.test(stdout);
      const families = (pattern: (family: Family) => RegExp) =>
        ([4, 6] as const).filter((family) => has(pattern(family)));
      return {
        on: families((family) => new RegExp(`^${switchOf[family]}:1$`, "m")),
        wereOff: families((family) => new RegExp(`former:${switchOf[family]} 0$`, "m")),
        guarded: families((family) => new RegExp(`nfproto ipv${family} .*drop comment`, "m")),
        noted: has(/^noted$/m),
      };
    },
  };
}

/**
 * What is missing for traffic to be forwarded: the kernel's switch, the note of who needs it, and the guard that keeps the
 * host from becoming an open router.
 *
 * @param guard whether our nftables table holds the guard (it must stand before); without it iptables' own chains do
 */
export function forwardingChanges(
  families: readonly Family[],
  seen: SeenForwarding,
  owner: string,
  guard: boolean,
  netns?: string,
): Change[] {
  const off = families.filter((family) => !seen.on.includes(family));
  const open = guard
    ? families.filter(
        (family) => (off.includes(family) || seen.wereOff.includes(family)) && !seen.guarded.includes(family),
      )
    : [];
  if (off.length === 0 && open.length === 0 && seen.noted) return [];
  const drift =
    off.length > 0
      ? "IP forwarding is off"
      : open.length > 0
        ? "the guard of IP forwarding is missing"
        : "IP forwarding is not noted as needed";
  const on = `limit ${inNetns(netns)}sh -ec ${quote(turnOn(families, owner, guard, netns))}`;
  const leave = leaveForwarding(owner, netns);
  // Of an owner who was there before, forwarding is not taken back: what works through it goes on.
  const step: Step = seen.noted
    ? { what: "turn IP forwarding on", do: sh(on) }
    : { what: "turn IP forwarding on", do: sh(`${on} || {\ncode=$?\n${leave.text}\nexit $code\n}`), undo: [leave] };
  return [{ drift, steps: [step] }];
}

/**
 * Turning IPv4 forwarding on also turns `all/accept_redirects` off, and every link's `forwarding` on (devinet.c,
 * inet_forward_change), so the first is noted, and which links had it on already. With IPv6 forwarding a link ignores
 * router advertisements unless its accept_ra is 2 (ip-sysctl), and the host would lose its default route, so that comes before.
 */
function turnOn(families: readonly Family[], owner: string, guard: boolean, netns?: string): string {
  const dir = forwardingFolder(netns);
  return [
    makeDir(dir),
    `note() { for f in "$@"; do [ ! -e "$f" ] || grep -qs "^$f " ${dir}/former || printf '%s %s\\n' "$f" "$(cat "$f")"; done >>${dir}/former; }`,
    ...families.flatMap((family) => (family === 4 ? turnOn4 : turnOn6)(dir, guard)),
    `printf '%s\\n' ${quote(owner)} >${dir}/${ownerKey(owner)}`,
  ].join("\n");
}

function turnOn4(dir: string, guard: boolean): string[] {
  const ipv4 = "/proc/sys/net/ipv4";
  return [
    `if [ "$(cat ${switchOf[4]})" = 0 ]; then note ${switchOf[4]} ${ipv4}/conf/all/accept_redirects $(${already(`${ipv4}/conf`)}); fi`,
    ...(guard ? guardText(4, dir) : []),
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

function turnOn6(dir: string, guard: boolean): string[] {
  const conf = "/proc/sys/net/ipv6/conf";
  return [
    `[ -e ${switchOf[6]} ] || { echo 'this kernel has no IPv6' >&2; exit 1; }`,
    `if [ "$(cat ${switchOf[6]})" = 0 ]; then note ${switchOf[6]} $(${already(conf)}); fi`,
    ...(guard ? guardText(6, dir) : []),
    `if [ "$(cat ${switchOf[6]})" = 0 ]; then`,
    "  for dev in $(ip -6 route show default proto ra | sed -n 's/.* dev \\([^ ]*\\).*/\\1/p'); do",
    `    if [ "$(cat "${conf}/$dev/accept_ra")" = 1 ]; then note "${conf}/$dev/accept_ra"; echo 2 >"${conf}/$dev/accept_ra"; fi`,
    "  done",
    `  echo 1 >${switchOf[6]}`,
    "fi",
  ];
}

/** What was not forwarded before and is not ours stays so: between the links of then, and for whatever comes in by none of a bridge. */
function guardText(family: Family, dir: string): string[] {
  const rule = (text: string) =>
    `add rule inet ${table} guard meta nfproto ipv${family} ${text} comment "${guardComment}"`;
  const rules = [
    rule("iifname @closed oifname @closed drop"),
    rule('meta iifkind "bridge" return'),
    rule('meta oifkind "bridge" return'),
    rule("drop"),
  ];
  return [
    `if grep -qs '^${switchOf[family]} 0' ${dir}/former && ! nft list chain inet ${table} guard | grep -q 'nfproto ipv${family} .*${guardComment}'; then`,
    `  { for dev in $(ip -o -d link show | awk -F ': ' '!/ bridge / { sub(/@.*/, "", $2); print $2 }'); do`,
    `    printf 'add element inet ${table} closed { "%s" comment "%s" }\\n' "$dev" '${guardComment}'`,
    "  done",
    `  cat <<'GUARD'\n${rules.join("\n")}\nGUARD`,
    "  } | nft -f -",
    "fi",
  ];
}

/** Rules of others, in nftables or in the older rule sets of iptables, translate addresses: they rely on forwarding. */
const others = [
  "others() {",
  `  nft list ruleset 2>/dev/null | awk '/^table/ { mine = ($2 == "inet" && $3 == "${table}") } !mine && !/linuxnet:/ && /masquerade|[ds]nat (ip6? )?to|MASQUERADE|[DS]NAT/ { found = 1 } END { exit !found }' && return`,
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
  const script = [
    `rm -f ${dir}/${ownerKey(owner)}`,
    `[ -d ${dir} ] || exit 0`,
    `[ -z "$(ls ${dir} | grep -v '^former$')" ] || exit 0`,
    ...others,
    `if [ -e ${dir}/former ] && ! others; then`,
    // The main switch of IPv4 first: writing it changes the others.
    `  sort -r ${dir}/former | grep '/ip_forward \\|/all/forwarding ' | while read -r file value; do echo "$value" >"$file"; done`,
    `  grep -v '/ip_forward \\|/all/forwarding ' ${dir}/former | while read -r file value; do [ ! -e "$file" ] || echo "$value" >"$file"; done`,
    "fi",
    `if nft list chain inet ${table} guard >/dev/null 2>&1; then nft "flush chain inet ${table} guard; flush set inet ${table} closed"; fi`,
    `rm -rf ${dir}`,
  ].join("\n");
  return sh(within(netns, `rm -rf ${quote(dir)}`, `limit ${inNetns(netns)}sh -c ${quote(script)}`));
}

/** The step that leaves forwarding when an owner goes. */
export function forwardingTeardown(owner: string, seen: SeenForwarding, netns?: string): Step[] {
  return seen.noted ? [{ what: "leave IP forwarding as it was", do: leaveForwarding(owner, netns) }] : [];
}
