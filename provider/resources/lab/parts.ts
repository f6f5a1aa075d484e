import { z } from "zod";
import { bare, familyOf } from "../../kernel/addresses.ts";
import { type Issue, listed } from "../../kernel/issue.ts";
import { partOwner } from "../../kernel/owner.ts";
import { type PublishedPort, publishFamilies, readPublish } from "../../kernel/publish-notation.ts";
import type { Definition } from "../../lifecycle/definition.ts";
import { bridge } from "../bridge.ts";
import { expect } from "../expect.ts";
import { natRule } from "../natRule.ts";
import { netns } from "../netns.ts";
import { portPublish } from "../portPublish.ts";
import { process } from "../process.ts";
import { resolvConf } from "../resolvConf.ts";
import { resolver } from "../resolver.ts";
import { vethPair } from "../vethPair.ts";
import { bridgedOf, inSubnets, isBridged, labName, membersOf, publishingOf } from "./derive.ts";
import { filesOf } from "./files.ts";
import type { LabArgs, LabContainer, LabExpect, LabNetwork, LabPublish } from "./shape.ts";

type Bag = Record<string, unknown>;

/** One object of a lab: what a resource of its kind would be. */
export interface Part {
  /** Its name within the lab, by which its owner is made: `web/eth0`. */
  name: string;
  /** Where it comes from among the lab's inputs: `containers.web`. */
  at: string;
  definition: Definition;
  /** Its inputs, complete, with an owner of its own. */
  args: Bag & { owner: string };
  /** The lab's inputs that say what its own do, by name; the others are told in words. */
  inputs: Readonly<Record<string, string>>;
}

/** An input that its part does not take. */
export class Unfit extends Error {
  readonly issue: Issue;
  constructor(issue: Issue) {
    super(`${issue.property}: ${issue.reason}`);
    this.issue = issue;
  }
}

/** The order in which the kinds are made; they go the other way round. */
export const order = [netns, bridge, natRule, vethPair, resolvConf, portPublish, resolver, process, expect].map(
  ({ kind }) => kind,
);

/** The parts of a lab, in the order in which they are made. */
export function partsOf(args: LabArgs): Part[] {
  const parts = [
    ...Object.entries(args.networks).flatMap(([name, network]) => networkParts(args, name, network)),
    ...Object.entries(args.containers).flatMap(([name, container]) => containerParts(args, name, container)),
    ...args.expect.map((one, index) => expectPart(args, one, index)),
  ];
  const rank = new Map(order.map((kind, index) => [kind, index]));
  return parts.toSorted((a, b) => (rank.get(a.definition.kind) ?? 0) - (rank.get(b.definition.kind) ?? 0));
}

/** Completes a part's inputs as `check` does those of a resource: they come from a lab's that were checked. */
function part(lab: LabArgs, at: string, name: string, kind: unknown, given: Bag, inputs: Part["inputs"] = {}): Part {
  const definition = kind as Definition;
  const { success, data, error } = schemaOf(definition).safeParse(given);
  if (!success) {
    const [{ path: [key = ""] = [], message = "" } = {}] = error.issues;
    throw new Unfit({ property: at, reason: `${String(key)} ${message}` });
  }
  const known = Object.fromEntries(Object.entries(data).filter(([, value]) => value !== undefined));
  const args: Part["args"] = { owner: partOwner(lab.owner, name), adopt: lab.adopt, ...known };
  return { name, at, definition, args: { ...args, ...definition.derive?.(args, {}) }, inputs };
}

const schemas = new WeakMap<Definition, z.ZodObject>();

/** The inputs of a kind as one schema: zod compiles that, and a big lab has thousands of parts. */
function schemaOf(definition: Definition): z.ZodObject {
  const schema = schemas.get(definition) ?? z.object(definition.fields);
  schemas.set(definition, schema);
  return schema;
}

/** The gateways of a network with their prefixes. */
function gatewaysOf({ gateways = [], subnets = [] }: LabNetwork): string[] {
  return gateways.map((one, index) => `${one}/${subnets[index]?.split("/")[1]}`);
}

function networkParts(lab: LabArgs, name: string, network: LabNetwork): Part[] {
  if (!isBridged(network)) return [];
  const { subnets, bridgeName, internal = false, isolate = true, masquerade = true, mtu, dns = false } = network;
  const at = `networks.${name}`;
  const addresses = gatewaysOf(network);
  const same = { mtu: "mtu", isolate: "isolate", internal: "internal" };
  const parts = [
    part(lab, at, `${name}/${bridgeName}`, bridge, { name: bridgeName, addresses, internal, isolate, mtu }, same),
  ];
  if (!internal && masquerade) {
    const rule = { type: "masquerade", source: subnets, notOutInterface: bridgeName, protect: isolate };
    parts.push(part(lab, at, `${name}/nat`, natRule, rule));
  }
  if (dns === false) return parts;
  const { upstreams, domain } = dns === true ? {} : dns;
  const members = Object.fromEntries(membersOf(name, lab).map((one) => [one, member(lab, one, subnets ?? [])]));
  const own = { network: name, bridge: bridgeName, addresses, members, domain, upstreams, forward: !internal };
  return [...parts, part(lab, at, `${name}/dns`, resolver, own)];
}

