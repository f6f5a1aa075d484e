import { z } from "zod";
import { familyOf } from "./addresses.ts";
import { type Fact, ip, type Step, sh } from "./command.ts";
import { readJson } from "./links.ts";
import type { Element, Rule, SeenElement } from "./nft.ts";
import { quoteAll } from "./quote.ts";

/** A port of the host that leads to a container. */
export interface Publish {
  protocol: "tcp" | "udp" | "sctp";
  hostPort: number;
  /** Undefined: every address of the host. */
  hostAddress?: string | undefined;
  targetAddress: string;
  targetPort: number;
  localhost: boolean;
  hairpin: boolean;
}

/** The way from the host to a target. */
export interface Way {
  /** The link that leads to it. */
  dev: string;
  /** The host's own address on that link. */
  address: string;
  /** A router in between: then the target is no container of this host. */
  via: string | undefined;
}

/** The host's own loopback addresses, one per family. */
export const loopback = { 4: "127.0.0.1", 6: "::1" } as const;

/** Asks how the host reaches a target (ip-route(8), `get`); undefined when it does not. */
export function wayFact(target: string): Fact<Way | undefined> {
  const shape = z.array(
    z.looseObject({ dev: z.string(), prefsrc: z.string().default(""), gateway: z.string().optional() }),
  );
  return {
    command: ip(["route", "get", target], undefined, familyOf(target) === 6 ? 6 : undefined),
    parse: (reply) => {
      if (reply.code !== 0) return undefined;
      const found = readJson(reply, shape)[0];
      return found && { dev: found.dev, address: found.prefsrc, via: found.gateway };
    },
  };
}

/** Whether a publish answers on the host's loopback address. */
export function onLoopback({ localhost, hostAddress, targetAddress }: Publish): boolean {
  return localhost || hostAddress === loopback[familyOf(targetAddress)];
}

/** The elements of a publish in our maps: the cost of a packet does not grow with their number. */
export function publishElements(publish: Publish, way: Way): Element[] {
  const { protocol, hostPort, hostAddress, targetAddress, targetPort } = publish;
  const family = familyOf(targetAddress);
  const key = `${protocol} . ${hostPort}`;
  const value = `${targetAddress} . ${targetPort}`;
  const set = (name: "all" | "one" | "lo") => `${name}${family}` as const;
  const elements: Element[] = [];
  if (hostAddress === undefined) elements.push({ set: set("all"), key, value });
  else if (hostAddress !== loopback[family])
    elements.push({ set: set("one"), key: `${protocol} . ${hostAddress} . ${hostPort}`, value });
  if (onLoopback(publish))
    elements.push({ set: set("lo"), key, value }, { set: `lo${family}src`, key, value: way.address });
  return elements;
}

/** The rules of a publish where no element can say it: a target behind a link that is no bridge of ours, or no hairpin. */
export function publishRules(
  { protocol, hostPort, hostAddress, hairpin }: Publish,
  { dev }: Way,
  ours: boolean,
): Rule[] {
  const rules: Rule[] = [];
  if (!hairpin) {
    const to = hostAddress ? `${familyOf(hostAddress) === 6 ? "ip6" : "ip"} daddr ${hostAddress} ` : "";
    rules.push({
      chain: "unpublish",
      text: `iifname "${dev}" ${to}meta l4proto ${protocol} th dport ${hostPort} accept`,
    });
  }
  if (ours) return rules;
  const flow = `meta l4proto ${protocol} ct original proto-dst ${hostPort} ct status dnat`;
  rules.push(
    { chain: "outward", text: `oifname "${dev}" ${flow} goto pass` },
    { chain: "outward", text: `iifname "${dev}" ct state established,related ${flow} goto pass` },
  );
  if (hairpin) rules.push({ chain: "user_post", text: `iifname "${dev}" oifname "${dev}" ${flow} masquerade` });
  return rules;
}

