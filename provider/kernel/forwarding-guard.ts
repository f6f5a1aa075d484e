import type { Family } from "./addresses.ts";
import { inNetns } from "./command.ts";
import { linkClaim } from "./owner.ts";
import { quote } from "./quote.ts";
import { table } from "./ruleset.ts";
import { runDir } from "./run-dir.ts";
import { asking, typed, typedIn } from "./typed.ts";

/** The comment of the rules that keep closed what was closed before forwarding was turned on. */
export const guardComment = "forwarding was off";

/** The file of each family's switch: written, it makes a router of the host (ip-sysctl). */
export const switchOf = { 4: "/proc/sys/net/ipv4/ip_forward", 6: "/proc/sys/net/ipv6/conf/all/forwarding" } as const;

/**
 * The start of an awk program that reads `ip -o -d link show` of a namespace: sets `name`, `bridge` and `ours` of each link, and
 * leaves our own bridges out. Ours is also what a script makes at this moment, or was cut off at, and carries no owner yet.
 */
export function strangersLinks(netns?: string): string {
  return [
    `BEGIN { while (("cat ${runDir}/claims/* 2>/dev/null" | getline claim) > 0) claims[claim] = 1 }`,
    '{ split($2, word, "@"); name = word[1]; bridge = /[\\\\] +bridge / }',
    `{ ours = /[\\\\] +alias linuxnet:/ || (!/[\\\\] +alias / && ("${linkClaim("", netns)}" name) in claims); if (bridge && ours) next }`,
  ].join("\n");
}

/**
 * What was not forwarded before and is not ours stays so: between the links of then, bridges of others among them, and for
 * whatever comes in by none of a bridge. What stays on one bridge is no routing, and passes FORWARD with br_netfilter only: in
 * and out by the bridge itself (net/bridge/br_netfilter_hooks.c, br_nf_forward_ip). Into a bridge of ours comes from elsewhere
 * what was let through before. A bridge of others that comes later is used by somebody who makes rules for it.
 */
export function guardText(family: Family, dir: string, netns?: string): string[] {
  const program = [
    strangersLinks(netns),
    // A cable of ours may stand before or after: by none but a bridge of ours is anything let through. The mark of a namespace of ours
    // is at its lo.
    'name != "lo" && ours { next }',
    `function rule(text) { print "add rule inet ${table} guard meta nfproto ipv${family} " text " comment \\"${guardComment}\\"" }`,
    '{ link = "\\"" name "\\""; links = links sep link; sep = ", " }',
    'bridge { rule("iifname " link " oifname " link " return") }',
    'END { rule("iifname { " links " } oifname { " links " } drop")',
    '  rule("iifname != @nets oifname @nets drop")',
    '  rule("meta iifkind \\"bridge\\" iifname != { " links " } return")',
    '  rule("meta oifkind \\"bridge\\" oifname != { " links " } return")',
    '  rule("drop") }',
  ].join("\n");
  return [
    `if grep -qs '^${switchOf[family]} 0' ${dir}/former && ! nft list chain inet ${table} guard | grep -q 'nfproto ipv${family} .*${guardComment}'; then`,
    `  ip -o -d link show | awk -F ': ' ${quote(program)} | nft -f -`,
    "fi",
  ];
}

/** How forwarding is turned on by hand: the guard's rules as they stand on the host, then the switches. */
export function typedForwarding(
  families: readonly Family[],
  { on, guarded }: { on: readonly Family[]; guarded: readonly Family[] },
  guard: boolean,
  netns?: string,
) {
  const off = families.filter((family) => !on.includes(family));
  const inside = typedIn(netns);
  const lines = off.flatMap((family) => {
    if (family === 6) return [`${inside}sysctl -q -w net.ipv6.conf.all.forwarding=1`];
    const kept = "net.ipv4.conf.all.accept_redirects";
    // The kernel turns them off with it.
    return [
      `redirects=$(${inside}sysctl -n ${kept})`,
      `${inside}sysctl -q -w net.ipv4.ip_forward=1`,
      `${inside}sysctl -q -w ${kept}="$redirects"`,
    ];
  });
  const open = guard ? off.filter((family) => !guarded.includes(family)) : [];
  if (open.length === 0) return typed(lines, { once: true });
  const which = open.map((family) => `nfproto ipv${family} .*`).join("\\|");
  const rules = `limit ${inNetns(netns)}nft list chain inet ${table} guard | sed -n ${quote(`s/^[[:blank:]]*\\(.*\\(${which}\\)${guardComment}.*\\)$/add rule inet ${table} guard \\1/p`)}`;
  return typed(lines, { ...asking(`echo ${quote(`${inside}nft -f - <<'EOF'`)}\n${rules}\necho EOF`), once: true });
}
