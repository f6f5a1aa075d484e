import { bare, familyOf } from "../../../kernel/addresses.ts";
import type { Listener } from "../../../kernel/listeners.ts";
import { howItEnded } from "../../../kernel/processes-fact.ts";
import type { StackResource } from "../../stack.ts";
import type { Place, Published } from "../../topology/model.ts";
import { type Cause, type Finding, type Scene, standingOf, stoppedNote, thing, upRemedy } from "../cause.ts";
import { settingOf, spaceOf } from "../seen.ts";
import { gateway, networkOf } from "./addresses.ts";
import { nameServer } from "./filters.ts";

/** What listens in a namespace is called among the things that are needed. */
const listening = (netns: string | undefined) => `listeners of ${netns ?? ""}`;

const programDown: Cause = {
  name: "program-down",
  looksAt: "each Process, each container's command and each resolver",
  find: (scene) =>
    standingOf(scene, "Process", "Resolver").flatMap(({ resource, standing, notes }): Finding[] => {
      const seen = scene.seen.programs.get(resource.owner ?? "");
      if (seen?.alive || (standing !== "gone" && standing !== "drifted")) return [];
      const said = seen ? howItEnded(seen) : notes.join("; ") || "nothing of it is there";
      return [stoppedProgram(resource, said)];
    }),
};

function stoppedProgram({ kind, owner = "", outputs, name, urn }: StackResource, seen: string): Finding {
  const netns = outputs.netns as string | undefined;
  const base = {
    evidence: [{ where: "linuxnet ps", seen }],
    remedy: `${upRemedy}; what it said: linuxnet logs ${name.replace(/\/process$/, "")}`,
    urns: [urn],
  };
  if (kind === "Process")
    return {
      ...base,
      says: `The program ${name.replace(/\/process$/, "")} does not run.`,
      breaks: [thing.program(owner), listening(netns)],
      needs: [thing.netns(netns)],
    };
  const addresses = outputs.addresses as string[];
  return {
    ...base,
    says: `The resolver ${name} does not run.`,
    breaks: [thing.program(owner), ...addresses.map(nameServer)],
    needs: [thing.link(undefined, `${outputs.bridge}`), thing.tool("dnsmasq"), ...addresses.map(gateway)],
  };
}

/** The listeners of a space for a protocol. */
function listenersOf(scene: Scene, netns: string | undefined, protocol: string): Listener[] | undefined {
  const space = spaceOf(scene.seen, netns);
  return protocol === "tcp" ? space?.tcp : protocol === "udp" ? space?.udp : undefined;
}

const ssLine = (protocol: string, port: number) => `ss -lnp ${protocol === "udp" ? "-u" : "-t"} sport = :${port}`;

const portHeld: Cause = {
  name: "port-held",
  looksAt: "what listens on the host on a published port",
  find: (scene) =>
    scene.topology.published.flatMap((published): Finding[] => {
      const { hostPort, protocol, urns } = published;
      const holder = listenersOf(scene, undefined, protocol)?.find((one) => holds(one, published));
      if (!holder) return [];
      return [
        {
          says: `The published port ${hostPort}/${protocol} is also held by ${holder.holder} on the host, which nobody reaches there now.`,
          evidence: [
            { where: ssLine(protocol, hostPort), seen: `${holder.address ?? "*"}:${holder.port} ${holder.holder}` },
          ],
          remedy: "Stop that program, or choose another hostPort.",
          breaks: [thing.publish(protocol, hostPort)],
          urns,
        },
      ];
    }),
};

function holds(
  { address, families, port }: Listener,
  { hostPort, hostAddress, targetAddress, localhost }: Published,
): boolean {
  if (port !== hostPort || !families.includes(familyOf(targetAddress))) return false;
  if (address === undefined) return true;
  if (/^127\.|^::1$/.test(address)) return localhost || hostAddress === address;
  return hostAddress === undefined || hostAddress === address;
}

const publishGone: Cause = {
  name: "publish-gone",
  looksAt: "our entry of each published port",
  find: (scene) =>
    standingOf(scene, "PortPublish").flatMap(({ resource, standing, notes }): Finding[] => {
      const { hostPort, protocol, targetAddress } = resource.outputs;
      const own = notes.filter((note) => !/forward|flows|route_localnet/i.test(note) && !stoppedNote.test(note));
      if (standing !== "gone" && (standing !== "drifted" || own.length === 0)) return [];
      return [
        {
          says: `The entry of the published port ${hostPort}/${protocol} is ${standing === "gone" ? "missing" : "not as declared"}.`,
          evidence: [
            {
              where: "nft list table inet linuxnet",
              seen: own.join("; ") || `no element with the comment ${resource.owner}`,
            },
          ],
          remedy: upRemedy,
          breaks: [thing.publish(`${protocol}`, Number(hostPort))],
          needs: [thing.rules, thing.forwarding, ...wayTo(scene, `${targetAddress}`)],
          urns: [resource.urn],
        },
      ];
    }),
};

