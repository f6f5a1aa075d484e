import { canonicalAddress } from "./addresses.ts";

/** Name servers where a hosts file is wanted and no `dns` is given: Docker's own fallback. */
export const fallbackDns = ["8.8.8.8", "8.8.4.4"];

/** What a resolv.conf says (resolv.conf(5)). */
export interface DnsSettings {
  nameservers: string[];
  search: string[];
  options: string[];
}

/** Names of a hosts file, each with its addresses. */
export type HostNames = Record<string, string | string[]>;

/** What a file says, and the lines in it that say something else. */
export interface Parsed<T> {
  says: T;
  odd: string[];
}

/** Writes a resolv.conf, without its header. */
export function resolvConfText({ nameservers, search, options }: DnsSettings): string {
  const lines = nameservers.map((server) => `nameserver ${server}`);
  if (search.length > 0) lines.push(`search ${search.join(" ")}`);
  if (options.length > 0) lines.push(`options ${options.join(" ")}`);
  return `${lines.join("\n")}\n`;
}

/** Reads a resolv.conf, as the resolver does: the last `search` holds, options add up, what begins with `#` or `;` is nothing. */
export function parseResolvConf(text: string): Parsed<DnsSettings> {
  const says: DnsSettings = { nameservers: [], search: [], options: [] };
  const odd: string[] = [];
  for (const line of meaningful(text)) {
    const [word, ...rest] = line.trim().split(/\s+/);
    if (word === "nameserver" && rest.length === 1) says.nameservers.push(...rest.map(canonical));
    else if (word === "search") says.search = rest;
    else if (word === "options") says.options.push(...rest);
    else odd.push(line);
  }
  return { says, odd };
}

const always = ["127.0.0.1 localhost", "::1 localhost ip6-localhost ip6-loopback"];

/** Writes a hosts file (hosts(5)), without its header: `localhost`, then the names in their order. */
export function hostsText(names: HostNames): string {
  const lines = Object.entries(names)
    .toSorted(([one], [other]) => (one < other ? -1 : 1))
    .flatMap(([name, addresses]) => [addresses].flat().map((address) => `${address} ${name}`));
  return `${[...always, ...lines].join("\n")}\n`;
}

/** Reads a hosts file: names with their addresses, a single one as a string; the lines for `localhost` are no names of a user's. */
export function parseHosts(text: string): Parsed<HostNames> {
  const found = new Map<string, string[]>();
  const lines = meaningful(text);
  const odd = always.filter((line) => !lines.includes(line)).map((line) => `(missing) ${line}`);
  for (const line of always.reduce(without, lines)) {
    const [address = "", ...names] = (line.split("#")[0] ?? "").trim().split(/\s+/);
    if (!canonicalAddress(address) || names.length === 0 || names.includes("__proto__")) odd.push(line);
    else for (const name of names) found.set(name, [...(found.get(name) ?? []), canonical(address)]);
  }
  const entries = [...found].map(([name, addresses]) => [name, addresses.length === 1 ? addresses[0] : addresses]);
  return { says: Object.fromEntries(entries), odd };
}

function meaningful(text: string): string[] {
  return text.split("\n").filter((line) => line.trim() !== "" && !/^\s*[#;]/.test(line));
}

/** A list without the first of its items that equals one. */
function without(list: string[], item: string): string[] {
  const at = list.indexOf(item);
  return at < 0 ? list : list.toSpliced(at, 1);
}

function canonical(address: string): string {
  return canonicalAddress(address) ?? address;
}
