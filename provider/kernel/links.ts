import { z } from "zod";
import { canonicalAddress } from "./addresses.ts";
import { answered } from "./answered.ts";
import { type Fact, ip, noNetns, type Reply } from "./command.ts";
import { Unseen } from "./failure.ts";

/** A link as `ip -j -d addr show` tells it (iproute2, ip/ipaddress.c), with the words that are used here. */
export interface Link {
  name: string;
  ifindex: number;
  mtu: number;
  macAddress: string;
  up: boolean;
  /** What the alias says: an owner of ours, or anything. */
  alias: string | undefined;
  /** `bridge`, `veth`, ...; undefined for a physical link. */
  kind: string | undefined;
  /** The bridge that it is a port of. */
  bridge: string | undefined;
  /** The ifindex of a veth's other end. */
  peerIndex: number | undefined;
  /** The name of a veth's other end, where both are in one namespace: iproute2 tells that in place of the ifindex. */
  peerName: string | undefined;
  /** Addresses that were set, with prefix; not the link-local ones that the kernel makes. */
  addresses: string[];
  stp: boolean;
  hairpin: boolean;
  isolated: boolean;
  /** What its bridge does with the port: `forwarding`, `blocking`, `listening`, `learning` or `disabled`. */
  portState?: string | undefined;
  /** Whether it has an IPv6 link-local address, which the kernel makes. */
  linkLocal?: boolean | undefined;
  /** What a VXLAN link is: its network's number, its own end of the tunnel, its UDP port. */
  vxlan?: { vni: number | undefined; local: string | undefined; port: number | undefined } | undefined;
}

/** Where a link was looked for, and what was found. */
export interface Sight {
  link: Link | undefined;
  /** Whether the namespace is there to look into. */
  netns: boolean;
}

const shape = z.looseObject({
  ifname: z.string(),
  ifindex: z.number(),
  mtu: z.number(),
  address: z.string().default(""),
  flags: z.array(z.string()),
  ifalias: z.string().optional(),
  master: z.string().optional(),
  link_index: z.number().optional(),
  link: z.string().nullish(),
  linkinfo: z
    .looseObject({
      info_kind: z.string().optional(),
      info_data: z
        .looseObject({
          stp_state: z.number().optional(),
          id: z.number().optional(),
          local: z.string().optional(),
          local6: z.string().optional(),
          port: z.number().optional(),
        })
        .optional()
        .catch(undefined),
      info_slave_data: z
        .looseObject({ hairpin: z.boolean().optional(), isolated: z.boolean().optional(), state: z.unknown() })
        .optional(),
    })
    .optional(),
  addr_info: z
    .array(
      z.looseObject({
        local: z.string().optional(),
        prefixlen: z.number().optional(),
        scope: z.string().optional(),
        family: z.string().optional(),
        protocol: z.string().optional(),
      }),
    )
    .default([]),
});

/** Asks for one link by name. */
export function linkFact(name: string, netns?: string): Fact<Sight> {
  return { command: ip(["addr", "show", "dev", name], netns), parse: sight };
}

/** Asks for all links of a namespace, with their addresses. */
export function linksFact(netns?: string): Fact<Link[]> {
  return { command: ip(["addr", "show"], netns), parse: allLinks };
}

function allLinks(reply: Reply): Link[] {
  return isAbsence(reply) ? [] : readLinks(reply);
}

/** Exit codes of `timeout` itself (timeout(1)): the command was ended, cannot be run, or is not there. */
const unanswered = [124, 125, 126, 127, 137];

/** Whether a reply is positive evidence that a link, a namespace or a file is not there, and not another failure. */
export function isAbsence({ code, stderr }: Reply): boolean {
  return (
    code !== 0 &&
    !unanswered.includes(code) &&
    /does not exist|Cannot find device|No such (device|file or directory)/.test(stderr) &&
    !/not found/.test(stderr)
  );
}

function sight(reply: Reply): Sight {
  if (isAbsence(reply)) return { link: undefined, netns: !noNetns.test(reply.stderr) };
  return { link: readLinks(reply)[0], netns: true };
}

/** Reads the answer of `ip -j -d addr show`. */
export function readLinks(reply: Reply): Link[] {
  return readJson(reply, z.array(shape)).map((found) => ({
    name: found.ifname,
    ifindex: found.ifindex,
    mtu: found.mtu,
    macAddress: found.address,
    up: found.flags.includes("UP"),
    alias: found.ifalias,
    kind: found.linkinfo?.info_kind,
    bridge: found.master,
    peerIndex: found.link_index,
    peerName: found.link ?? undefined,
    addresses: found.addr_info.flatMap(({ local, prefixlen, scope, family }) => {
      if (!local || (scope === "link" && family === "inet6")) return [];
      return [`${canonicalAddress(local) ?? local}/${prefixlen}`];
    }),
    stp: (found.linkinfo?.info_data?.stp_state ?? 0) > 0,
    hairpin: found.linkinfo?.info_slave_data?.hairpin ?? false,
    isolated: found.linkinfo?.info_slave_data?.isolated ?? false,
    ...portStateOf(found.linkinfo?.info_slave_data?.state),
    ...(found.addr_info.some(({ scope, family }) => scope === "link" && family === "inet6") && { linkLocal: true }),
    ...(found.linkinfo?.info_kind === "vxlan" && { vxlan: readVxlan(found.linkinfo.info_data ?? {}) }),
  }));
}

function portStateOf(state: unknown): Pick<Link, "portState"> {
  return typeof state === "string" ? { portState: state } : {};
}

function readVxlan({ id, local, local6, port }: { id?: number; local?: string; local6?: string; port?: number }) {
  return { vni: id, local: local6 ?? local, port };
}

/**
 * Reads JSON that a tool of the kernel printed.
 * @throws Unseen with the tool's words when it failed, or when what it printed is not what it is known to print
 */
export function readJson<T>(reply: Reply, schema: z.ZodType<T>): T {
  const { stdout } = answered(reply);
  try {
    return schema.parse(JSON.parse(stdout.trim() === "" ? "[]" : stdout));
  } catch {
    const cause = `unexpected output ${JSON.stringify(stdout.slice(0, 80))}`;
    throw new Unseen({
      problem: "cannot read what the host's tools print",
      cause,
      state: "Nothing was changed.",
    });
  }
}

/** Whether two links are the ends of one veth pair. */
export function isPair(one: Link | undefined, other: Link | undefined): boolean {
  if (!one || !other || one.kind !== "veth") return false;
  return one.peerName === undefined ? one.peerIndex === other.ifindex : one.peerName === other.name;
}
