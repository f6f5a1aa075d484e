import { contains } from "../../kernel/addresses.ts";
import { listed } from "../../kernel/issue.ts";
import type { Stack, StackResource } from "../stack.ts";
import type { Cable, End, Expected, KnownName, Place, Published, Segment, Topology, Tunnel } from "./model.ts";

type Bag = Record<string, unknown>;

/** The network of a stack: resources, components and Labs read as one. */
export async function topologyOf({ resources }: Stack): Promise<Topology> {
  const labs = resources.filter(({ kind }) => kind === "Lab");
  const all = await withParts(resources);
  const of = (kind: string) => all.filter((one) => one.kind === kind);
  const cables = of("VethPair").map(cableOf);
  return {
    cables,
    places: [...placesOf(resources, cables), ...labs.flatMap(placesOfLab)],
    segments: of("Bridge").map((one) => segmentOf(one, all)),
    published: of("PortPublish").map(publishedOf),
    tunnels: of("Vxlan").map(tunnelOf),
    names: [...of("ResolvConf").flatMap(namesInFile), ...of("Resolver").flatMap((one) => namesByResolver(one, cables))],
    expected: of("Expect").map(expectedOf),
    ruled: new Set(of("ForwardRule").map(hostOf)),
    hosts: new Map(all.filter(isOnHost).map((one) => [one.urn, hostOf(one)])),
  };
}

/** The resources of a stack, and behind them the parts of its Labs. */
export async function withParts(resources: readonly StackResource[]): Promise<StackResource[]> {
  const labs = resources.filter(({ kind }) => kind === "Lab");
  if (labs.length === 0) return [...resources];
  // It loads all that the engine's plugin does: half a second.
  const { partsAsResources } = await import("./lab.ts");
  return [...resources, ...labs.flatMap(partsAsResources)];
}

/** `pc-2` before `pc-10`. */
const byNumber = new Intl.Collator("en", { numeric: true });

/** The containers of a Lab, which the state has in the order of their letters. */
function placesOfLab({ name: lab, outputs, connection, urn }: StackResource): Place[] {
  const containers = (outputs.containers ?? {}) as Record<string, Partial<Place>>;
  const inOrder = Object.entries(containers).toSorted(([a], [b]) => byNumber.compare(a, b));
  return inOrder.map(([name, { netns = "", addresses = [], gateway = "" }]) => ({
    name,
    lab,
    netns: netns || undefined,
    addresses,
    gateway,
    host: connection?.host ?? "",
    connection,
    urns: [`${urn}#containers.${name}`],
  }));
}

/** Components and what is worked out or tried stand on no host. */
function isOnHost({ component, kind }: StackResource): boolean {
  return !component && kind !== "AddressPool" && kind !== "Expect";
}

/** An output that is a text; undefined for any other, and for an empty one. */
export const text = (value: unknown) => (typeof value === "string" && value !== "" ? value : undefined);

/** An output that is one text or several, as a list. */
export const list = (value: unknown) => listed(value as string | string[] | undefined);

function hostOf({ connection }: StackResource): string {
  return connection?.host ?? "";
}

function cableOf(resource: StackResource): Cable {
  const { outputs, urn } = resource;
  return { host: hostOf(resource), ends: [endOf(outputs), endOf((outputs.peer ?? {}) as Bag)], urns: [urn] };
}

function endOf({ name, netns, bridge, addresses, gateway, isolated }: Bag): End {
  return {
    link: `${name}`,
    netns: text(netns),
    bridge: text(bridge),
    addresses: list(addresses),
    gateway: list(gateway)[0] ?? "",
    isolated: isolated === true,
  };
}

/** Containers, and the namespaces that belong to none. */
function placesOf(resources: readonly StackResource[], cables: readonly Cable[]): Place[] {
  const containers = resources.filter(({ kind, component }) => component && kind === "Container");
  const made = containers.map((one) => containerPlace(one, resources));
  // A container that joins another has no resource of its own that says where it is.
  const found = made.map((place) => {
    const other = made.find(({ netns, connection }) => netns === place.netns && connection !== undefined);
    return place.connection || !other || place.netns === undefined ? place : { ...place, ...whereOf(other) };
  });
  const urns = new Set(containers.map(({ urn }) => urn));
  const bare = resources.filter(({ kind, parent }) => kind === "Netns" && !urns.has(parent ?? ""));
  return [...found, ...bare.map((one) => netnsPlace(one, cables))];
}

const whereOf = ({ host, connection }: Place) => ({ host, connection });

