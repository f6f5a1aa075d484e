import type { Family } from "./addresses.ts";
import { quote } from "./quote.ts";
import { table } from "./ruleset.ts";

/** The comment of the rules that keep closed what was closed before forwarding was turned on. */
export const guardComment = "forwarding was off";

/** The file of each family's switch: written, it makes a router of the host (ip-sysctl). */
export const switchOf = { 4: "/proc/sys/net/ipv4/ip_forward", 6: "/proc/sys/net/ipv6/conf/all/forwarding" } as const;

/**
 * The start of an awk program that reads `ip -o -d link show`: sets `name` and `bridge` of each link, and leaves our own
 * bridges out.
 */
export const strangersLinks =
  '{ split($2, word, "@"); name = word[1]; bridge = /[\\\\] +bridge /; if (bridge && /[\\\\] +alias linuxnet:/) next }';

/**
 * What was not forwarded before and is not ours stays so: between the links of then, bridges of others among them, and for
 * whatever comes in by none of a bridge. What stays on one bridge is no routing, and passes FORWARD with br_netfilter only: in
 * and out by the bridge itself (net/bridge/br_netfilter_hooks.c, br_nf_forward_ip). Into a bridge of ours comes from elsewhere
 * what was let through before. A bridge of others that comes later is used by somebody who makes rules for it.
 */
export function guardText(family: Family, dir: string): string[] {
  const program = [
    strangersLinks,
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
