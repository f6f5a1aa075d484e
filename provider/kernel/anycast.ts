import ipaddr from "ipaddr.js";
import { z } from "zod";
import { familyOf } from "./addresses.ts";
import {
  type Change,
  type Fact,
  inNetns,
  type NftCommand,
  nft,
  noNetns,
  type Reply,
  type Step,
  sh,
} from "./command.ts";
import { refuse } from "./failure.ts";
import { readJson } from "./links.ts";
import { type Claimant, isOwner, shortHash } from "./owner.ts";

/** A gateway that each host of an overlay has for itself, under the same addresses everywhere. */
export interface AnycastGateway {
  macAddress: string;
  addresses: readonly string[];
}

/** The table of a tunnel: whose its rules are, and what they say. */
export interface SeenGuard {
  exists: boolean;
  /** The rules' comments, sorted. */
  comments: string[];
  /** Why nft cannot be asked here. */
  fault: string | undefined;
}

const shape = z.looseObject({
  nftables: z.array(z.looseObject({ rule: z.looseObject({ comment: z.string().default("") }).optional() })),
});

function tableOf(tunnel: string): string {
  return `bridge linuxnet-${tunnel}`;
}

/** Asks for the table that keeps gateways off a tunnel. */
export function guardFact(tunnel: string, netns?: string): Fact<SeenGuard> {
  return { command: sh(`limit ${inNetns(netns)}nft -j list table ${tableOf(tunnel)}`), parse: readGuard };
}

function readGuard(reply: Reply): SeenGuard {
  const { code, stderr } = reply;
  const none = { exists: false, comments: [], fault: undefined };
  if (code !== 0 && (noNetns.test(stderr) || /^Error: No such file or directory/m.test(stderr))) return none;
  if (code !== 0) return { ...none, fault: stderr.trim() || `exit code ${code}` };
  const comments = readJson(reply, shape).nftables.flatMap(({ rule }) => (rule ? [rule.comment] : []));
  return { ...none, exists: true, comments: comments.toSorted() };
}

/**
 * What is dropped at a tunnel, in both directions: what the gateway sends, what is sent to it, and who asks for it or claims
 * to be it (ARP, RFC 826; neighbour discovery, RFC 4861, 4.3 and 4.4, whose target stands behind the first 8 bytes).
 */
function guardRules(tunnel: string, { macAddress, addresses }: AnycastGateway): [chain: string, text: string][] {
  const discovery = "icmpv6 type { nd-neighbor-solicit, nd-neighbor-advert } @th,64,128";
  const kept = addresses.flatMap((address) =>
    familyOf(address) === 6
      ? [`${discovery} 0x${digits(address)} drop`]
      : [`arp saddr ip ${address} drop`, `arp daddr ip ${address} drop`],
  );
  return [
    ["from_tunnel", `iifname "${tunnel}" goto kept`],
    ["to_tunnel", `oifname "${tunnel}" goto kept`],
    ...[`ether saddr ${macAddress} drop`, `ether daddr ${macAddress} drop`, ...kept].map((text): [string, string] => [
      "kept",
      text,
    ]),
  ];
}

/** An address of IPv6 as 32 hex digits. */
function digits(address: string): string {
  return ipaddr.IPv6.parse(address)
    .toByteArray()
    .map((byte) => byte.toString(16).padStart(2, "0"))
    .join("");
}

function commentOf(owner: string, [chain, text]: [string, string]): string {
  return `${owner} #${shortHash(`${chain} ${text}`)}`;
}

/** Makes the table anew in one transaction: no frame finds it half made. */
function guardText(tunnel: string, owner: string, rules: readonly [string, string][]): string {
  const table = tableOf(tunnel);
  const chain = (name: string, hook: string, priority: number) =>
    `add chain ${table} ${name} { type filter hook ${hook} priority ${priority}; policy accept; }`;
  return [
    `add table ${table}`,
    `delete table ${table}`,
    `add table ${table}`,
    `add chain ${table} kept`,
    chain("from_tunnel", "prerouting", -300),
    chain("to_tunnel", "postrouting", 300),
    ...rules.map((rule) => `add rule ${table} ${rule.join(" ")} comment "${commentOf(owner, rule)}"`),
  ].join("\n");
}

function isMine({ comments }: SeenGuard, { owner, former }: Claimant): boolean {
  const owners = comments.map((comment) => comment.split(" ")[0]);
  return owners.some((whose) => whose === owner || (former !== undefined && whose === former));
}

/**
 * What is missing of the table that keeps a gateway off a tunnel, or what of it is wanted no more.
 *
 * @param gateway undefined: none is to be kept off
 * @throws LinuxnetError when the table is another's
 */
export function guardChanges(
  tunnel: string,
  gateway: AnycastGateway | undefined,
  seen: SeenGuard,
  who: Claimant & { previous?: Record<string, unknown> | undefined },
  netns?: string,
): Change[] {
  const back = formerGuard(tunnel, seen, who, netns);
  if (!gateway) {
    const steps = guardTeardown(tunnel, gateway, seen, who, netns).map((step) => ({ ...step, undo: back }));
    return steps.length === 0 ? [] : [{ drift: "rules that keep a gateway off the tunnel stand", steps }];
  }
  const rules = guardRules(tunnel, gateway);
  const wanted = rules.map((rule) => commentOf(who.owner, rule)).toSorted();
  if (seen.exists && wanted.join("\n") === seen.comments.join("\n")) return [];
  if (seen.exists && seen.comments.length > 0 && !isMine(seen, who)) refuseTaken(tunnel, seen);
  const step: Step = {
    what: `keep the gateway off ${tunnel}`,
    do: nft(guardText(tunnel, who.owner, rules), netns),
    undo: seen.exists ? back : [nft(`delete table ${tableOf(tunnel)}`, netns)],
  };
  return [{ drift: "the rules that keep the gateway off the tunnel are missing or changed", steps: [step] }];
}

/** What stood before a change: the rules of the gateway that was declared then. */
function formerGuard(
  tunnel: string,
  seen: SeenGuard,
  who: Claimant & { previous?: Record<string, unknown> | undefined },
  netns?: string,
): NftCommand[] {
  const gateway = who.previous?.anycastGateway as AnycastGateway | undefined;
  if (!gateway || !isMine(seen, who)) return [];
  return [nft(guardText(tunnel, who.former ?? who.owner, guardRules(tunnel, gateway)), netns)];
}

function refuseTaken(tunnel: string, { comments }: SeenGuard): never {
  const whose = comments[0]?.split(" ")[0];
  refuse(
    `the nftables table ${tableOf(tunnel)} is held by ${isOwner(whose) ? whose : "something else"}`,
    "Choose another name for the tunnel, or delete that table.",
  );
}

/**
 * Takes the table away where it is the resource's own, or was emptied by hand.
 * @throws LinuxnetError when it cannot be known what stands
 */
export function guardTeardown(
  tunnel: string,
  gateway: AnycastGateway | undefined,
  seen: SeenGuard,
  who: Claimant,
  netns?: string,
): Step[] {
  if (gateway && seen.fault !== undefined) refuse(`cannot ask nftables: ${seen.fault.split("\n")[0]}`);
  const emptied = gateway !== undefined && seen.exists && seen.comments.length === 0;
  if (!isMine(seen, who) && !emptied) return [];
  return [{ what: `delete the nftables table ${tableOf(tunnel)}`, do: nft(`delete table ${tableOf(tunnel)}`, netns) }];
}
