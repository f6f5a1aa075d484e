import { familyOf, subnetOf } from "./addresses.ts";
import { refuse } from "./failure.ts";
import type { IptablesRule, IptablesSeen, RuleOwner } from "./iptables.ts";
import {
  acceptTranslated,
  ctstate,
  endpoint,
  match,
  notLoopback,
  rule,
  type TrafficMatch,
  tiers,
  toLocal,
} from "./iptables-rules.ts";
import { meaning } from "./iptables-save.ts";

/** What {@link publishRules} needs of a PortPublish, and of where its target is. */
export interface PublishTraffic {
  hostPort: number;
  targetAddress: string;
  targetPort: number;
  protocol?: "tcp" | "udp" | "sctp" | undefined;
  /** Default: every address of the host. */
  hostAddress?: string | undefined;
  /** Also as 127.0.0.1 on the host. */
  localhost?: boolean | undefined;
  /** Also from the target's own network, the target included. */
  hairpin?: boolean | undefined;
  /** The host's interface that leads to the target. */
  targetDevice: string;
  /** That interface's address with its prefix, in the target's subnet; without one there is no network to hairpin for. */
  gatewayAddress?: string | undefined;
}

/**
 * The rules of a PortPublish, the drop of foreign loopback traffic first.
 * @throws LinuxnetError for `::1`: the kernel has no route_localnet for IPv6 (ip-sysctl)
 */
export function publishRules(args: PublishTraffic): IptablesRule[] {
  return [
    ...fence(args),
    ...hairpin(args),
    ...translate(args),
    ...acceptTranslated(args.targetAddress, args.targetDevice),
  ];
}

/** The other owner whose rule translates the very same destination already; undefined when the port is free. */
export function publishHolder(
  { owner, former }: RuleOwner,
  wanted: readonly IptablesRule[],
  seen: readonly IptablesSeen[],
): string | undefined {
  for (const { family, rules } of seen) {
    const own = wanted.filter((rule) => rule.family === family && isTranslation(rule.chain));
    const asked = new Set(own.map(({ chain, spec }) => key(chain, spec)));
    const others = rules.filter(({ mark }) => mark && ![owner, former].includes(mark.owner));
    const holder = others.find(({ chain, words }) => isTranslation(chain) && asked.has(key(chain, words)));
    if (holder) return holder.mark?.owner;
  }
  return undefined;
}

function isTranslation(chain: string): boolean {
  return chain === "LINUXNET-PRE" || chain === "LINUXNET-OUT";
}

function key(chain: string, words: readonly string[]): string {
  const target = ["-j", "--to-destination", "--comment"];
  const matching = words.filter((word, index) => !target.includes(word) && !target.includes(words[index - 1] ?? ""));
  return `${chain} ${meaning(matching).replace(/! -i \S+/, "")}`.trim().replaceAll(/ +/g, " ");
}

function onLoopback({ targetAddress, hostAddress, localhost = hostAddress === undefined }: PublishTraffic): boolean {
  if (hostAddress === "::1" || (localhost && familyOf(targetAddress) === 6))
    refuse("iptables cannot publish a port on ::1", 'Set localhost: false, or use backend: "nftables", which can.');
  return localhost || hostAddress === "127.0.0.1";
}

/** What route_localnet lets in besides our own replies is dropped before anything else sees it. */
function fence(args: PublishTraffic): IptablesRule[] {
  if (!onLoopback(args)) return [];
  const from = { inInterface: args.targetDevice };
  return [
    rule({ family: 4 }, "LINUXNET-RAW", [...match(from, { family: 4, destination: "127.0.0.0/8" }), "-j", "DROP"]),
    rule({ family: 4 }, "LINUXNET-RAW", [...match(from, { family: 4, source: "127.0.0.0/8" }), "-j", "DROP"]),
  ];
}

function toTarget({ protocol = "tcp", targetPort, targetDevice }: PublishTraffic): TrafficMatch {
  return { outInterface: targetDevice, protocol, destinationPorts: targetPort };
}

/** Who shares the target's network, or comes from loopback, has to get his replies through this host. */
function hairpin(args: PublishTraffic): IptablesRule[] {
  const { targetAddress, gatewayAddress, hostAddress } = args;
  const family = familyOf(targetAddress);
  const masquerade = (source: string) =>
    rule({ family }, "LINUXNET-POST", [
      ...match(toTarget(args), { family, source, destination: targetAddress }),
      ...ctstate("DNAT"),
      "-j",
      "MASQUERADE",
    ]);
  const sources = onLoopback(args) ? ["127.0.0.0/8"] : [];
  const wanted = (args.hairpin ?? true) && hostAddress !== "127.0.0.1" && gatewayAddress !== undefined;
  return [...(wanted ? [subnetOf(gatewayAddress)] : []), ...sources].map(masquerade);
}

function translate(args: PublishTraffic): IptablesRule[] {
  const { hostPort, protocol = "tcp", hostAddress, targetAddress, targetPort } = args;
  const family = familyOf(targetAddress);
  const traffic = { protocol, destinationPorts: hostPort };
  const outside = (args.hairpin ?? true) ? {} : { notInInterface: args.targetDevice };
  const dnat = ["-j", "DNAT", "--to-destination", endpoint(targetAddress, targetPort)];
  const tier = hostAddress === undefined ? tiers.normal : tiers.exactPublish;
  const fromHere = () => [...match(traffic, { family, destination: "127.0.0.1" }), ...dnat];
  const loopback = onLoopback(args) ? [rule({ family }, "LINUXNET-OUT", fromHere(), tiers.exactPublish)] : [];
  if (hostAddress === "127.0.0.1") return loopback;
  const words = [...toLocal, ...dnat];
  const to = { family, destination: hostAddress };
  const own = hostAddress === undefined ? notLoopback(family) : [];
  return [
    rule({ family }, "LINUXNET-PRE", [...own, ...match({ ...traffic, ...outside }, to), ...words], tier),
    rule({ family }, "LINUXNET-OUT", [...own, ...match(traffic, to), ...words], tier),
    ...loopback,
  ];
}
