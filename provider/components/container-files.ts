import * as pulumi from "@pulumi/pulumi";
import { bare, canonicalAddress } from "../kernel/addresses.ts";
import { fallbackDns } from "../kernel/resolv-conf.ts";
import type { ResolvConfArgs } from "../resources/resolvConf.ts";
import type { ContainerArgs } from "./container.ts";
import type { Resolving } from "./dns.ts";

type Names = Record<string, pulumi.Input<string | pulumi.Input<string>[]>>;

/**
 * What a container's resolv.conf and hosts file say; undefined when nothing of them is asked for, so that it sees the host's.
 *
 * @param addresses the container's own, with their prefixes; undefined when it is on no network with addresses
 * @param resolving whose resolver it asks, where a network of it has one and it names no other server
 * @throws RunError when a line of `extraHosts` cannot be read
 */
export function filesOf(
  container: string,
  { dns, dnsSearch, extraHosts, links, hostname }: ContainerArgs,
  addresses: pulumi.Output<string[]> | undefined,
  resolving?: Resolving,
): Omit<ResolvConfArgs, "netns"> | undefined {
  const given = { ...linked(links), ...extra(container, extraHosts) };
  const wanted = [dns, dnsSearch, hostname, resolving].some((one) => one !== undefined);
  if (!wanted && Object.keys(given).length === 0) return undefined;
  const own = addresses && { [hostname ?? container]: addresses.apply((all) => all.map(bare)) };
  const domain = resolving?.asked.domain;
  const search = dnsSearch ?? (domain === undefined ? undefined : [domain]);
  return {
    nameservers: dns ?? resolving?.asked.servers ?? fallbackDns,
    ...(search && { search }),
    // As Docker has it: a name is asked for as it is before any domain is put behind it.
    ...(resolving && { options: ["ndots:0"] }),
    hosts: merged({ ...own, ...given }, resolving?.others ?? []),
  };
}

/** A resolver knows one network: the names of the others are given as they are. */
function merged(known: Names, others: Resolving["others"]): pulumi.Input<Names> {
  if (others.length === 0) return known;
  return pulumi
    .all(others.map((names) => names.table()))
    .apply((tables) => Object.assign({}, ...tables, known) as Names);
}

function linked(links: ContainerArgs["links"] = {}): Record<string, pulumi.Output<string[]>> {
  const entries = Object.entries(links).map(
    ([alias, other]) => [alias, other.addresses.apply((all) => all.map(bare))] as const,
  );
  return Object.fromEntries(entries);
}

function extra(container: string, hosts: ContainerArgs["extraHosts"] = {}): Record<string, pulumi.Input<string>> {
  return Array.isArray(hosts) ? Object.fromEntries(hosts.map((line) => readHost(container, line))) : hosts;
}

function readHost(container: string, line: string): [string, string] {
  const match = /^([^:=]+)[:=](.+)$/.exec(line);
  const address = match && canonicalAddress((match[2] ?? "").replace(/^\[|\]$/g, ""));
  if (!match || !address)
    throw new pulumi.RunError(`container "${container}": extraHosts "${line}" must be "name:address"`);
  return [match[1] ?? "", address];
}
