import { canonicalAddress, familyOf } from "./addresses.ts";
import { answered } from "./answered.ts";
import { type Fact, sh } from "./command.ts";
import { refuse } from "./failure.ts";
import type { Listener } from "./listeners.ts";
import type { SeenElement } from "./nft.ts";
import type { Program } from "./processes.ts";
import { resolverDir } from "./resolver-files.ts";

/** The program that resolves names, and the user that it runs as; undefined where the host has none. */
export interface Dnsmasq {
  user: string;
  group: string;
}

/** Asks for dnsmasq: its own user, which Debian's package makes, else nobody. */
export const dnsmasqFact: Fact<Dnsmasq | undefined> = {
  command: sh(
    "command -v dnsmasq >/dev/null || exit 0\nfor user in dnsmasq nobody; do\n" +
      '  if group=$(limit id -gn $user 2>/dev/null); then echo "$user $group"; exit; fi\ndone',
  ),
  parse: (reply) => {
    const [user, group] = answered(reply).stdout.trim().split(" ");
    return user && group ? { user, group } : undefined;
  },
};

/**
 * How dnsmasq is started (dnsmasq(8)): on these addresses alone, with no file, cache or lease of the host's, and nothing that
 * names are asked of but what the two files say. With `--listen-address` and no `--interface` it stays off the loopback.
 */
export function dnsmasqProgram(owner: string, addresses: readonly string[], { user, group }: Dnsmasq): Program {
  const dir = resolverDir(owner);
  const own = ["--no-hosts", "--no-resolv", "--no-poll", "--local=//", "--strict-order", "--cache-size=1000"];
  return {
    command: [
      "dnsmasq",
      ...["--keep-in-foreground", "--conf-file=/dev/null", "--pid-file=", "--log-facility=-"],
      ...[`--user=${user}`, `--group=${group}`, "--bind-interfaces"],
      ...addresses.map((address) => `--listen-address=${address}`),
      ...own,
      ...[`--addn-hosts=${dir}/hosts`, `--servers-file=${dir}/servers`],
    ],
    cwd: "/",
    restart: "always",
    stopTimeout: "2s",
  };
}

/** The host's own name servers, as its files name them. */
export interface HostResolvers {
  /** Those of /etc/resolv.conf. */
  own: string[];
  /** Those that systemd-resolved asks, where it is (systemd-resolved.service(8)). */
  resolved: string[];
}

/** Asks for the host's name servers. */
export const hostResolversFact: Fact<HostResolvers> = {
  command: sh(
    "limit cat /etc/resolv.conf 2>/dev/null\necho ---\nlimit cat /run/systemd/resolve/resolv.conf 2>/dev/null\n:",
  ),
  parse: (reply) => {
    const [own = "", resolved = ""] = answered(reply).stdout.split(/^---$/m);
    return { own: nameservers(own), resolved: nameservers(resolved) };
  },
};

function nameservers(text: string): string[] {
  const found = [...text.matchAll(/^\s*nameserver\s+(\S+)/gm)].map(([, address = ""]) => address);
  return [...new Set(found.filter((one) => canonicalAddress(one.replace(/%[A-Za-z0-9_.-]+$/, "")) !== undefined))];
}

/**
 * Whom a resolver asks by default: the host's name servers. One on the loopback is asked when it is there; else those that
 * systemd-resolved knows. A resolver of ours is never asked: two that ask each other would do so for ever.
 */
export function defaultUpstreams(
  { own, resolved }: HostResolvers,
  listeners: readonly Listener[],
  elements: readonly SeenElement[],
  addresses: readonly string[],
): string[] {
  const ours = elements.filter(({ set }) => set === "dns4" || set === "dns6").map(({ key }) => key.split(" . ")[1]);
  const usable = (one: string) => {
    if (addresses.includes(one) || ours.includes(one)) return false;
    return !onLoopback(one) || listeners.some((listener) => hears(listener, one));
  };
  const found = own.filter(usable);
  return found.length > 0 ? found : resolved.filter(usable);
}

function onLoopback(address: string): boolean {
  return address.startsWith("127.") || address === "::1";
}

function hears({ address: bound, families, port }: Listener, address: string): boolean {
  return port === 53 && (bound === undefined ? families.includes(familyOf(address)) : bound === address);
}

/** Refuses where something else holds the port that a resolver wants. */
export function refuseHeld(
  addresses: readonly string[],
  listeners: readonly Listener[],
  pid: number | undefined,
): void {
  for (const address of addresses) {
    const held = listeners.find((one) => hears(one, address) && !one.holder.endsWith(`(pid ${pid})`));
    if (held)
      refuse(
        `port 53 of ${address} is in use by ${held.holder}${held.address === undefined ? ", which listens on every address" : ""}`,
        "Bind that program to other addresses (dnsmasq: bind-interfaces), or leave out `dns` of the network.",
      );
  }
}
