import { contains } from "../../kernel/addresses.ts";
import type { Answers, Fact, Facts, Reply } from "../../kernel/command.ts";
import { forwardAcceptFact, lettingBe } from "../../kernel/forward-accept.ts";
import type { SeenForwarding } from "../../kernel/forwarding.ts";
import { freshLink } from "../../kernel/link-changes.ts";
import { type Link, linksFact, type Sight } from "../../kernel/links.ts";
import { inodesFact } from "../../kernel/netns-holders.ts";
import type { SeenElement, SeenTable } from "../../kernel/nft.ts";
import type { Context } from "../../lifecycle/definition.ts";
import { bridge } from "../bridge.ts";
import { natRule } from "../natRule.ts";
import { netns } from "../netns.ts";
import { portPublish } from "../portPublish.ts";
import { process } from "../process.ts";
import { resolver } from "../resolver.ts";
import { vethPair } from "../vethPair.ts";
import type { Part } from "./parts.ts";
import { contextOf, type Topology } from "./topology.ts";

type Bag = Record<string, unknown>;

/** The answers to a lab's questions, each by its command. */
export type Replies = Record<string, Reply>;

/** What the lab answers for its parts: forwarding is its own business, and the way to its containers is known. */
const unasked: Record<string, readonly string[]> = {
  [bridge.kind]: ["forwarding", "accept"],
  [natRule.kind]: ["forwarding", "accept"],
  [resolver.kind]: ["forwarding", "accept"],
  [portPublish.kind]: ["forwarding", "accept"],
};

/** All links of the host, which the cables' ends and their bridges are among: one look, where one for each would take long. */
const hostLinks = linksFact();

/** The firewalls of others: one look for all parts. */
const way = forwardAcceptFact();

/** What is asked of objects that were taken over, or named by pid: a lab that adopts nothing has none. */
const ofAdopted: Record<string, readonly string[]> = {
  [netns.kind]: ["former", "named", "target", "host", "inode"],
  [vethPair.kind]: ["formerOne", "formerOther"],
  [bridge.kind]: ["former"],
};

/** What has to be asked about a part. */
export function factsOf(part: Part, context: Context, topology: Topology): Facts {
  const own = contextOf(part, context, topology.before);
  const { kind } = part.definition;
  const adopts = context.adopt || own.previous?.adopt === true;
  const skipped = [
    ...(unasked[kind] ?? []),
    ...(adopts ? [] : (ofAdopted[kind] ?? [])),
    ...(kind === portPublish.kind && homeOf(part, topology) ? ["way"] : []),
    ...(kind === vethPair.kind && topology.wide ? ["one", "bridge"] : []),
    ...(kind === vethPair.kind && ![part.args, own.previous].some(isOfSix) ? ["other6"] : []),
    ...(kind === netns.kind && part.args.sysctls === undefined ? ["sysctls"] : []),
  ];
  const facts = part.definition.facts(part.args, own);
  return skipped.length === 0
    ? facts
    : Object.fromEntries(Object.entries(facts).filter(([name]) => !skipped.includes(name)));
}

/** What is asked for a whole lab at once. */
export function sharedFacts({ wide, parts, all }: Topology): Facts {
  return { ...(wide && { links: hostLinks }), ...(parts === all && { inodes: inodesFact }) };
}

/** The bridge among the parts that are looked at behind which a publish's target is, and its gateway's address. */
function homeOf({ args: { targetAddress } }: Part, { parts }: Topology): [Part, string] | undefined {
  for (const part of parts.filter(({ definition: { kind } }) => kind === bridge.kind))
    for (const cidr of part.args.addresses as string[])
      if (contains(cidr, `${targetAddress}`)) return [part, cidr.split("/")[0] ?? ""];
  return undefined;
}

/** The name of a question among those of a lab: equal ones are one. */
export function questionOf({ command }: Fact<unknown>): string {
  return JSON.stringify(command);
}