function containerPlace({ urn, name, outputs }: StackResource, resources: readonly StackResource[]): Place {
  const children = resources.filter(({ parent }) => parent === urn);
  const connection = children.find((one) => one.connection)?.connection;
  return {
    name,
    lab: undefined,
    netns: text(outputs.netns),
    addresses: list(outputs.addresses),
    gateway: text(outputs.gateway) ?? "",
    host: connection?.host ?? "",
    connection,
    urns: [urn, ...children.map((one) => one.urn)],
  };
}

function netnsPlace(resource: StackResource, cables: readonly Cable[]): Place {
  const { name, outputs, connection, urn } = resource;
  const host = hostOf(resource);
  const netns = text(outputs.name);
  const here = cables.filter((one) => one.host === host && one.ends.some((end) => end.netns === netns));
  const ends = here.flatMap(({ ends }) => ends.filter((end) => end.netns === netns));
  return {
    name,
    lab: undefined,
    netns,
    addresses: ends.flatMap(({ addresses }) => addresses),
    gateway: ends.find(({ gateway }) => gateway !== "")?.gateway ?? "",
    host,
    connection,
    urns: [urn],
  };
}

function segmentOf(resource: StackResource, resources: readonly StackResource[]): Segment {
  const { outputs, urn, name, parent } = resource;
  const network = resources.find((one) => one.urn === parent && one.kind === "Network");
  const host = hostOf(resource);
  const addresses = list(outputs.addresses);
  const nats = resources.filter(({ kind, outputs: nat }) => kind === "NatRule" && nat.type === "masquerade");
  const covers = ({ outputs: nat }: StackResource) =>
    addresses.some((one) => list(nat.source).length === 0 || list(nat.source).some((all) => contains(all, one)));
  const mine = nats.filter((one) => hostOf(one) === host && covers(one));
  return {
    bridge: `${outputs.name}`,
    name: network?.name ?? name,
    host,
    netns: text(outputs.netns),
    addresses,
    internal: outputs.internal === true,
    isolate: outputs.isolate === true,
    masquerade: mine.length > 0,
    urns: [...new Set([urn, ...belonging(network, resources), ...mine.map((one) => one.urn)])],
  };
}

/** A network and what it is made of: its rules, its resolver. */
function belonging(network: StackResource | undefined, resources: readonly StackResource[]): string[] {
  if (!network) return [];
  return [network.urn, ...resources.filter(({ parent }) => parent === network.urn).map(({ urn }) => urn)];
}

function publishedOf(resource: StackResource): Published {
  const { outputs, connection, urn } = resource;
  return {
    host: hostOf(resource),
    connection,
    hostAddress: text(outputs.hostAddress),
    hostPort: Number(outputs.hostPort),
    protocol: text(outputs.protocol) ?? "tcp",
    targetAddress: `${outputs.targetAddress}`,
    targetPort: Number(outputs.targetPort),
    localhost: outputs.localhost === true,
    urns: [urn],
  };
}

function tunnelOf(resource: StackResource): Tunnel {
  const { outputs, urn } = resource;
  return {
    host: hostOf(resource),
    link: `${outputs.name}`,
    bridge: text(outputs.bridge),
    vni: Number(outputs.vni),
    local: text(outputs.local) ?? "",
    remotes: list(outputs.remotes),
    urns: [urn],
  };
}

function expectedOf({ name, outputs, connection, lab }: StackResource): Expected {
  return {
    name: lab === undefined ? name : `${lab}: ${outputs.from} to ${outputs.to}`,
    connection,
    from: `${outputs.from}`,
    to: `${outputs.to}`,
    port: outputs.port === undefined ? undefined : Number(outputs.port),
    protocol: (text(outputs.protocol) ?? "ping") as Expected["protocol"],
    reachable: outputs.reachable !== false,
  };
}

/** The names in a container's hosts file. */
function namesInFile(file: StackResource): KnownName[] {
  const hosts = Object.entries((file.outputs.hosts ?? {}) as Record<string, string | string[]>);
  const where = { host: hostOf(file), netns: `${file.outputs.netns}` };
  return hosts.map(([name, addresses]) => ({ ...where, name, addresses: list(addresses) }));
}

/** The names that the resolver of a network tells each of its members. */
function namesByResolver(resolver: StackResource, cables: readonly Cable[]): KnownName[] {
  const { bridge, members } = resolver.outputs;
  const host = hostOf(resolver);
  const inside = cables
    .filter((cable) => cable.host === host && cable.ends.some((end) => end.bridge === bridge && !end.netns))
    .flatMap(({ ends }) => ends.flatMap(({ netns }) => netns ?? []));
  const known = Object.entries((members ?? {}) as Record<string, { addresses: string[]; aliases?: string[] }>);
  const names = known.flatMap(([name, { addresses, aliases = [] }]) =>
    [name, ...aliases].map((one) => ({ name: one, addresses })),
  );
  return inside.flatMap((netns) => names.map((one) => ({ host, netns, ...one })));
}
