import { contains, familyOf, overlaps } from "../../kernel/addresses.ts";
import { type Issue, listed, when } from "../../kernel/issue.ts";
import { isNoHost } from "../../kernel/pool.ts";
import { netnsName } from "../../kernel/schema.ts";
import { bridgedOf, canGive, fixedIn, isBridged, membersOf, publishingOf, type Worked, workOut } from "./derive.ts";
import { readHostLine } from "./files.ts";
import { type Part, partsOf, portName, portsOf, Unfit } from "./parts.ts";
import type { LabArgs, LabContainer, LabNetwork } from "./shape.ts";

/** What is wrong with a lab; and what is worked out of it, when nothing is wrong with its names. */
export function examine(args: LabArgs, olds: Partial<LabArgs>): { args: LabArgs; issues: Issue[] } {
  const issues = nameRules(args);
  if (issues.length > 0) return { args, issues };
  const worked = workOut(args, olds);
  if (Object.keys(worked.full).length > 0) return { args: worked.args, issues: fullRules(worked) };
  try {
    return { args: worked.args, issues: labRules(worked.args, partsOf(worked.args)) };
  } catch (error) {
    if (!(error instanceof Unfit)) throw error;
    return { args: worked.args, issues: [error.issue] };
  }
}

function fullRules({ full }: Worked): Issue[] {
  return Object.entries(full).map(([name, left]) => ({
    property: `networks.${name}`,
    reason: `is full: no address is left for ${left.join(", ")}`,
  }));
}

/** What is wrong with the names in a lab: nothing can be worked out of one that names what is not there. */
function nameRules(args: LabArgs): Issue[] {
  return [
    ...Object.entries(args.networks).flatMap(([name, network]) => networkRules(name, network, args)),
    ...Object.entries(args.containers).flatMap(([name, container]) => containerRules(name, container, args)),
    ...args.expect.flatMap(({ from }, index) =>
      when(
        from !== "host" && !Object.hasOwn(args.containers, from) && !netnsName.safeParse(from).success,
        `expect[${index}].from`,
        "must be a container's or a namespace's name, or \"host\"",
      ),
    ),
  ];
}

function networkRules(name: string, network: LabNetwork, { networks }: LabArgs): Issue[] {
  const { subnet, subnets, gateway, ipRange, driver, dns = false, internal } = network;
  const at = `networks.${name}`;
  const own = subnets ?? listed(subnet);
  const others = Object.entries(networks).filter(([other]) => other !== name);
  const taken = own.flatMap((one) =>
    others.flatMap(([other, { subnet: single, subnets: all }]) =>
      (all ?? listed(single))
        .filter((their) => overlaps(one, their))
        .map((their) => ({ property: `${at}.subnet`, reason: `${one} overlaps ${their} of network ${other}` })),
    ),
  );
  const stray = (one: string) => own.length > 0 && !own.some((whole) => contains(whole, one));
  const upstreams = typeof dns === "object" ? dns.upstreams : undefined;
  return [
    ...taken,
    ...when(subnet !== undefined && subnets !== undefined, `${at}.subnets`, "cannot be given beside subnet"),
    ...when(new Set(own.map(familyOf)).size < own.length, `${at}.subnets`, "must be one per family"),
    ...when(!own.every(canGive), `${at}.subnet`, "must have room for a gateway and a host"),
    ...listed(gateway).flatMap((one) => when(stray(one), `${at}.gateway`, `must lie in the subnet ${own}`)),
    ...when(ipRange !== undefined && stray(ipRange), `${at}.ipRange`, `must lie in the subnet ${own}`),
    ...when(dns !== false && !isBridged(network), `${at}.dns`, `needs a gateway, and the driver ${driver} has none`),
    ...when(internal === true && upstreams !== undefined, `${at}.dns.upstreams`, "an internal network asks nobody"),
  ];
}

const noWayIn = "needs a network with the driver bridge that is not internal";

function containerRules(name: string, container: LabContainer, args: LabArgs): Issue[] {
  const { network, netns, links = {}, publish = [], aliases = [], extraHosts = [] } = container;
  const at = `containers.${name}`;
  const on = listed(network);
  const missing = on.find((one) => !Object.hasOwn(args.networks, one));
  if (missing !== undefined)
    return [{ property: `${at}.network`, reason: `there is no network ${missing} in this lab` }];
  const bridged = bridgedOf(container, args.networks);
  const resolved = bridged.some((one) => (args.networks[one]?.dns ?? false) !== false);
  const bad = Array.isArray(extraHosts) ? extraHosts.find((line) => !readHostLine(line)[1]) : undefined;
  return [
    ...when(new Set(on).size < on.length, `${at}.network`, "names a network twice"),
    ...when(netns !== undefined && on.length > 0, `${at}.netns`, "cannot be given beside network"),
    ...joinRules(at, name, container, args),
    ...when(publish.length > 0 && !publishingOf(container, args.networks), `${at}.publish`, noWayIn),
    ...when(aliases.length > 0 && !resolved, `${at}.aliases`, "needs a network with dns, whose resolver tells them"),
    ...when(bad !== undefined, `${at}.extraHosts`, `"${bad}" must be "name:address"`),
    ...Object.entries(links).flatMap(([alias, other]) => linkRules(`${at}.links.${alias}`, other, on, args)),
    ...addressRules(at, container, args),
  ];
}

