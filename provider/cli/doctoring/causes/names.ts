import { bare } from "../../../kernel/addresses.ts";
import { wayOf } from "../cables.ts";
import { type Cause, type Finding, type Scene, thing } from "../cause.ts";
import type { SeenServer } from "../seen.ts";
import { gateway, networkOf, wayOut } from "./addresses.ts";
import { nameServer } from "./filters.ts";
import { masquerading } from "./forwarding.ts";

/** Each name server that does not answer in a namespace. */
function silent(scene: Scene): { netns: string; whose: string; server: SeenServer }[] {
  return [...scene.seen.spaces].flatMap(([netns, space]) =>
    space.servers
      .filter(({ answers }) => !answers)
      .map((server) => ({
        netns,
        whose: scene.topology.places.find((one) => one.netns === netns)?.name ?? netns,
        server,
      })),
  );
}

/** All on which the way from a namespace to a name server rests. */
function wayToServer(scene: Scene, netns: string, address: string): string[] {
  const segment = networkOf(scene, address);
  const near = segment
    ? [gateway(address)]
    : [thing.forwarding, thing.rules, thing.uplink, masquerading, wayOut(netns)];
  return [...wayOf(scene, netns), nameServer(address), ...near];
}

/** The DNS files of the namespaces: what they say wrong is not told again as drift. */
function filesOf({ resources }: Scene, names: readonly string[]): string[] {
  return resources
    .filter(({ kind, outputs }) => kind === "ResolvConf" && names.includes(`${outputs.netns}`))
    .map(({ urn }) => urn);
}

const resolvConf = (netns: string) => `/etc/netns/${netns}/resolv.conf`;

const dnsLoopback: Cause = {
  name: "dns-loopback",
  looksAt: "name servers on 127.0.0.0/8 in a container's resolv.conf, and on which address the host's own listens",
  find: (scene) =>
    silent(scene).flatMap(({ netns, whose, server: { address } }): Finding[] => {
      const found = isLoopback(address) ? itself(whose, address) : hosts(scene, whose, address);
      if (!found) return [];
      const line = { where: resolvConf(netns), seen: `nameserver ${address}` };
      return [
        {
          ...found,
          evidence: [line, ...found.evidence],
          breaks: [nameServer(address)],
          needs: wayToServer(scene, netns, address),
          urns: filesOf(scene, [netns]),
        },
      ];
    }),
};

type Said = Pick<Finding, "says" | "evidence" | "remedy">;

const isLoopback = (address: string) => /^127\.|^::1$/.test(address);

function itself(whose: string, address: string): Said {
  return {
    says: `${whose} asks the name server ${address}, which is its own loopback: nothing answers there.`,
    evidence: [],
    remedy: "Name a server that the container reaches: dns of the Container, or dns: true of the Network.",
  };
}

/** A name server of the host's that listens on its loopback only. */
function hosts({ seen }: Scene, whose: string, address: string): Said | undefined {
  if (!seen.links.some(({ addresses }) => addresses.map(bare).includes(address))) return undefined;
  const own = seen.udp.filter(({ port }) => port === 53);
  const local = own.filter((one) => one.address !== undefined && isLoopback(one.address));
  if (local.length === 0 || own.some((one) => one.address === undefined || one.address === address)) return undefined;
  return {
    says: `${whose} asks ${address}, and the host's name server listens on ${local.map((one) => one.address).join(", ")} only.`,
    evidence: local.map((one) => ({ where: "ss -lnup sport = :53", seen: `${one.address}:53 ${one.holder}` })),
    remedy: `Let ${local[0]?.holder.split(" ")[0]} listen on ${address} too, or use dns: true of the Network.`,
  };
}

const dnsUnreachable: Cause = {
  name: "dns-unreachable",
  looksAt: "each name server of each container, asked from there",
  find: (scene) =>
    [...Map.groupBy(silent(scene), ({ server }) => server.address)].map(([address, all]) => {
      const names = all.map(({ netns }) => netns);
      const whose = [...new Set(all.map((one) => one.whose))];
      const more = whose.length > 3 ? ` and ${whose.length - 3} more` : "";
      return {
        says: `The name server ${address} does not answer ${whose.slice(0, 3).join(", ")}${more}.`,
        evidence: [
          { where: resolvConf(names[0] ?? ""), seen: `nameserver ${address}` },
          { where: `in ${names[0]}: a question to ${address} port 53 (UDP)`, seen: "no answer, twice" },
        ],
        remedy: "Name another server (dns of the Container), or let that one answer this network.",
        breaks: [],
        needs: names.flatMap((netns) => wayToServer(scene, netns, address)),
        urns: filesOf(scene, names),
      };
    }),
};

/** Causes in the resolution of names. */
export const nameCauses: readonly Cause[] = [dnsLoopback, dnsUnreachable];
