import type { StackResource } from "../../stack.ts";
import { type Cause, type Finding, type Scene, thing, upRemedy } from "../cause.ts";
import { packages } from "../host-facts.ts";
import { settingOf } from "../seen.ts";

/** The tools that what is declared needs, beside those that every script needs. */
function neededTools({ resources, seen }: Scene): string[] {
  const some = (kind: string) => resources.some((one) => one.kind === kind);
  const byNft = resources.some(({ outputs }) => outputs.backend === "nftables");
  const blind = !seen.tools.has("nft") && !seen.tools.has("iptables");
  return [
    ...(byNft || blind ? ["nft"] : []),
    ...(resources.some(({ outputs }) => outputs.backend === "iptables") ? ["iptables"] : []),
    ...(some("Resolver") ? ["dnsmasq"] : []),
    ...(some("PortPublish") ? ["conntrack"] : []),
    ...(some("Expect") ? ["ping", "bash"] : []),
  ];
}

const toolMissing: Cause = {
  name: "tool-missing",
  looksAt: "the tools that the stack needs: nft or iptables, dnsmasq, conntrack, ping",
  find: (scene) =>
    neededTools(scene)
      .filter((tool) => !scene.seen.tools.has(tool))
      .map((tool) => ({
        says: `The tool ${tool} is missing on the host.`,
        evidence: [{ where: `command -v ${tool}`, seen: "nothing" }],
        remedy: `apt-get install ${packages[tool] ?? tool}`,
        breaks: [thing.tool(tool), ...(tool === "nft" || tool === "iptables" ? [thing.rules] : [])],
      })),
};

const modules: Readonly<Record<string, string>> = { netem: "sch_netem", tbf: "sch_tbf", nftables: "nf_tables" };

const kernelFeature: Cause = {
  name: "kernel-feature",
  looksAt:
    "bridge, veth, vxlan, netem, tbf and nftables, tried in a namespace without a name, as far as the stack needs them",
  find: ({ seen, resources }) =>
    [...seen.lacks]
      // Without a stack, what only some labs need is no fault of the host.
      .filter(([feature]) => resources.length > 0 || ["bridge", "veth"].includes(feature))
      .filter(([feature]) => feature !== "nftables" || seen.tools.has("nft"))
      .map(([feature, said]) => ({
        says: `The kernel has no ${feature}.`,
        evidence: [{ where: `trying ${feature} in a namespace of its own`, seen: said || "it failed" }],
        remedy: `modprobe ${modules[feature] ?? feature}, or use another kernel.`,
        breaks: feature === "nftables" ? [thing.rules] : [],
        urns: feature === "netem" || feature === "tbf" ? resources.filter(isImpaired).map(({ urn }) => urn) : [],
      })),
};

/** Whether a cable is to be a bad one. */
function isImpaired({ outputs }: StackResource): boolean {
  return [outputs.impairment, (outputs.peer as { impairment?: unknown } | undefined)?.impairment].some(
    (one) => typeof one === "object" && one !== null,
  );
}

const conntrackFull: Cause = {
  name: "conntrack-full",
  looksAt: "`nf_conntrack_count` beside `nf_conntrack_max`",
  find: ({ seen }) => {
    const read = (name: string) => Number(settingOf(seen, undefined, `netfilter/${name}`) ?? Number.NaN);
    const [count, max] = [read("nf_conntrack_count"), read("nf_conntrack_max")];
    if (!(max > 0) || !(count >= max * 0.95)) return [];
    return [
      {
        says: `The table of connections is full: ${count} of ${max}. New ones are dropped.`,
        evidence: [
          { where: "/proc/sys/net/netfilter/nf_conntrack_count", seen: `${count}` },
          { where: "/proc/sys/net/netfilter/nf_conntrack_max", seen: `${max}` },
        ],
        remedy: `sysctl -w net.netfilter.nf_conntrack_max=${max * 2}`,
        breaks: ["connections"],
      },
    ];
  },
};

const rpFilter: Cause = {
  name: "rp-filter",
  looksAt: "`rp_filter` of a link with a default route that is not the one the kernel takes",
  find: ({ seen }) => {
    const defaults = seen.routes4
      .filter(({ to, dev }) => to === "default" && dev !== undefined)
      .toSorted((a, b) => (a.metric ?? 0) - (b.metric ?? 0));
    const [best, ...others] = [...new Set(defaults.map(({ dev }) => `${dev}`))];
    const value = (link: string) => Number(settingOf(seen, undefined, `ipv4/conf/${link}/rp_filter`) ?? 0);
    // The larger one of `all` and the link's own counts (ip-sysctl).
    const strict = others.filter((dev) => Math.max(value("all"), value(dev)) === 1);
    return strict.map((dev): Finding => {
      const file = value(dev) === 1 ? dev : "all";
      return {
        says: `rp_filter is strict on ${dev}, and replies leave by ${best}: what comes in by ${dev} from the world is dropped.`,
        evidence: [
          { where: `/proc/sys/net/ipv4/conf/${file}/rp_filter`, seen: "1" },
          { where: "ip route show default", seen: `dev ${best} before dev ${dev}` },
        ],
        remedy: `sysctl -w net.ipv4.conf.${dev}.rp_filter=2`,
        breaks: [],
      };
    });
  },
};

const mixedIptables: Cause = {
  name: "iptables-mixed",
  looksAt: "whether both rule sets of iptables, legacy and nft, hold rules",
  find: ({ seen: { ruleSets } }) =>
    ruleSets.size < 2
      ? []
      : [
          {
            says: "Both rule sets of iptables hold rules, legacy and nft: a packet passes both, and each tool shows one of them only.",
            evidence: [...ruleSets].map(([name, rule]) => ({ where: `the rule set ${name}`, seen: rule })),
            remedy:
              "Let all programs use one of them: update-alternatives --config iptables, then restart those that have made rules.",
            breaks: [],
          },
        ],
};

/** What differs of our own objects, and is told by no other cause. */
export const drift: Cause = {
  name: "drift",
  looksAt: "every object of the stack, as `pulumi refresh` does",
  find: ({ standing }) =>
    standing
      .filter((one) => one.standing === "drifted" || one.standing === "gone" || one.standing === "unknown")
      .map(({ resource: { kind, name, urn }, standing: how, notes }) => ({
        says:
          how === "unknown"
            ? `It is not known how ${kind} ${name} stands.`
            : `${kind} ${name} is ${how === "gone" ? "gone" : "not as declared"}.`,
        evidence: (notes.length > 0 ? notes : ["not there"]).map((seen) => ({
          where: "as pulumi refresh sees it",
          seen,
        })),
        remedy: upRemedy,
        breaks: [],
        urns: [urn],
      })),
};

/** Causes in the host itself that come first, and those that come last. */
export const hostCauses: readonly Cause[] = [toolMissing, kernelFeature];

/** Causes in settings of the host's that hinder only some packets. */
export const settingCauses: readonly Cause[] = [conntrackFull, rpFilter];

/** See {@link mixedIptables}. */
export const lastCauses: readonly Cause[] = [mixedIptables];
