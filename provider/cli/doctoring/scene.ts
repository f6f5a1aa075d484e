import { type Host, hostOf } from "../../host/host.ts";
import { Unfit } from "../../host/preflight.ts";
import type { Connection } from "../../kernel/connection.ts";
import { secretsOf } from "../../kernel/connection.ts";
import { LinuxnetError } from "../../kernel/failure.ts";
import { definitions } from "../../resources/index.ts";
import type { Stack, StackResource } from "../stack.ts";
import { lookAt, type Reach, type Seen } from "../standing.ts";
import type { Topology } from "../topology/model.ts";
import { topologyOf, withParts } from "../topology/read.ts";
import type { Scene } from "./cause.ts";
import { allFeatures, type Feature, lacksFact } from "./host-facts.ts";
import { lookAtHost, wishOf } from "./look.ts";
import { narrowed } from "./narrowed.ts";

/** A host that was looked at: what is known of it, or why nothing is. */
export interface Looked {
  /** The host in words. */
  host: string;
  connection: Connection | undefined;
  scene: Scene | undefined;
  /** It answers, and cannot be used. */
  unfit: LinuxnetError | undefined;
  /** It could not be looked at. */
  fault: LinuxnetError | undefined;
}

const nothing: Topology = {
  places: [],
  segments: [],
  cables: [],
  published: [],
  tunnels: [],
  names: [],
  expected: [],
  ruled: new Set(),
  hosts: new Map(),
};

/** Looks at one host without a stack. */
export async function lookAtBare(connection: Connection | undefined, reach: Reach = hostOf): Promise<Looked> {
  return looked(connection, reach, async (host) => {
    const wish = { names: [], asking: new Set<string>(), programs: [], protocols: new Set<string>() };
    const [seen, { lacks }] = await Promise.all([
      lookAtHost(host, wish),
      host.observe({ lacks: lacksFact(allFeatures) }),
    ]);
    return { host: host.name, topology: nothing, resources: [], standing: [], seen: { ...seen, lacks } };
  });
}

/**
 * Looks at all hosts of a stack.
 *
 * @param names containers and networks; none: all
 * @throws LinuxnetError when nothing has one of the names ("did you mean")
 */
export async function lookAtStack(stack: Stack, names: readonly string[], reach: Reach = hostOf): Promise<Looked[]> {
  const all = (await withParts(stack.resources)).filter(isOnHost);
  const { topology, resources } = narrowed(await topologyOf(stack), all, names, stack);
  const hosts = Map.groupBy(resources, ({ connection }) => connection?.host ?? "");
  return Promise.all(
    [...hosts].map(([name, own]) => {
      const connection = own.find((one) => one.connection !== undefined)?.connection;
      return looked(connection, reach, async (host) => {
        const [seen, all] = await Promise.all([lookAtHost(host, wishOf(own)), lookAt(own, false, reach)]);
        const standing = all.map(ofPart);
        // What stands shows that the kernel can do it.
        const doubtful = standing.filter((one) => one.standing !== "stands").map(({ resource }) => resource);
        const { lacks } = await host.observe({ lacks: lacksFact(featuresOf(doubtful)) });
        return {
          host: host.name,
          topology: ofHost(topology, name),
          resources: own,
          standing,
          seen: { ...seen, lacks },
        };
      });
    }),
  );
}

/** Forwarding is noted by the Lab as a whole, and not by its parts. */
function ofPart(one: Seen): Seen {
  if (one.resource.lab === undefined || one.standing !== "drifted") return one;
  const notes = one.notes.filter((note) => !/ is not noted as needed$/.test(note));
  return { ...one, notes, standing: notes.length === 0 ? "stands" : "drifted" };
}

/** Whether it is an object by itself that stands on a host: no component, no Lab (its parts are), nothing that is only worked out. */
function isOnHost({ component, kind }: StackResource): boolean {
  return !component && kind !== "Lab" && definitions.some((one) => one.kind === kind && !one.hostless);
}

async function looked(
  connection: Connection | undefined,
  reach: Reach,
  look: (host: Host) => Promise<Scene>,
): Promise<Looked> {
  const host = reach(connection);
  const base = { host: host.name, connection, scene: undefined, unfit: undefined, fault: undefined };
  try {
    return { ...base, scene: await look(host) };
  } catch (error) {
    if (!(error instanceof LinuxnetError)) throw error;
    const shown = error.with({}, secretsOf(connection));
    return error instanceof Unfit ? { ...base, unfit: shown } : { ...base, fault: shown };
  }
}

function ofHost(topology: Topology, host: string): Topology {
  const here = <T extends { host: string }>(list: readonly T[]) => list.filter((one) => one.host === host);
  const { places, segments, cables, published, tunnels, names } = topology;
  return {
    ...topology,
    places: here(places),
    segments: here(segments),
    cables: here(cables),
    published: here(published),
    tunnels: here(tunnels),
    names: here(names),
  };
}

/** The features of the kernel that these resources need. */
function featuresOf(resources: readonly StackResource[]): Feature[] {
  const kinds = new Set(resources.map(({ kind }) => kind));
  const impaired = resources.flatMap(({ outputs }) => [
    outputs.impairment,
    (outputs.peer as { impairment?: object } | undefined)?.impairment,
  ]);
  const bends = impaired.filter((one) => typeof one === "object" && one !== null);
  const byNft = resources.some(({ outputs }) => outputs.backend === "nftables");
  return [
    ...(kinds.has("Bridge") ? (["bridge"] as const) : []),
    ...(kinds.has("VethPair") ? (["veth"] as const) : []),
    ...(kinds.has("Vxlan") ? (["vxlan"] as const) : []),
    ...(bends.some((one) => Object.keys(one).some((key) => key !== "rate")) ? (["netem"] as const) : []),
    ...(bends.some((one) => "rate" in one) ? (["tbf"] as const) : []),
    ...(byNft ? (["nftables"] as const) : []),
  ];
}
