import { type Family, familyOf } from "./addresses.ts";
import { familiesOf, type Match, nftMatch, notFrom, ofFamily } from "./match.ts";
import type { Rule } from "./nft.ts";

/** One address translation, every interface resolved to a name of the kernel's. */
export interface Translation extends Omit<Match, "outInterface" | "inInterface"> {
  type: "masquerade" | "snat" | "dnat";
  inInterface?: Record<Family, string> | undefined;
  outInterface?: Record<Family, string> | undefined;
  toAddress?: string | undefined;
  toPorts?: number | string | undefined;
  output: boolean;
  forward: boolean;
  protect: boolean;
}

/** The families that a translation is for: those of its addresses, else IPv4. */
export function translatedFamilies({ source, destination, toAddress }: Translation): Family[] {
  return familiesOf(source, destination, toAddress === undefined ? undefined : [toAddress]);
}

/** The rules of a translation in our nftables table. */
export function natPieces(nat: Translation): Rule[] {
  return translatedFamilies(nat).flatMap((family) =>
    nat.type === "dnat" ? destinationRules(nat, family) : sourceRules(nat, family),
  );
}

function matchOf(nat: Translation, family: Family): Match {
  const { source, destination } = nat;
  return {
    ...nat,
    source: ofFamily(source, family),
    destination: ofFamily(destination, family),
    inInterface: nat.inInterface?.[family],
    outInterface: nat.outInterface?.[family],
  };
}

/** A match that names no address is still of one family. */
function withFamily(match: Match, family: Family): string {
  return `${match.source || match.destination ? "" : `meta nfproto ipv${family} `}${nftMatch(match)}`;
}

function sourceRules(nat: Translation, family: Family): Rule[] {
  const match = matchOf(nat, family);
  const verdict = nat.type === "masquerade" ? "masquerade" : `snat ${target(nat, family)}`;
  const rules: Rule[] = [{ chain: "user_post", text: `${withFamily(match, family)}${verdict}` }];
  if (nat.forward) rules.push(...wayRules(match, family));
  if (nat.type === "masquerade" && match.source) rules.push(...closingRules(nat, match.source));
  return rules;
}

/** Who forges a source comes from elsewhere, and would get through where forwarding was off. */
const genuine = "fib saddr . iif oif != 0 ";

/** The way out, and back. */
function wayRules(match: Match, family: Family): Rule[] {
  const back: Match = {
    destination: match.source,
    source: match.destination,
    inInterface: match.outInterface,
    outInterface: match.inInterface,
  };
  const out = `${withFamily(match, family)}${match.source ? genuine : ""}goto pass`;
  const returning = `${withFamily(back, family)}ct state established,related ct status snat goto pass`;
  return [out, returning].map((text) => ({ chain: "outward", text }));
}

/**
 * What is closed to connections from outside a source, or, without `protect`, open to them. Within the source, traffic is
 * nobody's business here: with br_netfilter, it comes by even where it never leaves its bridge.
 */
function closingRules({ protect, forward }: Translation, source: readonly string[]): Rule[] {
  const into = nftMatch({ destination: source });
  if (protect)
    return [
      { chain: "protected", text: `${into}${notFrom(source)}goto inward` },
      { chain: "protected", text: `${nftMatch({ source, destination: source })}fib saddr . iif oif 0 goto inward` },
    ];
  return forward ? [{ chain: "outward", text: `${into}iifname != @isolated oifname != @isolated goto pass` }] : [];
}

function destinationRules(nat: Translation, family: Family): Rule[] {
  const match = matchOf(nat, family);
  // Without a destination only what is for this host itself is translated, never what passes through on its way to another.
  const own = match.destination ? "" : "fib daddr type local ";
  const loopback = match.destination || family === 6 ? "" : "ip daddr != 127.0.0.0/8 ";
  const verdict = `dnat ${target(nat, family)}`;
  const rules: Rule[] = [{ chain: "user_pre", text: `${withFamily(match, family)}${own}${verdict}` }];
  if (nat.output && !match.inInterface)
    rules.push({ chain: "user_out", text: `${withFamily(match, family)}${own}${loopback}${verdict}` });
  if (!nat.forward) return rules;
  const inside = { protocol: nat.protocol, destinationPorts: nat.toPorts ?? nat.destinationPorts };
  rules.push({
    chain: "outward",
    text: `${nftMatch({ ...inside, destination: [nat.toAddress ?? ""] })}ct status dnat goto pass`,
  });
  rules.push({
    chain: "outward",
    text: `${nftMatch({ source: [nat.toAddress ?? ""] })}ct state established,related ct status dnat goto pass`,
  });
  return rules;
}

function target({ toAddress = "", toPorts }: Translation, family: Family): string {
  const address = familyOf(toAddress) === 6 && toPorts !== undefined ? `[${toAddress}]` : toAddress;
  return `${family === 6 ? "ip6" : "ip"} to ${address}${toPorts === undefined ? "" : `:${toPorts}`}`;
}
