import { isIP } from "node:net";
import ipaddr from "ipaddr.js";

/** An IPv4 or IPv6 address. */
export type Family = 4 | 6;

/** An address with the length of its network's prefix. */
export interface Cidr {
  address: string;
  prefix: number;
  family: Family;
}

/**
 * Reads an address strictly: no leading zeros (RFC 6943, 3.1.1), no IPv4 within IPv6, no zone.
 * @returns the canonical text (RFC 5952 for IPv6), or undefined when it is no address
 */
export function canonicalAddress(text: string): string | undefined {
  const family = isIP(text);
  if (family === 4) return text;
  if (family !== 6 || text.includes("%")) return undefined;
  const parsed = ipaddr.IPv6.parse(text);
  return parsed.isIPv4MappedAddress() ? undefined : parsed.toRFC5952String();
}

/** The family of a canonical address, or of a CIDR. */
export function familyOf(address: string): Family {
  return address.includes(":") ? 6 : 4;
}

/** Reads `ADDRESS/PREFIX`; undefined when it is none. */
export function parseCidr(text: string): Cidr | undefined {
  const match = /^([^/]+)\/(0|[1-9]\d{0,2})$/.exec(text);
  const address = match?.[1] && canonicalAddress(match[1]);
  if (!match || !address) return undefined;
  const family = familyOf(address);
  const prefix = Number(match[2]);
  return prefix <= (family === 4 ? 32 : 128) ? { address, prefix, family } : undefined;
}

/** An address with its prefix as outputs have it (`FD00:0::1/64` is `fd00::1/64`); what is none, as it is. */
export function canonicalCidr(text: string): string {
  const cidr = parseCidr(text);
  return cidr ? `${cidr.address}/${cidr.prefix}` : text;
}

/** The subnet of a CIDR, canonical: `172.18.0.11/16` is in `172.18.0.0/16`. */
export function subnetOf(cidr: string): string {
  const { address, prefix, family } = known(cidr);
  const kind = family === 4 ? ipaddr.IPv4 : ipaddr.IPv6;
  const network = kind.networkAddressFromCIDR(`${address}/${prefix}`);
  return `${family === 4 ? network.toString() : (network as ipaddr.IPv6).toRFC5952String()}/${prefix}`;
}

/** The first and the last address of a CIDR's subnet: `172.18.0.11/16` is in `172.18.0.0-172.18.255.255`. */
export function rangeOf(cidr: string): string {
  const { family } = known(cidr);
  const kind = family === 4 ? ipaddr.IPv4 : ipaddr.IPv6;
  const last = kind.broadcastAddressFromCIDR(cidr);
  const text = family === 4 ? last.toString() : (last as ipaddr.IPv6).toRFC5952String();
  return `${subnetOf(cidr).replace(/\/.*/, "")}-${text}`;
}

/** An address without its prefix: `10.5.0.1/24` is `10.5.0.1`. */
export function bare(cidr: string): string {
  return cidr.replace(/\/.*/, "");
}

/** Whether an address, or all of a CIDR, lies within a subnet. */
export function contains(subnet: string, inner: string): boolean {
  const outer = known(subnet);
  const { address, prefix, family } = inner.includes("/") ? known(inner) : whole(inner);
  if (outer.family !== family || prefix < outer.prefix) return false;
  const [subject, range] = [ipaddr.parse(address), ipaddr.parse(outer.address)];
  return subject.match(range as never, outer.prefix as never);
}

/** Whether two CIDRs share an address. */
export function overlaps(one: string, other: string): boolean {
  return contains(one, other) || contains(other, one);
}

/** Why a CIDR cannot be the address of an interface; undefined when it can. */
export function hostAddressFault(cidr: string): string | undefined {
  const { address, prefix, family } = known(cidr);
  const range = ipaddr.parse(address).range();
  if (["multicast", "unspecified", "broadcast"].includes(range)) return `${address} is a ${range} address`;
  const size = family === 4 ? 32 : 128;
  if (prefix >= size - 1) return undefined;
  if (`${address}/${prefix}` === subnetOf(cidr)) return `${address} is the network address of ${subnetOf(cidr)}`;
  if (family === 6) return undefined;
  const last = ipaddr.IPv4.broadcastAddressFromCIDR(`${address}/${prefix}`).toString();
  return address === last ? `${address} is the broadcast address of ${subnetOf(cidr)}` : undefined;
}

function known(cidr: string): Cidr {
  const parsed = parseCidr(cidr);
  if (!parsed) throw new RangeError(`not a CIDR: ${cidr}`);
  return parsed;
}

function whole(address: string): Cidr {
  const family = familyOf(address);
  return { address, family, prefix: family === 4 ? 32 : 128 };
}
