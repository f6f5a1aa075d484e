import type { Host } from "../../host/host.ts";
import { sh } from "../../kernel/command.ts";
import { LinuxnetError } from "../../kernel/failure.ts";
import { ownerKey } from "../../kernel/owner.ts";
import { quote } from "../../kernel/quote.ts";
import { check } from "../../lifecycle/check.ts";
import type { Definition } from "../../lifecycle/definition.ts";
import { remove } from "../../lifecycle/remove.ts";
import { definitions } from "../../resources/index.ts";
import { inWords, type Owned } from "../inventory.ts";

type Bag = Record<string, unknown>;

/** What a definition is told to remove: as much of the inputs as its removal looks at. */
interface Target {
  kind: string;
  args: Bag;
  /** What of the host it stands for, in words. */
  what: string;
}

/** The kinds in the order of their removal: what runs before what it runs in, rules behind what they are about. */
const order = ["Process", "Resolver", "ResolvConf", "VethPair", "Vxlan", "Bridge", "Netns", "PortPublish", "NatRule"];

/** What could not be removed, in words. */
export interface Failure {
  what: string;
  why: string;
}

/**
 * Removes objects of some owners, each by the definition that made its like: what is not there is a success, what was taken
 * over is released, what carries another owner is left alone. What cannot be removed does not keep the rest from going.
 */
export async function removeOwned(host: Host, owned: readonly Owned[]): Promise<Failure[]> {
  const failures: Failure[] = [];
  const targets = [...Map.groupBy(owned, ({ owner }) => owner)].flatMap(([owner, things]) => targetsOf(owner, things));
  for (const kind of order) {
    const stage = targets.filter((one) => one.kind === kind);
    const results = await Promise.all(stage.map((target) => removed(host, target)));
    failures.push(...results.flat());
  }
  return [...failures, ...(await forgotten(host, owned))];
}

async function removed(host: Host, { kind, args, what }: Target): Promise<Failure[]> {
  const definition = definitions.find((one) => one.kind === kind) as Definition;
  const owner = `${args.owner}`;
  // With its owner as that of the last run, the seal stays as it is.
  const { inputs, failures } = check(definition, { owner }, args);
  try {
    const [odd] = failures;
    if (odd) throw new LinuxnetError({ problem: `${odd.property} ${odd.reason}` });
    await remove({ definition, host, args: { ...inputs, owner }, context: { owner, adopt: false } });
    return [];
  } catch (error) {
    if (!(error instanceof LinuxnetError)) throw error;
    return [{ what, why: error.message }];
  }
}

/** How objects stood that were taken over, and are gone now: notes that no definition looks for any more. */
async function forgotten(host: Host, owned: readonly Owned[]): Promise<Failure[]> {
  const notes = owned.filter((one) => one.what === "note" && !one.path.includes("/dns/"));
  const steps = notes.flatMap((one) =>
    one.what === "note" ? [{ what: `forget ${one.path}`, do: sh(`limit rm -f ${quote(one.path)}`) }] : [],
  );
  if (steps.length === 0) return [];
  const { report } = await host.apply(steps, { owner: notes[0]?.owner ?? "", onFailure: "go-on" }, {});
  return report.failures.map(({ what, cause }) => ({ what, why: cause }));
}

/** One target for each object that can be removed alone: the two ends of a cable are one, all rules of a namespace too. */
function targetsOf(owner: string, things: readonly Owned[]): Target[] {
  const resolves = things.some((one) => one.what === "note" && one.path.endsWith(`/dns/${ownerKey(owner)}`));
  const found = things.flatMap((thing) => targetOf(owner, thing, things, resolves) ?? []);
  return [...new Map(found.map((one) => [JSON.stringify([one.kind, one.args]), one])).values()];
}

function targetOf(owner: string, thing: Owned, things: readonly Owned[], resolves: boolean): Target | undefined {
  const target = (kind: string, args: Bag): Target => ({ kind, args: { ...args, owner }, what: inWords(thing) });
  const netns = "netns" in thing && thing.netns !== undefined ? { netns: thing.netns } : {};
  switch (thing.what) {
    case "program":
      return resolves ? resolver(target) : target("Process", { command: ["-"] });
    case "note":
      return resolves ? resolver(target) : undefined;
    case "namespace":
      return target("Netns", { name: thing.name });
    case "file":
      return target("ResolvConf", { netns: thing.netns, nameservers: ["127.0.0.1"] });
    case "link":
      return linkTarget(thing, things, target);
    case "iptables":
      return thing.netns === undefined
        ? target("PortPublish", { hostPort: 1, targetPort: 1, targetAddress: "192.0.2.1", backend: "iptables" })
        : target("NatRule", { type: "masquerade", backend: "iptables", ...netns });
    default:
      return target("NatRule", { type: "masquerade", ...netns });
  }
}

type Make = (kind: string, args: Bag) => Target;

function resolver(target: Make): Target {
  return target("Resolver", { network: "none", bridge: "none", addresses: ["127.0.0.1/8"], members: {} });
}

type OwnedLink = Extract<Owned, { what: "link" }>;

/** A link as an input; of one that was taken over, the addresses that it has and did not have before are taken off again. */
function endOf({ link, netns, adopted }: OwnedLink): { name: string } & Bag {
  const { name, addresses } = link;
  return { name, ...(netns !== undefined && { netns }), ...(adopted && addresses.length > 0 && { addresses }) };
}

function linkTarget(thing: OwnedLink, things: readonly Owned[], target: Make): Target | undefined {
  const { link } = thing;
  const end = endOf(thing);
  if (link.kind === "bridge") return target("Bridge", end);
  if (link.kind === "vxlan") return target("Vxlan", { ...end, vni: 1, local: "127.0.0.1", remotes: ["127.0.0.2"] });
  if (link.kind !== "veth") return undefined;
  const ends = things.flatMap((one) => (one.what === "link" && one.link.kind === "veth" ? [endOf(one)] : []));
  const [one = end, other = { name: `no-${link.ifindex}` }] = ends;
  return target("VethPair", { ...one, peer: other });
}