/** The elements of others that hold a publish's port, on the same addresses. */
export function portHolders(
  { protocol, hostPort, hostAddress, ...publish }: Publish,
  elements: readonly SeenElement[],
): SeenElement[] {
  const family = familyOf(publish.targetAddress);
  const everywhere = hostAddress === undefined;
  return elements.filter(({ set, key }) => {
    const parts = key.split(" . ");
    if (parts[0] !== protocol || Number(parts.at(-1)) !== hostPort) return false;
    if (set === `lo${family}`) return onLoopback({ ...publish, protocol, hostPort, hostAddress });
    if (set === `all${family}`) return hostAddress !== loopback[family];
    return set === `one${family}` && (everywhere || parts[1] === hostAddress);
  });
}

/** Drops the flows of a publish that is no more: exactly its own. */
export function dropFlows(publish: Publish): Step {
  const { targetAddress, targetPort } = publish;
  return flowsStep(publish, [...flowsOf(publish), "--reply-src", targetAddress, "--reply-port-src", `${targetPort}`]);
}

/**
 * Drops the flows of a publish as it was that it has no more: all of them when it leads elsewhere, else those to the addresses
 * of this host on which it answers no longer. What goes on as before is not touched.
 */
export function leftFlows(former: Publish, now: Publish): Step[] {
  const keys = ["protocol", "hostPort", "targetAddress", "targetPort"] as const;
  if (keys.some((key) => former[key] !== now[key])) return [dropFlows(former)];
  const { hostAddress, targetAddress, targetPort } = former;
  const own = loopback[familyOf(targetAddress)];
  const left =
    hostAddress === now.hostAddress || now.hostAddress === undefined ? undefined : (hostAddress ?? others(now));
  const addresses = [...(left ? [left] : []), ...(onLoopback(former) && !onLoopback(now) ? [own] : [])];
  const target = ["--reply-src", targetAddress, "--reply-port-src", `${targetPort}`];
  return addresses.length === 0 ? [] : [flowsTo(former, addresses.join(" "), target)];
}

/** A fragment that prints the addresses of this host, but for those of the loopback and the one that a publish is on. */
function others({ hostAddress = "", targetAddress }: Publish): string {
  return `$(limit ip -o -${familyOf(targetAddress)} addr show | awk '$2 != "lo" { split($4, a, "/"); if (a[1] != "${hostAddress}") print a[1] }')`;
}

/** Drops the flows to each of a list of addresses, in words of a shell. */
function flowsTo(publish: Publish, addresses: string, more: readonly string[]): Step {
  const each = `limit ${quoteAll([...flowsOf(publish), ...more])} --orig-dst "$address" >/dev/null 2>&1 || :`;
  return { what: whatOf(publish), do: sh(`for address in ${addresses}; do ${each}; done`) };
}

/**
 * Drops the flows of clients that were sending to a port of this host before it was published: while they send, none of their
 * packets is the first of a flow. What passes through to that port of another host goes on.
 */
export function dropFormerFlows(publish: Publish): Step {
  const { hostAddress, targetAddress } = publish;
  if (hostAddress !== undefined) return flowsStep(publish, [...flowsOf(publish), "--orig-dst", hostAddress]);
  const own = `limit ip -o -${familyOf(targetAddress)} addr show | awk '{ split($4, a, "/"); print a[1] }'`;
  return flowsTo(publish, `$(${own})`, []);
}

function flowsOf({ protocol, hostPort, targetAddress }: Publish): string[] {
  const family = familyOf(targetAddress) === 6 ? "ipv6" : "ipv4";
  return ["conntrack", "-D", "-f", family, "-p", protocol, "--orig-port-dst", `${hostPort}`];
}

const whatOf = ({ hostPort }: Publish) => `drop the flows of port ${hostPort}`;

function flowsStep(publish: Publish, argv: readonly string[]): Step {
  // It exits with 1 when there is none; without the tool, flows end by themselves.
  return { what: whatOf(publish), do: sh(`limit ${quoteAll(argv)} >/dev/null 2>&1 || :`) };
}
