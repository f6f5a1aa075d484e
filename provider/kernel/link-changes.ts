import { familyOf, subnetOf } from "./addresses.ts";
import { type Change, type Command, type IpCommand, ip, run, type Step } from "./command.ts";
import type { Link } from "./links.ts";
import { isConnected, type Route } from "./routes.ts";

/** How a link should be, as far as all kinds of links share it. */
export interface WantedLink {
  name: string;
  netns?: string | undefined;
  mtu: number;
  macAddress: string;
  addresses: readonly string[];
  /** The owner's text, for the alias. */
  owner: string;
  /** What precedes a property's name: `peer.` or nothing. */
  prefix: string;
}

/** A link as it stands right after it was made as wanted: it has its MAC and MTU, and nothing else. */
export function freshLink({ name, mtu, macAddress }: WantedLink, kind: string): Link {
  const none = { alias: undefined, bridge: undefined, peerIndex: undefined, peerName: undefined, addresses: [] };
  return { name, mtu, macAddress, kind, ...none, ifindex: 0, up: false, stp: false, hairpin: false, isolated: false };
}

/**
 * Changes of a link that is being made: it goes as a whole when a later step fails, so they need no inverse. No input of theirs has
 * drifted, what is told is that the link is missing.
 */
export function ofNewLink(changes: readonly Change[], drift: string): Change[] {
  const bare = ({ what, do: command, typed }: Step): Step => ({ what, do: command, ...(typed && { typed }) });
  return changes.map(({ steps }) => ({ drift, steps: steps.map(bare) }));
}

/** One `ip link set dev NAME ...` with its inverse. */
export function setLink(
  { name, netns }: Pick<WantedLink, "name" | "netns">,
  words: readonly string[],
  back: readonly string[],
): Step {
  const set = (what: readonly string[]) => ip(["link", "set", "dev", name, ...what], netns);
  const undo = back.length > 0 ? [set(back)] : [];
  return { what: `set ${words.join(" ")} on ${name}`, do: set(words), undo };
}

/** What differs in a link's owner, MTU and MAC. */
export function attributeChanges(wanted: WantedLink, link: Link): Change[] {
  const { name, owner, mtu, macAddress, prefix } = wanted;
  const changes: Change[] = [];
  if (link.alias !== owner) {
    const undo = link.alias ? [aliasCommand(name, wanted.netns, link.alias)] : [];
    const step = { ...setLink(wanted, ["alias", owner], []), what: `mark ${name} as ours`, undo };
    changes.push({ drift: `${name} does not carry its owner`, steps: [step] });
  }
  if (link.mtu !== mtu) {
    changes.push({
      property: `${prefix}mtu`,
      actual: link.mtu,
      steps: [setLink(wanted, ["mtu", `${mtu}`], ["mtu", `${link.mtu}`])],
    });
  }
  if (link.macAddress !== macAddress) {
    const step = setLink(wanted, ["address", macAddress], ["address", link.macAddress]);
    changes.push({ property: `${prefix}macAddress`, actual: link.macAddress, steps: [step] });
  }
  return changes;
}

/** What differs in whether a link is up. */
export function upChanges(wanted: WantedLink, link: Link): Change[] {
  return link.up ? [] : [{ drift: `${wanted.name} is down`, steps: [setLink(wanted, ["up"], ["down"])] }];
}

/**
 * What differs in a link's addresses. Those that are not wanted go first; since the kernel then drops further IPv4
 * addresses of the same subnet (promote_secondaries, ip-sysctl), the wanted ones of that family are set again. So are those of a
 * subnet that stand in another order than is wanted, and one whose route to its subnet somebody has deleted: the kernel makes that with
 * the address, and through no other are its gateways reached.
 *
 * @param removable which of the standing addresses may be taken away; all of them on a link of ours
 * @param routes those of the link's namespace, where such a route is to be looked for
 */
