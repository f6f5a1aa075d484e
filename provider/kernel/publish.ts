import { z } from "zod";
import { familyOf } from "./addresses.ts";
import { type Fact, ip } from "./command.ts";
import { readJson } from "./links.ts";
import type { Element, Rule, SeenElement } from "./nft.ts";

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
      // Whatever the reason, the kernel has answered that there is none.
      if (reply.code !== 0 && /^(RTNETLINK answers|Error): /m.test(reply.stderr)) return undefined;
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