function joinRules(at: string, name: string, { netns }: LabContainer, { containers }: LabArgs): Issue[] {
  if (netns === undefined) return [];
  const other = Object.hasOwn(containers, netns) ? containers[netns] : undefined;
  const long = !other && !netnsName.safeParse(netns).success;
  return [
    ...when(netns === name, `${at}.netns`, "must not be the container itself"),
    ...when(other?.netns !== undefined, `${at}.netns`, `${netns} joins a namespace itself: name that one`),
    ...when(long, `${at}.netns`, "must be the name of a container of this lab, or of a namespace"),
  ];
}

function linkRules(property: string, name: string, on: readonly string[], { containers }: LabArgs): Issue[] {
  const other = Object.hasOwn(containers, name) ? containers[name] : undefined;
  if (!other) return [{ property, reason: `there is no container ${name} in this lab` }];
  const shared = listed(other.network).some((one) => on.includes(one));
  return when(!shared, property, `leads to ${name}, which shares no network with it`);
}

function addressRules(at: string, { address, network }: LabContainer, { networks }: LabArgs): Issue[] {
  const first = networks[listed(network)[0] ?? ""];
  const subnets = first?.subnets ?? listed(first?.subnet);
  return listed(address).flatMap((one) => {
    const home = subnets.find((subnet) => contains(subnet, one));
    const where = `must lie in the subnet of its first network (${subnets.join(", ") || "give that one a subnet"})`;
    return [
      ...when(home === undefined, `${at}.address`, where),
      ...when(home !== undefined && isNoHost(home, one), `${at}.address`, `is no host's address in ${home}`),
      ...when(listed(first?.gateway).includes(one), `${at}.address`, "is the gateway's address"),
    ];
  });
}

/** What is wrong with a lab that was worked out, and with its parts. */
function labRules(args: LabArgs, parts: readonly Part[]): Issue[] {
  return [
    ...Object.entries(args.networks).flatMap(([name, network]) => twiceGiven(name, network, args)),
    ...twice(Object.entries(args.containers).filter(([, { joins }]) => joins === undefined)),
    ...publishedTwice(args),
    ...parts.flatMap(({ definition, args: own, at }) =>
      (definition.rules?.(own) ?? []).map(({ property, reason }) => ({
        property: at,
        reason: `${property} ${reason}`,
      })),
    ),
  ];
}

function twiceGiven(network: string, { subnets = [], gateways = [] }: LabNetwork, args: LabArgs): Issue[] {
  return subnets.flatMap((subnet) => {
    const holders = new Map<string, string>();
    const fixed: Record<string, string> = fixedIn(subnet, network, membersOf(network, args), args);
    return Object.entries(fixed).flatMap(([name, address]) => {
      const other = gateways.includes(address) ? "the gateway" : holders.get(address);
      holders.set(address, name);
      return when(other !== undefined, `containers.${name}.address`, `${address} is the address of ${other} already`);
    });
  });
}

/** Names are cut to 15 bytes with a hash: two of a lab may, once in a great while, become the same. */
function twice(containers: readonly (readonly [string, LabContainer])[]): Issue[] {
  const holders = new Map<string, string>();
  return containers.flatMap(([name, { netns = "" }]) => {
    const other = netns === "" ? undefined : holders.get(netns);
    holders.set(netns, name);
    const reason = `gets the same name for its namespace as container ${other} (${netns}): rename it`;
    return when(other !== undefined, `containers.${name}`, reason);
  });
}

function publishedTwice({ containers }: LabArgs): Issue[] {
  const holders = new Map<string, string>();
  return Object.entries(containers).flatMap(([name, { publish = [] }]) =>
    publish.flatMap((one, index) =>
      portsOf(one).flatMap((port) => {
        const key = portName(port);
        const other = holders.get(key);
        holders.set(key, name);
        const reason = `port ${port.hostPort}/${port.protocol} is published by ${other} already`;
        return when(other !== undefined, `containers.${name}.publish[${index}]`, reason);
      }),
    ),
  );
}
