import type { Link } from "../../kernel/links.ts";
import type { Listener } from "../../kernel/listeners.ts";
import type { SeenTable } from "../../kernel/nft.ts";
import type { SeenProcess } from "../../kernel/processes-fact.ts";
import type { Route } from "../../kernel/routes.ts";
import type { FilterChain } from "./filter-chains.ts";

/** What a name server did when it was asked from a namespace. */
export interface SeenServer {
  address: string;
  answers: boolean;
}

/** What was seen in the host's own namespace or in another one. */
export interface SeenSpace {
  /** Whether the namespace is there. */
  exists: boolean;
  links: Link[];
  routes4: Route[];
  routes6: Route[];
  /** Settings of the kernel by their file below /proc/sys/net: `ipv4/ip_forward`. */
  settings: ReadonlyMap<string, string>;
  tcp: Listener[];
  udp: Listener[];
  /** The name servers that its programs ask; of the host's own namespace none. */
  servers: SeenServer[];
}

/** What was seen of a host. */
export interface HostSeen extends SeenSpace {
  /** The tools of those that were looked for that are there. */
  tools: ReadonlySet<string>;
  /** What the kernel said to each feature that it lacks. */
  lacks: ReadonlyMap<string, string>;
  /** Our nftables table. */
  table: SeenTable;
  /** The chains of others that filter what passes the host or is for it. */
  chains: FilterChain[];
  /** Which rule sets of iptables hold rules of others, each with the first of them: `nft`, `legacy`. */
  ruleSets: ReadonlyMap<string, string>;
  /** The lines of `ip rule`, without the kernel's own. */
  policies: string[];
  /** The links on which we have turned route_localnet on, for whichever stack. */
  localnet: ReadonlySet<string>;
  spaces: ReadonlyMap<string, SeenSpace>;
  /** Programs by their owner. */
  programs: ReadonlyMap<string, SeenProcess | undefined>;
}

/** What was seen of a namespace, the host's own where none is named. */
export function spaceOf(seen: HostSeen, netns: string | undefined): SeenSpace | undefined {
  return netns === undefined ? seen : seen.spaces.get(netns);
}

/** A link of a namespace. */
export function linkIn(seen: HostSeen, netns: string | undefined, name: string): Link | undefined {
  return spaceOf(seen, netns)?.links.find((one) => one.name === name);
}

/** A setting of a namespace as text; undefined where the kernel has none. */
export function settingOf(seen: HostSeen, netns: string | undefined, file: string): string | undefined {
  return spaceOf(seen, netns)?.settings.get(file);
}
