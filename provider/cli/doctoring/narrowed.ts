import { bare } from "../../kernel/addresses.ts";
import { didYouMean } from "../engine.ts";
import type { Stack, StackResource } from "../stack.ts";
import { fullName, type Place, type Segment, type Topology } from "../topology/model.ts";
import { mistake } from "../verb.ts";

/** Kinds that are about no container or network alone. */
const shared = ["NatRule", "ForwardRule", "Vxlan"];

/**
 * What of a stack is about some containers and networks: they, the networks that they are on, and what leads to them.
 *
 * @param names containers (`NAME`, `LAB/NAME`, a namespace) and networks; none: the whole stack
 * @throws LinuxnetError when nothing has one of the names
 */
export function narrowed(
  topology: Topology,
  resources: readonly StackResource[],
  names: readonly string[],
  stack: Pick<Stack, "project" | "name">,
): { topology: Topology; resources: StackResource[] } {
  if (names.length === 0) return { topology, resources: [...resources] };
  for (const name of names) refuseUnknown(name, topology, stack);
  const meant = about(topology, (name) => names.includes(name));
  const { places, cables, segments, published } = meant;
  const urns = new Set([...places, ...cables, ...segments, ...published].flatMap((one) => one.urns));
  const kept = resources.filter(
    ({ urn, parent, kind, outputs, connection }) =>
      urns.has(urn) ||
      urns.has(parent ?? "") ||
      shared.includes(kind) ||
      isInside(places, connection?.host ?? "", outputs.netns),
  );
  return { topology: meant, resources: kept };
}

function isInside(places: readonly Place[], host: string, netns: unknown): boolean {
  return netns !== undefined && places.some((one) => one.host === host && one.netns === netns);
}

/** What of a topology some names call: containers, their cables, the networks on them, and what leads to them. */
function about(topology: Topology, calls: (name: string) => boolean): Topology {
  const places = topology.places.filter((one) => isCalled(one, calls));
  const cables = topology.cables.filter(({ host, ends }) => ends.some(({ netns }) => isInside(places, host, netns)));
  const attached = ({ host, bridge }: Segment) =>
    cables.some((cable) => cable.host === host && cable.ends.some((end) => end.bridge === bridge));
  const segments = topology.segments.filter((one) => calls(one.name) || calls(one.bridge) || attached(one));
  const own = places.flatMap(({ addresses }) => addresses.map(bare));
  const published = topology.published.filter(({ targetAddress }) => own.includes(targetAddress));
  return { ...topology, places, cables, segments, published };
}

function isCalled(place: Place, calls: (name: string) => boolean): boolean {
  return [fullName(place), place.name, place.netns ?? ""].some((name) => name !== "" && calls(name));
}

function refuseUnknown(name: string, { places, segments }: Topology, stack: Pick<Stack, "project" | "name">): void {
  const isName = (one: string) => one === name;
  const known =
    places.some((one) => isCalled(one, isName)) || segments.some((one) => [one.name, one.bridge].includes(name));
  if (known) return;
  const all = [...new Set([...places.map(fullName), ...segments.map((one) => one.name)])];
  mistake(`there is no container and no network ${name} in ${stack.project}/${stack.name}`, didYouMean(name, all));
}
