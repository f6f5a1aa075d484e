import { bare } from "../../../kernel/addresses.ts";
import { type Cause, type Finding, type Scene, stoppedNote, thing, upRemedy } from "../cause.ts";
import { type ChainStop, stopIn, whoseRule } from "../filter-chains.ts";
import { bridged, bridgeSwitches, comingIn, leaving, type Passing, questions } from "../passing.ts";

/** A rule or a policy in the way, and the packets that it drops. */
interface Stopped {
  stop: ChainStop;
  passing: Passing[];
}

/** What stops packets in the chains of one hook: each rule once, with the packets that it stops. */
function stopped(scene: Scene, hook: "forward" | "input", packets: readonly Passing[]): Stopped[] {
  const found = new Map<string, Stopped>();
  for (const passing of packets)
    for (const chain of scene.seen.chains) {
      const stop = chain.hook === hook ? stopIn(chain, passing.packet) : undefined;
      if (!stop) continue;
      const key = stopKey(stop);
      const all = found.get(key) ?? { stop, passing: [] };
      found.set(key, { stop, passing: [...all.passing, passing] });
    }
  return [...found.values()];
}

const stopKey = ({ chain, rule, path }: ChainStop) => `${chain.where} ${path.join(" ")} ${rule?.text ?? "policy"}`;

function stopFinding({ stop, passing }: Stopped): Omit<Finding, "breaks"> {
  const { chain, rule, path } = stop;
  const who = whoseRule(stop);
  const whole = passing.filter(({ single }) => !single);
  const what = [...new Set((whole.length > 0 ? whole : passing).map((one) => one.what))].slice(0, 3).join(", ");
  const where = `${chain.where} ${path.join(" → ")}`;
  const bridge = passing[0]?.bridge ?? "";
  return {
    says: rule ? `A rule of ${who} drops ${what}.` : `The policy of ${chain.base} (${who}) drops ${what}.`,
    evidence: [{ where, seen: rule ? rule.text : `policy DROP` }],
    remedy: remedyOf(stop, who, bridge),
  };
}

function remedyOf({ chain, rule, path }: ChainStop, who: string, bridge: string): string {
  const inner = path.at(-1) ?? chain.base;
  const byIptables = chain.where.startsWith("ip");
  // What has a policy, or a last rule in its stead, lets our accept stand before it.
  if (byIptables && (!rule || /^ufw6?-reject-/.test(inner)))
    return `${upRemedy}: it puts our accept into ${chain.base}.`;
  if (who === "ufw") return ufwRemedy(inner);
  if (who === "firewalld")
    return `firewall-cmd --permanent --zone=trusted --add-interface=${bridge} && firewall-cmd --reload`;
  if (who === "linuxnet") return upRemedy;
  if (!byIptables) return `Let it through in ${chain.where}, chain ${inner}: ours cannot override it.`;
  const [tool, table] = chain.where.split(" ");
  return `${tool} -t ${table} ${rule?.text.replace(/^-A/, "-D")}, if nobody needs it.`;
}

/** ufw's rules are asked in their order (ufw(8)): an allow behind a deny changes nothing. */
function ufwRemedy(chain: string): string {
  const file = /^ufw(6?)-(before|after)-/.exec(chain);
  if (file) return `Take it out of /etc/ufw/${file[2]}${file[1]}.rules, if nobody needs it, and \`ufw reload\`.`;
  return "`ufw status numbered`, and `ufw delete NUMBER` of that rule, if nobody needs it.";
}

const filterThing = (stop: ChainStop) => `filter ${stopKey(stop)}`;

/** Where our accept in FORWARD is missing, or others stop what is forwarded: told as the policy or the rule in the way. */
const isOfForward = (note: string) =>
  /^FORWARD of .* may stop/.test(note) || (stoppedNote.test(note) && !isOfInput(note));

/** Where others stop questions to a resolver. */
const isOfInput = (note: string) => / ask of its resolver is stopped by /.test(note);

const noted = ({ standing }: Scene, isMeant: (note: string) => boolean) =>
  standing.filter(({ notes }) => notes.some(isMeant)).map(({ resource }) => resource.urn);

function forwardStops(scene: Scene, kind: "policy" | "rule"): Finding[] {
  return stopped(scene, "forward", [...leaving(scene), ...comingIn(scene)])
    .filter(({ stop }) => (stop.rule === undefined) === (kind === "policy"))
    .map((one) => ({
      ...stopFinding(one),
      breaks: [thing.forwarding, filterThing(one.stop)],
      needs: [thing.rules],
      urns: noted(scene, isOfForward),
    }));
}

const forwardPolicy: Cause = {
  name: "forward-policy",
  looksAt:
    "the policies of FORWARD in iptables (both rule sets) and in nftables, and whether our accept stands before them",
  find: (scene) => forwardStops(scene, "policy"),
};

const forwardRule: Cause = {
  name: "forward-rule",
  looksAt: "the rules of FORWARD and of the chains that it leads to, followed for the stack's own packets",
  find: (scene) => forwardStops(scene, "rule"),
};

const brNetfilter: Cause = {
  name: "br-netfilter",
  looksAt: "`bridge-nf-call-iptables`, and the rules that meet bridged packets by it",
  find: (scene) =>
    stopped(scene, "forward", bridged(scene)).map((one) => {
      const found = stopFinding(one);
      const file = bridgeSwitches[one.passing[0]?.packet.family ?? 4];
      return {
        ...found,
        says: `br_netfilter is on, so bridged packets pass FORWARD. ${found.says}`,
        evidence: [{ where: `/proc/sys/net/${file}`, seen: "1" }, ...found.evidence],
        remedy: `sysctl -w net.${file.replaceAll("/", ".")}=0, if no other program needs it; or ${found.remedy}`,
        breaks: [],
        needs: [filterThing(one.stop), thing.rules],
        urns: noted(scene, isOfForward),
      };
    }),
};

/** What a name server is called among the things that are needed. */
export const nameServer = (address: string) => `name server ${bare(address)}`;

const inputRule: Cause = {
  name: "input-rule",
  looksAt: "INPUT, followed for what containers ask their network's resolver",
  find: (scene) =>
    stopped(scene, "input", questions(scene)).map((one) => ({
      ...stopFinding(one),
      remedy: opening(one),
      breaks: one.passing.map(({ packet }) => nameServer(packet.destination ?? "")),
      needs: [],
      urns: noted(scene, isOfInput),
    })),
};

/** What lets questions for names into the host. */
function opening({ stop, passing: [first] }: Stopped): string {
  const bridge = first?.bridge ?? "";
  if (whoseRule(stop) === "ufw") return `ufw allow in on ${bridge} to any port 53`;
  if (!stop.chain.where.startsWith("ip")) return remedyOf(stop, whoseRule(stop), bridge);
  const tool = stop.chain.where.split(" ")[0];
  return ["udp", "tcp"].map((one) => `${tool} -I INPUT -i ${bridge} -p ${one} --dport 53 -j ACCEPT`).join("; ");
}

/** Causes in packet filters. */
export const filterCauses: readonly Cause[] = [forwardPolicy, forwardRule, brNetfilter, inputRule];
