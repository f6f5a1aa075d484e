import { hostOf } from "../../host/host.ts";
import { type Fact, inNetns, sh } from "../../kernel/command.ts";
import type { Connection } from "../../kernel/connection.ts";
import { LinuxnetError } from "../../kernel/failure.ts";
import { didYouMean } from "../engine.ts";
import { hostChoices, hostNamed, hostsOf } from "../topology/hosts.ts";
import { fullName, type Topology } from "../topology/model.ts";
import { linksFact } from "../tracing/survey.ts";
import { mistake } from "../verb.ts";

/** A place where packets are captured. */
export interface Site {
  /** As it was named. */
  name: string;
  connection: Connection | undefined;
  /** The words that enter its namespace; ends with a blank, or is empty. */
  enter: string;
  /** A link, or `any`. */
  link: string;
}

/** What is meant by a name, before the host was asked. */
interface Meant {
  connection: Connection | undefined;
  netns: string | undefined;
  link: string;
}

/**
 * Finds the places that are meant: `CONTAINER`, `NETWORK` (its bridge), `host`, `uplink`, and `CONTAINER:LINK`, `host:LINK`; with
 * `@HOST` behind host and uplink where there are several.
 * @throws LinuxnetError when there is none ("did you mean")
 */
export async function sitesOf(names: readonly string[], topology: Topology, stack: string): Promise<Site[]> {
  return Promise.all([...new Set(names)].map((name) => siteOf(name, topology, stack)));
}

async function siteOf(name: string, topology: Topology, stack: string): Promise<Site> {
  const { connection, netns, link } = meantBy(name, topology, stack);
  const enter = inNetns(netns);
  const host = hostOf(connection);
  const spot = { name, connection, enter, own: netns === undefined };
  const seen = await host.observe({ links: linksFact(spot), uplink: uplinkFact, tcpdump: tcpdumpFact });
  const missing = { host: host.name, problem: "there is no tcpdump", remedy: "Install the package tcpdump there." };
  if (!seen.tcpdump) throw new LinuxnetError(missing);
  const links = [...seen.links.values()];
  const found = link === "" ? onlyLink(links, netns) : link === "uplink" ? seen.uplink : link;
  if (found === "any" || (found !== undefined && links.includes(found)))
    return { name, connection, enter, link: found };
  if (found !== undefined) mistake(`there is no link ${found} in ${name.split(":")[0]}`, didYouMean(found, links));
  const problem = "there is no default route, so no uplink";
  throw new LinuxnetError({ host: host.name, problem, remedy: "Name a link: host:eth0." });
}

/** A container's only link: it shows frames whole. Where there are several, all are looked at, and named. */
function onlyLink(links: readonly string[], netns: string | undefined): string {
  const [first, ...rest] = links.filter((one) => one !== "lo");
  return netns !== undefined && first !== undefined && rest.length === 0 ? first : "any";
}

const uplinkFact: Fact<string | undefined> = {
  command: sh("limit ip route show default; limit ip -6 route show default"),
  parse: ({ stdout }) => / dev (\S+)/.exec(stdout)?.[1],
};

const tcpdumpFact: Fact<boolean> = {
  command: sh("command -v tcpdump"),
  parse: ({ code }) => code === 0,
};

function meantBy(name: string, topology: Topology, stack: string): Meant {
  const [where = "", link = ""] = name.split(":");
  const [word, at] = where.split("@");
  if (word === "host") return { connection: hostAt(at, topology), netns: undefined, link };
  if (word === "uplink") return { connection: hostAt(at, topology), netns: undefined, link: "uplink" };
  const place = topology.places.find((one) => [fullName(one), one.name, one.netns].includes(where));
  if (place) return { connection: place.connection, netns: place.netns, link };
  const segment = topology.segments.find((one) => one.name === where || one.bridge === where);
  if (segment) return { connection: hostAt(segment.host, topology), netns: segment.netns, link: segment.bridge };
  const known = [...topology.places.map(fullName), ...topology.segments.map((one) => one.name), "host", "uplink"];
  const remedy = didYouMean(where, [...new Set(known)]);
  throw new LinuxnetError({ problem: `there is no place ${where} in ${stack}`, remedy });
}

function hostAt(label: string | undefined, topology: Topology): Connection | undefined {
  const hosts = hostsOf(topology);
  if (label !== undefined) return hostNamed(hosts, label).connection;
  if (hosts.size > 1) mistake("the stack is on several hosts", `Say which: ${hostChoices(hosts)}.`);
  return [...hosts.values()][0];
}
