import { bare, canonicalAddress } from "../../kernel/addresses.ts";
import { listed } from "../../kernel/issue.ts";
import { fallbackDns } from "../../kernel/resolv-conf.ts";
import { bridgedOf, inSubnets, membersOf } from "./derive.ts";
import type { LabArgs, LabContainer, LabNetwork } from "./shape.ts";

type Hosts = Record<string, string | string[]>;

/**
 * What a container's resolv.conf and hosts file say, by the rules of the component Container; undefined when nothing of them is
 * asked for, so that it sees the host's.
 */
export function filesOf(lab: LabArgs, name: string, container: LabContainer) {
  const { dns, dnsSearch, hostname, links, extraHosts } = container;
  const resolving = bridgedOf(container, lab.networks).filter((one) => (lab.networks[one]?.dns ?? false) !== false);
  const network = (one: string | undefined) => (one === undefined ? undefined : lab.networks[one]);
  // The first network that resolves names, one with a way out before an internal one.
  const asked = dns ? undefined : (resolving.find((one) => !network(one)?.internal) ?? resolving[0]);
  const given = { ...linked(lab, links), ...extra(extraHosts) };
  const wanted = [dns, dnsSearch, hostname, asked].some((one) => one !== undefined);
  if (!wanted && Object.keys(given).length === 0) return undefined;
  const own: Hosts = container.addresses.length > 0 ? { [hostname ?? name]: container.addresses.map(bare) } : {};
  const others = asked === undefined ? [] : resolving.filter((one) => one !== asked).map((one) => table(lab, one));
  const search = dnsSearch ?? domainOf(network(asked));
  return {
    nameservers: dns ?? network(asked)?.gateways ?? fallbackDns,
    ...(search && { search }),
    ...(asked !== undefined && { options: ["ndots:0"] }),
    hosts: Object.assign({}, ...others, own, given) as Hosts,
  };
}

function domainOf(network: LabNetwork | undefined): string[] | undefined {
  const dns = network?.dns;
  return typeof dns === "object" && dns.domain !== undefined ? [dns.domain] : undefined;
}

function linked({ containers }: LabArgs, links: Record<string, string> = {}): Hosts {
  const entries = Object.entries(links).map(
    ([alias, other]) => [alias, (containers[other]?.addresses ?? []).map(bare)] as const,
  );
  return Object.fromEntries(entries.filter(([, addresses]) => addresses.length > 0));
}

/** The address of a line `name:address`. */
export function readHostLine(line: string): [name: string, address: string | undefined] {
  const [, name = "", address = ""] = /^([^:=]+)[:=](.+)$/.exec(line) ?? [];
  return [name, canonicalAddress(address.replace(/^\[|\]$/g, ""))];
}

function extra(hosts: Record<string, string> | string[] = {}): Record<string, string> {
  if (!Array.isArray(hosts)) return hosts;
  return Object.fromEntries(hosts.map(readHostLine).flatMap(([name, address]) => (address ? [[name, address]] : [])));
}

/** The names of a network's containers, for one that asks the resolver of another network. */
function table(lab: LabArgs, network: string): Hosts {
  const found = new Map<string, string[]>();
  const { subnets = [] } = lab.networks[network] as LabNetwork;
  for (const name of membersOf(network, lab)) {
    const { hostname, aliases = [], addresses } = lab.containers[name] as LabContainer;
    for (const one of new Set([name, ...listed(hostname), ...aliases]))
      for (const form of [one, `${one}.${network}`])
        found.set(form, [...(found.get(form) ?? []), ...inSubnets(addresses, subnets).map(bare)]);
  }
  return Object.fromEntries(found);
}
