import { type Family, familyOf } from "./addresses.ts";

/** What a rule looks at in a packet. Addresses are of one family, names of links are the kernel's. */
export interface Match {
  source?: readonly string[] | undefined;
  destination?: readonly string[] | undefined;
  inInterface?: string | undefined;
  outInterface?: string | undefined;
  notInInterface?: string | undefined;
  notOutInterface?: string | undefined;
  protocol?: string | undefined;
  destinationPorts?: number | string | undefined;
  sourcePorts?: number | string | undefined;
  states?: readonly string[] | undefined;
}

/** Writes a match in the language of nft (nft(8)), most general first; ends with a blank unless it is empty. */
export function nftMatch(match: Match): string {
  const { source, destination, protocol, destinationPorts, sourcePorts, states } = match;
  const words = [
    match.inInterface && `iifname "${match.inInterface}"`,
    match.notInInterface && `iifname != "${match.notInInterface}"`,
    match.outInterface && `oifname "${match.outInterface}"`,
    match.notOutInterface && `oifname != "${match.notOutInterface}"`,
    source && addresses("saddr", source),
    destination && addresses("daddr", destination),
    protocol && protocolMatch(protocol),
    sourcePorts !== undefined && `th sport ${sourcePorts}`,
    destinationPorts !== undefined && `th dport ${destinationPorts}`,
    states && states.length > 0 && `ct state ${states.join(",")}`,
  ];
  return words
    .filter(Boolean)
    .map((word) => `${word} `)
    .join("");
}

/** Writes that a source is none of these, which are of one family; ends with a blank. */
export function notFrom(source: readonly string[]): string {
  return `${addresses("saddr", source).replace("saddr", "saddr !=")} `;
}

function addresses(field: "saddr" | "daddr", list: readonly string[]): string {
  const family = familyOf(list[0] ?? "") === 6 ? "ip6" : "ip";
  const plain = list.map((one) =>
    one.replace(/\/(32|128)$/, (end) => ((end === "/32") === !one.includes(":") ? "" : end)),
  );
  return `${family} ${field} ${plain.length === 1 ? plain[0] : `{ ${plain.join(", ")} }`}`;
}

function protocolMatch(protocol: string): string {
  return `meta l4proto ${protocol === "icmpv6" ? "ipv6-icmp" : protocol}`;
}

/** The families that all of these lists speak of, since a packet has one; IPv4 alone when there is no list. */
export function familiesOf(...lists: readonly (readonly string[] | undefined)[]): Family[] {
  const given = lists.filter((list) => list !== undefined).map((list) => list.map(familyOf));
  if (given.length === 0) return [4];
  return ([4, 6] as const).filter((family) => given.every((families) => families.includes(family)));
}

/** The addresses of one family; undefined when there is no list at all. */
export function ofFamily(list: readonly string[] | undefined, family: Family): string[] | undefined {
  return list?.filter((one) => familyOf(one) === family);
}
