import { type Fact, sh } from "../../kernel/command.ts";
import { localnetNotes } from "../../kernel/iptables-localnet.ts";
import { tools } from "../../kernel/passage-fact.ts";
import { quote } from "../../kernel/quote.ts";
import { type FilterChain, iptablesChains, nftChains } from "./filter-chains.ts";

/** The tools that are looked for, each with its Debian package; what every script needs is looked for at the session's start. */
export const packages: Readonly<Record<string, string>> = {
  nft: "nftables",
  iptables: "iptables",
  dnsmasq: "dnsmasq-base",
  conntrack: "conntrack",
  ss: "iproute2",
  ping: "iputils-ping",
  bash: "bash",
};

/** Asks which of those tools are there. */
export const toolsFact: Fact<Set<string>> = {
  command: sh(`for t in ${Object.keys(packages).join(" ")}; do command -v "$t" >/dev/null && echo "$t"; done; :`),
  parse: ({ stdout }) => new Set(stdout.split("\n").filter(Boolean)),
};

/** How each feature of the kernel is tried. */
const features = {
  bridge: "ip link add name a0 type bridge",
  veth: "ip link add name a1 type veth peer name a2",
  vxlan: "ip link add name a3 type vxlan id 42 dstport 4789 local 127.0.0.1",
  netem: "tc qdisc add dev lo root netem delay 1ms && tc qdisc del dev lo root",
  tbf: "tc qdisc add dev lo root tbf rate 1mbit burst 10kb latency 50ms",
  nftables: [
    "nft 'add table inet a",
    "add chain inet a b { type nat hook postrouting priority srcnat; }",
    "add rule inet a b ct status dnat masquerade",
    "add chain inet a c { type filter hook prerouting priority raw; }",
    "add rule inet a c fib saddr . iif oif != 0 drop'",
  ].join("; "),
} as const;

/** A feature of the kernel that labs use. */
export type Feature = keyof typeof features;

/** All of them. */
export const allFeatures = Object.keys(features) as Feature[];

/** Tries features in a network namespace without a name, which goes with the look: nothing of the host changes. Answers what failed. */
export function lacksFact(asked: readonly Feature[]): Fact<Map<string, string>> {
  const tries = asked.map(
    (name) => `said=$( { ${features[name]}; } 2>&1 >/dev/null) || echo "${name} $(echo "$said" | grep . | head -n 1)"`,
  );
  return {
    command: sh(asked.length === 0 ? ":" : `limit unshare --net sh -c ${quote([...tries, ":"].join("\n"))}`),
    parse: ({ stdout }) =>
      new Map(
        stdout.split("\n").flatMap((line): [string, string][] => {
          const [, name, said = ""] = /^(\S+) ?(.*)$/.exec(line) ?? [];
          return name === undefined ? [] : [[name, said]];
        }),
      ),
  };
}

/** What filters on the host. */
export interface Filters {
  chains: FilterChain[];
  /** The rule sets of iptables with rules of others, each with one of them. */
  ruleSets: Map<string, string>;
}

/** Without `-t` no table comes to be by looking. */
const saves = `${tools}
for t in $tools; do echo "@$t"; limit "$t-save" 2>/dev/null; done`;

/** Tables of others, and not ours: that has its own question. */
const tables = `limit nft list tables 2>/dev/null | grep -v ' linuxnet\\(-.*\\)\\?$' | while read -r _ family name; do
  printf '@nft '; limit nft -j list table "$family" "$name" 2>/dev/null | tr -d '\\n'; echo
done`;

/** Asks for all rules that filter what is forwarded, or is for the host. */
export const filtersFact: Fact<Filters> = {
  command: sh(`${saves}\n${tables}\n:`),
  parse: ({ stdout }) => readFilters(stdout),
};

/** What one tool saved. */
interface Saved {
  tool: string;
  lines: string[];
}

function readFilters(stdout: string): Filters {
  const blocks = stdout.split(/^@/m).slice(1);
  const native = blocks.flatMap((block) => (block.startsWith("nft ") ? nftChains(block.slice(4).trim()) : []));
  const saved = blocks
    .filter((block) => !block.startsWith("nft "))
    .map((block): Saved => {
      const [tool = "", ...lines] = block.split("\n");
      return { tool, lines };
    });
  const chains = saved.flatMap(({ tool, lines }) => iptablesChains(tool, lines));
  // Tables that iptables-nft keeps are read by its own tool.
  const own = new Set(saved.filter(({ tool }) => !/legacy/.test(tool)).flatMap(tablesOf));
  return {
    chains: [...chains, ...native.filter(({ where }) => !own.has(where))],
    ruleSets: new Map(saved.flatMap(foreignRule)),
  };
}

/** The first rule of a rule set that is not ours. */
function foreignRule({ tool, lines }: Saved): [string, string][] {
  const rule = lines.find((line) => line.startsWith("-A ") && !/linuxnet:|LINUXNET-/.test(line));
  return rule === undefined ? [] : [[/legacy/.test(tool) ? "legacy" : "nft", `${tool}-save: ${rule}`]];
}

function tablesOf({ tool, lines }: Saved): string[] {
  return lines.filter((line) => line.startsWith("*")).map((line) => tableOf(tool, line.slice(1)));
}

const tableOf = (tool: string, table: string) => `nft table ${tool.startsWith("ip6") ? "ip6" : "ip"} ${table}`;

/** Asks for the rules of policy routing that are not the kernel's own (ip-rule(8)). */
export const policiesFact: Fact<string[]> = {
  command: sh("limit ip rule show; limit ip -6 rule show 2>/dev/null; :"),
  parse: ({ stdout }) => [
    ...new Set(
      stdout
        .split("\n")
        .map((line) => line.replaceAll(/\s+/g, " ").trim())
        .filter((line) => line !== "" && !/^(0|32766|32767): from all lookup (local|main|default)$/.test(line)),
    ),
  ],
};

/** Asks on which links we have turned route_localnet on, for whichever stack. */
export const ownLocalnetFact: Fact<Set<string>> = {
  command: sh(`ls ${localnetNotes} 2>/dev/null || :`),
  parse: ({ stdout }) => new Set(stdout.split("\n").filter(Boolean)),
};
