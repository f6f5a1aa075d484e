import { type Family, familyOf } from "../../../kernel/addresses.ts";
import { listed } from "../../../kernel/issue.ts";
import { uplink } from "../../../kernel/uplink.ts";
import type { StackResource } from "../../stack.ts";
import { type Cause, type Finding, type Scene, standingOf, stoppedNote, thing, upRemedy } from "../cause.ts";
import { settingOf, spaceOf } from "../seen.ts";

/** The families that a resource needs forwarded. */
function forwards({ kind, outputs }: StackResource): Family[] {
  if (kind === "PortPublish") return [familyOf(`${outputs.targetAddress}`)];
  if (kind !== "NatRule" || outputs.forward === false) return [];
  const values = [outputs.source, outputs.destination, outputs.toAddress] as (string | string[] | undefined)[];
  const found = new Set(values.flatMap((one) => listed(one)).map(familyOf));
  return found.size === 0 ? [4] : [...found];
}

const mains = { 4: "ipv4/ip_forward", 6: "ipv6/conf/all/forwarding" } as const;
const sysctls = { 4: "net.ipv4.ip_forward", 6: "net.ipv6.conf.all.forwarding" } as const;

const forwardingOff: Cause = {
  name: "forwarding-off",
  looksAt: "`ip_forward` of each family that is translated, and `forwarding` of the links on the way",
  find: (scene) => {
    const needed = scene.resources.flatMap((one) =>
      forwards(one).map((family) => ({ family, netns: one.outputs.netns as string | undefined, urn: one.urn })),
    );
    const groups = Map.groupBy(needed, ({ family, netns }) => `${family} ${netns ?? ""}`);
    return [...groups.values()].flatMap((all): Finding[] => {
      const [{ family, netns }] = all as [(typeof all)[number]];
      const isOff = settingOf(scene.seen, netns, mains[family]) === "0";
      const file = isOff ? mains[family] : linkOff(scene, family, netns);
      if (file === undefined) return [];
      const found = switchedOff(family, netns, file, isOff ? sysctls[family] : `net.${file.replaceAll("/", ".")}`);
      return [isOff ? { ...found, remedy: `${found.remedy}, or ${upRemedy}`, urns: all.map(({ urn }) => urn) } : found];
    });
  },
};

function switchedOff(family: Family, netns: string | undefined, file: string, setting: string): Finding {
  const [where, within] = netns === undefined ? ["", ""] : [` in ${netns}`, `ip netns exec ${netns} `];
  return {
    says: `IPv${family} forwarding is off${where}: nothing passes from one link to another.`,
    evidence: [{ where: `/proc/sys/net/${file}${where}`, seen: "0" }],
    remedy: `${within}sysctl -w ${setting}=1`,
    breaks: [thing.forwarding],
    needs: [thing.netns(netns)],
  };
}

/** A link on the way may forward nothing while the host does (devinet.c, `conf/LINK/forwarding`). */
function linkOff(scene: Scene, family: Family, netns: string | undefined): string | undefined {
  if (family === 6) return undefined;
  const own = scene.topology.segments.filter((one) => one.netns === netns).map(({ bridge }) => bridge);
  const dev = spaceOf(scene.seen, netns)?.routes4.find(({ to }) => to === "default")?.dev;
  const files = [...own, ...(dev === undefined ? [] : [dev])].map((link) => `ipv4/conf/${link}/forwarding`);
  return files.find((file) => settingOf(scene.seen, netns, file) === "0");
}

/** Kinds whose packet rules stand in our table. */
const ruled = ["Bridge", "NatRule", "ForwardRule", "PortPublish", "Resolver"];

const rulesGone: Cause = {
  name: "rules-gone",
  looksAt: "our table `inet linuxnet` as a whole",
  find: ({ seen, resources }) => {
    const own = resources.filter(({ kind, outputs }) => ruled.includes(kind) && outputs.netns === undefined);
    const byNft =
      own.some(({ outputs }) => outputs.backend === "nftables") || own.some(({ kind }) => kind === "Bridge");
    const { exists, whole, fault } = seen.table;
    if (!byNft || fault !== undefined || !seen.tools.has("nft") || (exists && whole)) return [];
    if (!exists && own.every(({ outputs }) => outputs.backend === "iptables")) return [];
    return [
      {
        says: exists
          ? "Rules of our own nftables table are missing or were changed."
          : "Our nftables table is gone: somebody flushed the ruleset, or restarted a firewall that does.",
        evidence: [
          {
            where: "nft list table inet linuxnet",
            seen: exists ? "another number of rules than it was made with" : "no such table",
          },
        ],
        remedy: upRemedy,
        breaks: [thing.rules],
        urns: own.map(({ urn }) => urn),
      },
    ];
  },
};

/** What a masquerade is called among the things that are needed. */
export const masquerading = "masquerade";

/** The translations of sources on this host, those with their own interface apart. */
function masquerades({ resources }: Scene): StackResource[] {
  return resources.filter(
    ({ kind, outputs }) => kind === "NatRule" && outputs.type === "masquerade" && outputs.netns === undefined,
  );
}

const defaultsOf = ({ seen }: Scene, family: Family) =>
  (family === 6 ? seen.routes6 : seen.routes4).filter(({ to }) => to === "default");

/** The interface of the default route that the kernel takes. */
function bestOf(scene: Scene, family: Family): string | undefined {
  const best = defaultsOf(scene, family).toSorted((a, b) => (a.metric ?? 0) - (b.metric ?? 0))[0];
  return best?.dev ?? best?.ways?.[0];
}