export function addressChanges(
  wanted: WantedLink,
  link: Link,
  removable: (address: string) => boolean,
  routes?: readonly Route[],
): Change[] {
  const isWanted = (address: string) => wanted.addresses.includes(address);
  const isCutOff = (address: string) => link.up && routes !== undefined && !isConnected(address, wanted.name, routes);
  const moved = new Set(misplaced(wanted.addresses, link.addresses, removable));
  const goes = (address: string) => moved.has(address) || !isWanted(address) || isCutOff(address);
  // The last first: the kernel lists an address behind the one with which it would go.
  const surplus = link.addresses.filter((address) => goes(address) && removable(address)).toReversed();
  const shaken = new Set(surplus.map(familyOf));
  const stays = (address: string) => link.addresses.includes(address) && !shaken.has(familyOf(address));
  const missing = wanted.addresses.filter((address) => !stays(address));
  if (surplus.length === 0 && missing.length === 0) return [];
  const steps = addressSteps(wanted, link, surplus, missing);
  const actual = link.addresses.filter((address) => isWanted(address) || removable(address));
  const cut = surplus.find((address) => isWanted(address) && isCutOff(address));
  const alone = surplus.every(isWanted) && wanted.addresses.every((address) => link.addresses.includes(address));
  return told(wanted, steps, { actual, cut, alone: alone && moved.size === 0 });
}

/**
 * A lost route is told in words, also beside other addresses: those alone may be the ones that are declared, and nothing would be mended.
 */
function told(
  { prefix, name }: WantedLink,
  steps: Step[],
  { actual, cut, alone }: { actual: string[]; cut: string | undefined; alone: boolean },
): Change[] {
  const property = `${prefix}addresses`;
  if (cut === undefined) return [{ property, actual, steps }];
  const drift = `${name} has no route to ${subnetOf(cut)}, where its address ${cut} is`;
  return alone
    ? [{ drift, steps }]
    : [
        { property, actual, steps },
        { drift, steps: [] },
      ];
}

/**
 * The IPv4 addresses behind the first that stands where another one of its subnet is wanted. The first of a subnet is the source of what
 * the host sends into it, the others are its secondaries (ip-address(8)).
 */
function misplaced(
  wanted: readonly string[],
  standing: readonly string[],
  removable: (address: string) => boolean,
): string[] {
  const ipv4 = [...new Set(wanted)].filter((address) => familyOf(address) === 4);
  const groups = Map.groupBy(ipv4, subnetOf);
  return [...groups.values()].flatMap((group) => {
    const there = standing.filter((address) => group.includes(address));
    const at = there.findIndex((address, index) => address !== group[index]);
    const behind = at < 0 ? [] : there.slice(at);
    return behind.every(removable) ? behind : [];
  });
}

function addressSteps(wanted: WantedLink, { addresses }: Link, surplus: string[], missing: string[]): Step[] {
  const restore = addresses.map((address) => addressCommand("replace", address, wanted));
  return [
    ...surplus.map((address) => ({ ...addressStep("del", address, wanted), undo: restore })),
    ...missing.map((address) => ({
      ...addressStep("replace", address, wanted),
      undo: addresses.includes(address) ? [] : [addressCommand("del", address, wanted)],
    })),
  ];
}

/** Sets one address on a link, or takes it away; without an inverse. */
export function addressStep(verb: "replace" | "del", address: string, link: Pick<WantedLink, "name" | "netns">): Step {
  const what =
    verb === "del" ? `remove address ${address} from ${link.name}` : `add address ${address} to ${link.name}`;
  return { what, do: addressCommand(verb, address, link) };
}

/** An address must work at once: IPv6's duplicate detection would hold it back for a second (ip-address(8)). */
function addressCommand(
  verb: "replace" | "del",
  address: string,
  { name, netns }: Pick<WantedLink, "name" | "netns">,
): IpCommand {
  const nodad = verb === "replace" && familyOf(address) === 6 ? ["nodad"] : [];
  return ip(["addr", verb, address, "dev", name, ...nodad], netns);
}

/** Takes our mark off a link that stays, and puts back what it carried before. */
export function releaseStep(name: string, netns?: string, former = ""): Step {
  return { what: `release ${name}`, do: aliasCommand(name, netns, former) };
}

/** Sets what a link carries; a stranger's text may have blanks, which `ip -batch` would part. */
export function aliasCommand(name: string, netns: string | undefined, text: string): Command {
  return run([...(netns ? ["ip", "-n", netns] : ["ip"]), "link", "set", "dev", name, "alias", text]);
}