function member(lab: LabArgs, name: string, subnets: readonly string[]) {
  const { hostname, aliases = [], ...container } = lab.containers[name] as LabContainer;
  const more = [...listed(hostname), ...aliases];
  return { addresses: inSubnets(container.addresses, subnets).map(bare), ...(more.length > 0 && { aliases: more }) };
}

function containerParts(lab: LabArgs, name: string, container: LabContainer): Part[] {
  const { netns: own, sysctls, joins, publish = [] } = container;
  const at = `containers.${name}`;
  const parts: Part[] = [];
  const made = joins === undefined && own !== "";
  if (made) parts.push(part(lab, at, `${name}/netns`, netns, { name: own, sysctls }, { sysctls: "sysctls" }));
  const on = joins === undefined ? bridgedOf(container, lab.networks) : [];
  parts.push(...on.map((network, index) => cable(lab, name, lab.networks[network] as LabNetwork, index)));
  const files = made ? filesOf(lab, name, container) : undefined;
  if (files) {
    const same = { nameservers: "dns", search: "dnsSearch" };
    parts.push(part(lab, at, `${name}/files`, resolvConf, { netns: own, ...files }, container.dns ? same : {}));
  }
  if (container.command !== undefined) {
    parts.push(
      part(lab, at, `${name}/process${made ? "" : `@${own}`}`, process, { ...container, netns: own || undefined }),
    );
  }
  return [...parts, ...publish.flatMap((one, index) => publishParts(lab, name, container, one, index))];
}

function cable(lab: LabArgs, name: string, network: LabNetwork, index: number): Part {
  const { addresses, netns: inside, impairment } = lab.containers[name] as LabContainer;
  const { bridgeName, subnets = [], gateways, internal = false, mtu } = network;
  const peer = {
    name: `eth${index}`,
    netns: inside,
    addresses: inSubnets(addresses, subnets),
    ...(index === 0 && !internal && { gateway: gateways }),
    ...(impairment && { impairment }),
    ...(!subnets.some((one) => familyOf(one) === 6) && { addrgenmode: "none" }),
  };
  const ends = { name: labName(lab.owner, name, `${index}`), bridge: bridgeName, hairpin: true, mtu, peer };
  return part(lab, `containers.${name}`, `${name}/eth${index}`, vethPair, ends, { "peer.impairment": "impairment" });
}

/** The ports that an entry of `publish` stands for. */
export function portsOf(publish: LabPublish): (PublishedPort & Bag)[] {
  if (typeof publish === "string") return readPublish(publish).map((one) => ({ ...one }));
  return [{ ...publish, protocol: publish.protocol ?? "tcp" }];
}

/** What a published port is called among a lab's parts: it stays the same when it leads to another container. */
export function portName({ hostAddress, hostPort, protocol, family }: PublishedPort): string {
  return `${protocol}${hostPort}${hostAddress ? `@${hostAddress}` : ""}${family ? `@v${family}` : ""}`;
}

function publishParts(lab: LabArgs, name: string, container: LabContainer, publish: LabPublish, index: number) {
  const at = `containers.${name}.publish[${index}]`;
  const { subnets = [] } = publishingOf(container, lab.networks) ?? {};
  const own = inSubnets(container.addresses, subnets);
  return portsOf(publish).flatMap(({ family: only, ...port }) => {
    const families = publishFamilies({ family: only, hostAddress: port.hostAddress }, subnets.map(familyOf));
    return families.map((family, place) => {
      const targetAddress = bare(own.find((one) => familyOf(one) === family) ?? own[0] ?? "");
      const called = `publish/${portName({ ...port, family: only })}${place === 0 ? "" : `/v${family}`}`;
      return part(lab, at, called, portPublish, { ...port, targetAddress });
    });
  });
}

function expectPart(lab: LabArgs, { from, to, ...more }: LabExpect, index: number): Part {
  const of = (name: string) => (Object.hasOwn(lab.containers, name) ? lab.containers[name] : undefined);
  const place = of(from)?.netns ?? from;
  const target = of(to)?.addresses[0];
  const given = { ...more, from: place || "host", to: target === undefined ? to : bare(target) };
  return part(lab, `expect[${index}]`, `expect/${index}`, expect, given);
}