/** What is known of a host, as the parts of a lab see it: what the lab is about to make stands for those that need it. */
export class Sights {
  readonly #replies: Replies;
  readonly #context: Context;
  readonly #topology: Topology;
  readonly #parsed = new WeakMap<Reply, Map<unknown, unknown>>();
  readonly #tables = new WeakMap<SeenTable, Map<string, SeenElement[]>>();
  readonly #namespaces: ReadonlySet<unknown>;
  readonly #bridges: ReadonlyMap<unknown, Part>;
  readonly #leaving: ReadonlySet<string>;
  #links: ReadonlyMap<unknown, Link> | undefined;

  constructor(replies: Replies, context: Context, topology: Topology) {
    this.#replies = replies;
    this.#context = context;
    this.#topology = topology;
    const of = (kind: string) => topology.parts.filter(({ definition }) => definition.kind === kind);
    this.#namespaces = new Set(of(netns.kind).map(({ args }) => args.name));
    this.#bridges = new Map(of(bridge.kind).map((part) => [part.args.name, part]));
    this.#leaving = new Set(topology.gone.map(({ args }) => args.owner));
  }

  /** What planning knows of a part. */
  contextOf(part: Part): Context {
    return contextOf(part, this.#context, this.#topology.before);
  }

  /** The answers to a part's questions, as they stand. */
  real(part: Part, planned = false): Bag {
    const facts = factsOf(part, this.#context, this.#topology);
    const seen: Bag = Object.fromEntries(Object.entries(facts).map(([name, fact]) => [name, this.#parse(fact)]));
    if (part.definition.kind === netns.kind) return ofNamespace(seen, this.#inode(part.args.name));
    if (part.definition.kind === vethPair.kind && this.#topology.wide)
      return { ...seen, one: this.#hostLink(part.args.name), bridge: this.#hostLink(part.args.bridge) };
    if (!seen.table) return seen;
    const table = this.#view(part, seen.table as SeenTable, planned);
    return { ...seen, table, forwarding: notedNot, accept: lettingBe(this.#parse(way)) };
  }

  /** The answers with which a part is planned: what the lab is about to make is taken to stand. */
  expected(part: Part): Bag {
    const seen = this.real(part, true);
    if (seen.table) seen.forwarding = this.#forwardingOf(part, seen.table as SeenTable);
    const { kind } = part.definition;
    if (kind === vethPair.kind) return this.#ofCable(part, seen);
    if (kind === resolver.kind) return { ...seen, bridge: this.#bridge(part.args.bridge, seen.bridge as Sight, true) };
    if (kind === portPublish.kind) return this.#ofPublish(part, seen);
    if (kind === process.kind && this.#namespaces.has(part.args.netns)) return { ...seen, netns: seen.netns ?? 0 };
    return seen;
  }

  #parse(fact: Fact<unknown>): unknown {
    const reply = this.#replies[questionOf(fact)];
    if (!reply) return undefined;
    const kept = this.#parsed.get(reply) ?? new Map<unknown, unknown>();
    this.#parsed.set(reply, kept);
    if (!kept.has(fact.parse)) kept.set(fact.parse, fact.parse(reply));
    return kept.get(fact.parse);
  }

  #inode(name: unknown): number | undefined {
    return (this.#parse(inodesFact) as ReadonlyMap<unknown, number> | undefined)?.get(name);
  }

  #hostLink(name: unknown): Sight {
    this.#links ??= new Map((this.#parse(hostLinks) as Link[]).map((link) => [link.name, link]));
    return { link: this.#links.get(name), netns: true };
  }

  #ofCable({ args }: Part, seen: Bag): Bag {
    const other = seen.other as Sight;
    const inside = (args.peer as { netns?: string }).netns;
    const there = other.netns || !this.#namespaces.has(inside) ? other : { ...other, netns: true };
    return { ...seen, other: there, bridge: this.#bridge(args.bridge, seen.bridge as Sight, false) };
  }

  /** @param addressed whether it is to have its addresses already */
  #bridge(name: unknown, sight: Sight, addressed: boolean): Sight {
    const part = this.#bridges.get(name);
    if (!part || (sight.link && !addressed)) return sight;
    return { link: { ...(sight.link ?? linkOf(part)), addresses: part.args.addresses as string[] }, netns: true };
  }

  #ofPublish(publish: Part, seen: Bag): Bag {
    const home = homeOf(publish, this.#topology);
    if (!home) return seen;
    const [part, gateway] = home;
    const links = seen.links as Link[];
    const stands = links.some(({ name }) => name === part.args.name);
    return {
      ...seen,
      way: { dev: part.args.name, address: gateway, via: undefined },
      links: stands ? links : [...links, { ...linkOf(part), addresses: part.args.addresses }],
    };
  }

  #forwardingOf({ definition: { kind }, args }: Part, { fault }: SeenTable): SeenForwarding {
    const forwards = kind === portPublish.kind || (kind === natRule.kind && args.forward === true);
    if (kind === bridge.kind ? fault === undefined : forwards) return { ...noted, needs: forwards };
    return notedNot;
  }

  /**
   * Of our table what a part looks at: what is its own, its keys whoever holds them, and which bridges are ours.
   * @param planned whether what leaves in this plan is left out
   */
  #view({ args, definition: { kind } }: Part, table: SeenTable, planned: boolean): SeenTable {
    const stays = (one: { comment: string }) => !planned || !this.#leaving.has(ownerOf(one));
    const keys = [args.owner, ...(kind === portPublish.kind ? [`port ${args.hostPort}`] : []), "others"];
    const index = this.#indexOf(table);
    const found = this.#context.former === undefined ? keys.flatMap((key) => index.get(key) ?? []) : table.elements;
    const elements = new Set(found.filter(stays));
    if (planned && kind === portPublish.kind) for (const one of this.#joining()) elements.add(one);
    return {
      ...table,
      elements: [...elements],
      rules: this.#leaving.size > 0 ? table.rules.filter(stays) : table.rules,
    };
  }

  /** What the bridges of the lab put into our table. */
  #joining(): SeenElement[] {
    return [...this.#bridges.values()].map(({ args }) => ({ set: "nets", key: `${args.name}`, comment: args.owner }));
  }

  #indexOf(table: SeenTable): Map<string, SeenElement[]> {
    const kept = this.#tables.get(table);
    if (kept) return kept;
    const index = new Map<string, SeenElement[]>();
    const put = (key: string, one: SeenElement) => {
      const list = index.get(key);
      if (list) list.push(one);
      else index.set(key, [one]);
    };
    for (const one of table.elements) {
      put(ownerOf(one), one);
      if (/^(all|one|lo)/.test(one.set)) put(`port ${one.key.split(" . ").at(-1)}`, one);
      else put("others", one);
    }
    this.#tables.set(table, index);
    return index;
  }
}

/** Whether the far end of a cable has, or had, anything of IPv6. */
function isOfSix(args: Bag | undefined): boolean {
  const { addresses = [] } = (args?.peer ?? {}) as { addresses?: string[] };
  return addresses.some((one) => one.includes(":"));
}

/** Whether a namespace is there is seen by its `lo`. */
function ofNamespace(seen: Bag, inode = 1): Bag {
  const there = (seen.lo as Sight).netns ? inode : undefined;
  return { ...seen, inode: seen.inode ?? there, sysctls: seen.sysctls ?? {} };
}

const ownerOf = ({ comment }: { comment: string }) => comment.split(" ")[0] ?? "";

function linkOf({ args }: Part): Link {
  const { name, mtu = 1500, macAddress } = args as unknown as Link;
  return freshLink({ name, mtu, macAddress, addresses: [], owner: args.owner, prefix: "" }, "bridge");
}

const noted: SeenForwarding = { on: [4, 6], wereOff: [], guarded: [4, 6], noted: true, needs: true };
const notedNot: SeenForwarding = { ...noted, noted: false, needs: false };

/** Answers of any shape. */
export type Seen = Answers<Facts>;