/** What the host needs to reach an address of the stack. */
function wayTo(scene: Scene, address: string): string[] {
  const segment = networkOf(scene, address);
  return segment ? [thing.link(segment.netns, segment.bridge), ...segment.addresses.map(gateway)] : [];
}

/** The container that a port leads to. */
function targetOf({ topology }: Scene, { targetAddress }: Published) {
  return topology.places.find(
    ({ addresses, netns }) => netns !== undefined && addresses.map(bare).includes(targetAddress),
  );
}

/** How those that listen on a target's port do not do so where they are asked. */
function listens(scene: Scene, kind: "nothing" | "loopback"): Finding[] {
  if (!scene.seen.tools.has("ss")) return [];
  return scene.topology.published.flatMap((published): Finding[] => {
    const { protocol, targetAddress, targetPort } = published;
    const place = targetOf(scene, published);
    const listeners = place && listenersOf(scene, place.netns, protocol);
    if (!place || !listeners || !spaceOf(scene.seen, place.netns)?.exists) return [];
    const family = familyOf(targetAddress);
    const own = listeners.filter(({ port, families }) => port === targetPort && families.includes(family));
    if (own.some(({ address }) => address === undefined || address === targetAddress)) return [];
    return own.length > 0 === (kind === "loopback") ? [closedPort(published, place, own[0])] : [];
  });
}

function closedPort(published: Published, { name, netns }: Place, listener: Listener | undefined): Finding {
  const { protocol, targetAddress, targetPort, hostPort, urns } = published;
  const says = listener
    ? `In ${name}, port ${targetPort} is listened on at ${listener.address} only, and closed at ${targetAddress}.`
    : `In ${name} nothing listens on port ${targetPort}/${protocol}, which port ${hostPort} leads to.`;
  const seen = listener ? `${listener.address}:${listener.port}` : "nothing";
  return {
    says,
    evidence: [{ where: `ip netns exec ${netns} ${ssLine(protocol, targetPort)}`, seen }],
    remedy: listener
      ? `Let the program listen on 0.0.0.0 (or ${targetAddress}).`
      : `Start a program there: command of the Container, or linuxnet exec ${name} -- ...`,
    breaks: [],
    needs: [thing.netns(netns), listening(netns)],
    urns,
  };
}

const nothingListens: Cause = {
  name: "nothing-listens",
  looksAt: "what listens in each container that a published port leads to",
  find: (scene) => listens(scene, "nothing"),
};

const listensOnLoopback: Cause = {
  name: "listens-on-loopback",
  looksAt: "the address that it listens on",
  find: (scene) => listens(scene, "loopback"),
};

/** The published ports on 127.0.0.1 that need route_localnet, by the link that leads to their targets. */
function localLinks(scene: Scene): Map<string, string[]> {
  const own = scene.resources.filter(
    ({ kind, outputs }) =>
      kind === "PortPublish" &&
      outputs.backend === "iptables" &&
      (outputs.localhost === true || outputs.hostAddress === "127.0.0.1"),
  );
  const links = own.flatMap(({ outputs, urn }): [string, string][] => {
    const segment = networkOf(scene, `${outputs.targetAddress}`);
    return segment && familyOf(`${outputs.targetAddress}`) === 4 ? [[segment.bridge, urn]] : [];
  });
  return new Map([...Map.groupBy(links, ([link]) => link)].map(([link, all]) => [link, all.map(([, urn]) => urn)]));
}

const localnetFile = (link: string) => `ipv4/conf/${link}/route_localnet`;

const localnetOff: Cause = {
  name: "route-localnet-off",
  looksAt: "`route_localnet` where a 127.0.0.1 publish needs it (iptables backend)",
  find: (scene) =>
    [...localLinks(scene)]
      .filter(([link]) => [link, "all"].every((one) => settingOf(scene.seen, undefined, localnetFile(one)) === "0"))
      .map(([link, urns]) => ({
        says: `route_localnet is off on ${link}: what is published on 127.0.0.1 does not answer there.`,
        evidence: [{ where: `/proc/sys/net/${localnetFile(link)}`, seen: "0" }],
        remedy: upRemedy,
        breaks: [],
        needs: [thing.link(undefined, link)],
        urns,
      })),
};

const localnetOn: Cause = {
  name: "route-localnet-on",
  looksAt: "`route_localnet` where we did not turn it on",
  find: ({ seen }) => {
    const links = ["all", ...seen.links.map(({ name }) => name)];
    const on = links.filter(
      (link) => link !== "lo" && !seen.localnet.has(link) && settingOf(seen, undefined, localnetFile(link)) === "1",
    );
    return on.map((link) => ({
      says: `route_localnet is on for ${link}, and not by us: neighbours there may reach what listens on 127.0.0.1.`,
      evidence: [{ where: `/proc/sys/net/${localnetFile(link)}`, seen: "1" }],
      remedy: `sysctl -w net.${localnetFile(link).replaceAll("/", ".")}=0`,
      breaks: [],
    }));
  },
};

/** Causes in programs and published ports. */
export const portCauses: readonly Cause[] = [
  programDown,
  portHeld,
  publishGone,
  nothingListens,
  listensOnLoopback,
  localnetOff,
  localnetOn,
];
