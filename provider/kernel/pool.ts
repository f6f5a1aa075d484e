import ipaddr from "ipaddr.js";
import { bare, contains, type Family, parseCidr, subnetOf } from "./addresses.ts";

/** What addresses are given from. */
export interface Pool {
  subnet: string;
  gateway: string;
  /** The part of the subnet that is given from; default all of it. */
  range?: string | undefined;
  reserved: readonly string[];
  names: readonly string[];
  /** Addresses by name that are not given but set; may lie outside the range. */
  fixed: Readonly<Record<string, string>>;
}

/** The address at a place of a subnet, counted from its first one. */
export function addressAt(subnet: string, place: bigint): string {
  const cidr = parseCidr(subnetOf(subnet));
  if (!cidr) throw new RangeError(`not a subnet: ${subnet}`);
  return fromNumber(toNumber(cidr.address) + place, cidr.family);
}

function toNumber(address: string): bigint {
  return ipaddr
    .parse(address)
    .toByteArray()
    .reduce((number, byte) => (number << 8n) | BigInt(byte), 0n);
}

function fromNumber(number: bigint, family: Family): string {
  const size = family === 4 ? 4 : 16;
  const bytes = Array.from({ length: size }, (_, index) => Number((number >> BigInt(8 * (size - 1 - index))) & 255n));
  return family === 4 ? bytes.join(".") : new ipaddr.IPv6(bytes).toRFC5952String();
}

function sizeOf(subnet: string): bigint {
  const cidr = parseCidr(subnet);
  return cidr ? 1n << BigInt((cidr.family === 4 ? 32 : 128) - cidr.prefix) : 0n;
}

/** Whether an address of a subnet belongs to no host: its first, and in IPv4 its last (RFC 1122, 3.2.1.3; RFC 4291, 2.6.1). */
export function isNoHost(subnet: string, address: string): boolean {
  const cidr = parseCidr(subnet);
  if (!cidr || sizeOf(subnet) <= 2n) return false;
  return address === addressAt(subnet, 0n) || (cidr.family === 4 && address === addressAt(subnet, sizeOf(subnet) - 1n));
}

/** How a pool is given out: the address of each name, and the names that got none because it is full. */
export interface Allocation {
  addresses: Record<string, string>;
  left: string[];
  /** How many addresses the range can give in all. */
  capacity: bigint;
}

/**
 * Gives each name an address. A name keeps what it had; a new one gets the lowest that is free, and one that is set free by
 * this very change only when no other is left, since its former holder may still be there.
 *
 * @param before what was given last, by name, as CIDR
 */
export function allocate(pool: Pool, before: Readonly<Record<string, string>>): Allocation {
  const { subnet, names } = pool;
  const given = kept(pool, before);
  const taken = new Set([pool.gateway, ...pool.reserved, ...given.values()]);
  const leaving = new Set(Object.values(before).map(bare));
  const left: string[] = [];
  const unused = search(pool, (address) => taken.has(address) || leaving.has(address));
  const any = search(pool, (address) => taken.has(address));
  for (const name of names.filter((one) => !given.has(one))) {
    const free = unused() ?? any();
    if (free === undefined) left.push(name);
    else taken.add(given.set(name, free).get(name) ?? free);
  }
  const prefix = parseCidr(subnet)?.prefix;
  const entries = names.flatMap((name) => (given.has(name) ? [[name, `${given.get(name)}/${prefix}`]] : []));
  return { addresses: Object.fromEntries(entries), left, capacity: capacityOf(pool) };
}

/** The addresses that are set, and those that names keep. */
function kept(pool: Pool, before: Readonly<Record<string, string>>): Map<string, string> {
  const given = new Map(Object.entries(pool.fixed));
  const taken = new Set([pool.gateway, ...pool.reserved, ...given.values()]);
  for (const name of pool.names) {
    const old = bare((Object.hasOwn(before, name) && before[name]) || "");
    if (given.has(name) || !old || taken.has(old) || !givable(pool, old)) continue;
    given.set(name, old);
    taken.add(old);
  }
  return given;
}

/** Whether an address may be given at all. */
function givable({ subnet, range = subnet }: Pool, address: string): boolean {
  return contains(range, address) && !isNoHost(subnet, address);
}

/** Finds one free address after the other: what is taken once stays so, so each search goes on where the last one ended. */
function search(pool: Pool, taken: (address: string) => boolean): () => string | undefined {
  const range = pool.range ?? pool.subnet;
  const size = sizeOf(range);
  let place = 0n;
  return () => {
    for (; place < size; place += 1n) {
      const address = addressAt(range, place);
      if (!taken(address) && givable(pool, address)) return address;
    }
    return undefined;
  };
}

function capacityOf(pool: Pool): bigint {
  const range = pool.range ?? pool.subnet;
  const blocked = new Set([
    pool.gateway,
    ...pool.reserved,
    addressAt(pool.subnet, 0n),
    addressAt(pool.subnet, sizeOf(pool.subnet) - 1n),
  ]);
  const lost = [...blocked].filter(
    (address) =>
      contains(range, address) &&
      (address === pool.gateway || pool.reserved.includes(address) || isNoHost(pool.subnet, address)),
  );
  return sizeOf(range) - BigInt(lost.length);
}
