import { together, uncounted } from "../counting.ts";
import { graphOf } from "../graph/build.ts";
import { place } from "../graph/layout.ts";
import type { Graph, GraphNode } from "../graph/model.ts";
import { drawn, edgeId, xml } from "../graph/svg.ts";
import { rateText } from "../graph/traffic.ts";
import { plain } from "../terminal.ts";
import { type HostSight, mostPaired } from "./host-watch.ts";
import { matrixHtml } from "./matrix.ts";
import type { Sight } from "./watch.ts";

/** What the page is told: pieces of it as they are to be, and what changes all the time by the node or edge that it is of. */
export interface ViewEvent {
  /** HTML by the id of the element whose content it is. */
  pieces: Record<string, string>;
  /** What is received and sent in a second, by node. */
  rates: Record<string, string>;
  /** What was counted, in words, by node or edge. */
  counters: Record<string, string[]>;
  /** The nodes on hosts that cannot be reached: how they are is not known. */
  unseen: string[];
  /** Of each host: how many seconds ago it was seen, and why it is not seen now. */
  hosts: { name: string; seen: number | null; why: string | null }[];
}

/** What the page is to show of what is seen. */
export function eventOf(sight: Sight): ViewEvent {
  const { title, known, hosts } = sight;
  const drift = new Map(hosts.flatMap((one) => [...one.drift]));
  const drawnWith = (counters: "counters" | "before") =>
    graphOf(title, known.topology, drift, together(hosts.map((one) => one[counters]?.counted ?? uncounted)));
  const [before, now, still] = [drawnWith("before"), drawnWith("counters"), graphOf(title, known.topology, drift)];
  return {
    pieces: piecesOf(sight, still, [...drift.values()].flat()),
    rates: ratesOf(before, now, hosts),
    counters: countersOf(still, now),
    unseen: unseenOf(still, hosts),
    hosts: hosts.map(hostOf),
  };
}

function piecesOf({ title, known, hosts, why }: Sight, still: Graph, drift: readonly string[]): ViewEvent["pieces"] {
  const live = { ...still, nodes: still.nodes.map((one) => ({ ...one, rate: hasRate(one) })) };
  const tried = hosts.flatMap(
    ({ checks, why: lost }) => checks?.results.map((one) => ({ ...one, lost: lost !== undefined })) ?? [],
  );
  const results = hosts.some(({ checks }) => checks) ? tried : undefined;
  const count = still.nodes.filter(({ kind }) => kind === "container").length;
  const unknown = hosts.flatMap((one) => (one.why === undefined ? one.unknown : [lostText(one)]));
  return {
    title: xml(title),
    count: `${count} container${count === 1 ? "" : "s"}`,
    picture: drawn(place(live), false),
    checks: matrixHtml(results, known.topology.places.length > mostPaired),
    drift: driftHtml(drift, unknown, known.resources.length),
    fault: why === undefined ? "" : xml(plain(why)),
  };
}

const nameOf = ({ host }: HostSight) => host || "this machine";

const lostText = (one: HostSight) => `What stands on ${nameOf(one)} is not known: it cannot be reached.`;

const hasRate = ({ kind }: GraphNode) => kind === "container" || kind === "bridge" || kind === "tunnel";

function hostOf(one: HostSight): ViewEvent["hosts"][number] {
  const { at, why } = one;
  const seen = at === undefined ? null : Math.round((performance.now() - at) / 100) / 10;
  return { name: nameOf(one), seen, why: why === undefined ? null : plain(why) };
}

function driftHtml(notes: readonly string[], unknown: readonly string[], objects: number): string {
  if (objects === 0) return "<h2>Drift</h2><p>The stack is empty.</p>";
  if (notes.length + unknown.length === 0) return '<h2>Drift</h2><p class="good">All stands as declared.</p>';
  const line = (kind: string) => (note: string) => `<li class="${kind}">${xml(plain(note))}</li>`;
  const lines = [...[...new Set(notes)].map(line("bad")), ...[...new Set(unknown)].map(line("changed"))];
  return `<h2>Drift</h2><ul>${lines.join("")}</ul>`;
}

/** The host that a node is on: it stands behind the kind, `container:HOST:NETNS`. */
function onHost({ id }: GraphNode, host: string): boolean {
  return `${id}:`.slice(id.indexOf(":") + 1).startsWith(`${host}:`);
}

function unseenOf({ nodes }: Graph, hosts: readonly HostSight[]): string[] {
  const lost = hosts.filter(({ why }) => why !== undefined);
  return nodes.filter((one) => one.kind !== "world" && lost.some(({ host }) => onHost(one, host))).map(({ id }) => id);
}

function ratesOf(before: Graph, now: Graph, hosts: readonly HostSight[]): Record<string, string> {
  const seconds = new Map(
    hosts.flatMap((one) =>
      one.before && one.counters && !one.why ? [[one.host, (one.counters.at - one.before.at) / 1000] as const] : [],
    ),
  );
  const old = new Map(before.nodes.map(({ id, traffic }) => [id, traffic]));
  return Object.fromEntries(
    now.nodes.filter(hasRate).flatMap((one) => {
      const { id, traffic } = one;
      const was = old.get(id);
      const time = seconds.get(hosts.find(({ host }) => onHost(one, host))?.host ?? "");
      return was && traffic && time ? [[id, rateText(was, traffic, time)]] : [];
    }),
  );
}

/** What is told beside the pointer, and is not told in the picture itself: it would be another one at each look. */
function countersOf(still: Graph, now: Graph): Record<string, string[]> {
  const extra = (about: readonly string[], known: readonly string[]) => about.filter((line) => !known.includes(line));
  const nodes = now.nodes.map(({ id, about }, index) => [id, extra(about, still.nodes[index]?.about ?? [])] as const);
  const edges = now.edges.map(
    (one, index) => [edgeId(one), extra(one.about, still.edges[index]?.about ?? [])] as const,
  );
  return Object.fromEntries([...nodes, ...edges].filter(([, lines]) => lines.length > 0));
}