const familiesOf = ({ outputs }: StackResource): Family[] => {
  const found = new Set(listed(outputs.source as string | string[] | undefined).map(familyOf));
  return found.size === 0 ? [4] : [...found];
};

const noUplink: Cause = {
  name: "no-uplink",
  looksAt: "the host's default route, where a network is masqueraded",
  find: (scene) => {
    const families = new Set(masquerades(scene).flatMap(familiesOf));
    return [...families]
      .filter((family) => bestOf(scene, family) === undefined)
      .map((family) => ({
        says: `The host has no IPv${family} default route: there is no way to the world.`,
        evidence: [{ where: `ip ${family === 6 ? "-6 " : ""}route show default`, seen: "nothing" }],
        remedy: `ip ${family === 6 ? "-6 " : ""}route add default via ROUTER dev LINK`,
        breaks: [thing.uplink],
        urns: masquerades(scene).map(({ urn }) => urn),
      }));
  },
};

const twoUplinks: Cause = {
  name: "two-uplinks",
  looksAt: "default routes over several links, and rules of policy routing, beside a masquerade for one of them",
  find: (scene) => masquerades(scene).flatMap((rule) => severalWays(scene, rule) ?? []),
};

function severalWays(scene: Scene, rule: StackResource): Finding | undefined {
  const [family = 4] = familiesOf(rule);
  const out = rule.outputs.outInterface;
  if (typeof out !== "string") return undefined;
  const defaults = defaultsOf(scene, family);
  const least = Math.min(...defaults.map(({ metric = 0 }) => metric));
  const used = defaults.filter(({ metric = 0 }) => metric === least);
  const devs = new Set(used.flatMap(({ dev, ways = [] }) => [...ways, ...(dev === undefined ? [] : [dev])]));
  if (devs.size < 2 && scene.seen.policies.length === 0) return undefined;
  const routes = used.map(
    ({ via, dev, ways }) => `default ${ways ? `over ${ways.join(" and ")}` : `via ${via} dev ${dev}`}`,
  );
  const other = [...devs].find((dev) => dev !== out);
  return {
    says: `There are several ways out, and only what leaves by ${out} is masqueraded.`,
    evidence: [
      ...routes.map((seen) => ({ where: "ip route show default", seen })),
      ...scene.seen.policies.map((seen) => ({ where: "ip rule", seen })),
      { where: `NatRule ${rule.name}`, seen: `outInterface ${out}` },
    ],
    remedy: `Name no outInterface in NatRule ${rule.name}${other ? `, or add one for ${other}` : ""}.`,
    breaks: [masquerading],
    urns: [rule.urn],
  };
}

const masqueradeUplink: Cause = {
  name: "masquerade-uplink",
  looksAt: "the link that each masquerade is for, beside that of the default route",
  find: (scene) =>
    masquerades(scene).flatMap((rule): Finding[] => {
      const [family = 4] = familiesOf(rule);
      const out = rule.outputs.outInterface;
      const best = bestOf(scene, family);
      if (typeof out !== "string" || out === uplink || best === undefined || best === out) return [];
      const written =
        (rule.inputs.declared as { outInterface?: unknown } | undefined)?.outInterface ?? rule.inputs.outInterface;
      return [
        {
          says: `What leaves by ${out} is masqueraded, and the default route leads out by ${best}.`,
          evidence: [
            { where: `NatRule ${rule.name}`, seen: `outInterface ${out}` },
            { where: "ip route show default", seen: `dev ${best}` },
          ],
          remedy: written === uplink ? upRemedy : `Write outInterface: "uplink" in NatRule ${rule.name}.`,
          breaks: [masquerading],
          needs: [thing.rules, thing.uplink, masquerading],
          urns: [rule.urn],
        },
      ];
    }),
};

const masqueradeMissing: Cause = {
  name: "masquerade-missing",
  looksAt: "our rules of each masquerade",
  find: (scene) =>
    standingOf(scene, "NatRule")
      .filter(({ resource }) => resource.outputs.type === "masquerade")
      .flatMap(({ resource, standing, notes }): Finding[] => {
        const own = notes.filter((note) => !/forward/i.test(note) && !stoppedNote.test(note));
        if (standing === "gone" || (standing === "drifted" && own.length > 0)) return [lostRule(resource, own)];
        return [];
      }),
};

function lostRule({ outputs, owner, urn }: StackResource, notes: readonly string[]): Finding {
  const where =
    outputs.backend === "iptables" ? "iptables -t nat -S LINUXNET-POST" : "nft list chain inet linuxnet user_post";
  const what = listed(outputs.source as string | string[] | undefined).join(", ") || "everything";
  return {
    says: `The masquerade of ${what} is ${notes.length > 0 ? "not as declared" : "missing"}: replies do not find their way back.`,
    evidence: [{ where, seen: notes.join("; ") || `no rule with the comment ${owner}` }],
    remedy: upRemedy,
    breaks: [masquerading],
    needs: [thing.rules, masquerading, thing.netns(outputs.netns as string | undefined), thing.uplink],
    urns: [urn],
  };
}

/** Causes in forwarding and in the translation of sources. */
export const forwardingCauses: readonly Cause[] = [
  forwardingOff,
  rulesGone,
  noUplink,
  twoUplinks,
  masqueradeUplink,
  masqueradeMissing,
];
