// What a host has beside what is ours, as far as it matters to a plan: looked at, and set up again in other namespaces.
import { z } from "zod";
import { type Answers, type Fact, ip, type Reply, sh } from "../kernel/command.ts";
import { isOwner } from "../kernel/owner.ts";
import { quote } from "../kernel/quote.ts";
import { routeShape } from "../kernel/routes.ts";
import { runDir } from "../kernel/run-dir.ts";

const linkShape = z.looseObject({
  ifname: z.string(),
  ifindex: z.number(),
  mtu: z.number(),
  address: z.string().optional(),
  ifalias: z.string().optional(),
  master: z.string().optional(),
  flags: z.array(z.string()).default([]),
  linkinfo: z.looseObject({ info_kind: z.string().optional() }).optional(),
  addr_info: z
    .array(
      z.looseObject({ local: z.string().optional(), prefixlen: z.number().optional(), scope: z.string().optional() }),
    )
    .default([]),
});

type Link = z.infer<typeof linkShape>;
type Route = z.infer<typeof routeShape>;

function rows<T>(shape: z.ZodType<T>): (reply: Reply) => T[] {
  return ({ stdout }) => {
    const list = z.array(z.unknown()).safeParse(JSON.parse(stdout || "[]")).data ?? [];
    return list.flatMap((one) => shape.safeParse(one).data ?? []);
  };
}

const text = (script: string): Fact<string> => ({ command: sh(script), parse: ({ stdout }) => stdout });

/** The settings of the whole host that a plan looks at. */
const switches = [
  "net/ipv4/conf/all/accept_redirects",
  "net/ipv4/ip_forward",
  "net/ipv6/conf/all/forwarding",
  "net/ipv4/conf/all/rp_filter",
  "net/bridge/bridge-nf-call-iptables",
  "net/bridge/bridge-nf-call-ip6tables",
].map((name) => `/proc/sys/${name}`);

/** The older rule sets of iptables are asked for only where they are in use: to ask makes them. */
const saved = `for family in ip ip6; do
  tool=\${family}tables
  read -r some </proc/net/\${family}_tables_names 2>/dev/null && { echo "@$tool-legacy"; limit $tool-legacy-save; }
  nft list tables 2>/dev/null | grep -q -e "^table $family filter" -e "^table $family nat" -e "^table $family raw" && { echo "@$tool-nft"; limit $tool-nft-save; }
done 2>/dev/null
:`;

/** Namespaces with a name that are not ours. */
const strangers = `for file in /run/netns/*; do
  name=\${file##*/}
  [ -e "$file" ] && [ ! -e ${runDir}/netns/"$name" ] || continue
  limit nsenter --net="$file" ip -d link show lo 2>/dev/null | grep -q 'alias linuxnet:' || echo "$name"
done
:`;

/** What is asked of a host to set it up again. */
export const pictureFacts = {
  links: { command: ip(["addr", "show"]), parse: rows(linkShape) },
  routes4: { command: ip(["route", "show"]), parse: rows(routeShape) },
  routes6: { command: ip(["route", "show"], undefined, 6), parse: rows(routeShape) },
  switches: text(`limit grep -s '' ${switches.join(" ")} /dev/null || :`),
  nft: text("limit nft -s list ruleset 2>/dev/null || :"),
  iptables: text(saved),
  names: text(strangers),
};

/** What a look at a host has told. */
export type Picture = Answers<typeof pictureFacts>;

/**
 * Writes what sets a picture up. Links of the host have stand-ins of their name, address and state, whose far end leads nowhere;
 * those that are ours come when they are made.
 */
export function stageScript({ links, routes4, routes6, ...rest }: Picture, withoutNft: boolean): string {
  const strange = links.filter(({ ifname, ifalias }) => ifname !== "lo" && !isOwner(ifalias));
  const known = new Set(strange.map(({ ifname }) => ifname));
  return [
    batch([...strange.flatMap(linkLines), ...strange.flatMap((one) => masterLines(one, known))]),
    `nsenter --net=/run/.far ${batch(strange.filter((one) => !isBridge(one)).map(({ ifindex }) => `link set far${ifindex} up`))}`,
    batch(strange.flatMap(addressLines)),
    batch(routes4.flatMap((one) => routeLines(one, known))),
    batch(
      routes6.flatMap((one) => routeLines(one, known)),
      "-6 ",
    ),
    ...rest.names
      .split("\n")
      .filter(Boolean)
      .map((name) => `ip netns add ${quote(name)}`),
    ...rest.switches.split("\n").filter(Boolean).map(switchLine),
    ...(withoutNft ? [] : ruleset(rest.nft)),
    ...rest.iptables.split(/^@/m).filter(Boolean).map(restoring),
    ":",
  ].join("\n");
}

/** Lines of `ip`: what cannot be set up again is left out. */
function batch(lines: readonly string[], options = ""): string {
  return `ip ${options}-force -batch - 2>/dev/null <<'IP'\n${lines.join("\n")}\nIP`;
}

const isBridge = ({ linkinfo }: Link) => linkinfo?.info_kind === "bridge";
const isUp = ({ flags }: Link) => flags.includes("UP");

function linkLines(link: Link): string[] {
  const { ifname, ifindex, address, mtu } = link;
  const mac = address && /^([0-9a-f]{2}:){5}[0-9a-f]{2}$/.test(address) ? ` address ${address}` : "";
  const kind = isBridge(link) ? "bridge" : `veth peer name far${ifindex} netns /run/.far`;
  return [
    `link add name ${ifname}${mac} type ${kind}`,
    `link set dev ${ifname} mtu ${mtu}`,
    ...(isUp(link) ? [`link set dev ${ifname} up`] : []),
  ];
}

function masterLines({ ifname, master }: Link, known: ReadonlySet<string>): string[] {
  return master && known.has(master) ? [`link set dev ${ifname} master ${master}`] : [];
}

function addressLines({ ifname, addr_info }: Link): string[] {
  return addr_info.flatMap(({ local, prefixlen, scope }) =>
    local && scope !== "link"
      ? [`addr add ${local}/${prefixlen} dev ${ifname}${local.includes(":") ? " nodad" : ""}`]
      : [],
  );
}

function routeLines({ dst, gateway, dev, metric, protocol, type }: Route, known: ReadonlySet<string>): string[] {
  if (!dev || !known.has(dev) || protocol === "kernel" || (type && type !== "unicast")) return [];
  const words = [
    ...(gateway ? ["via", gateway] : []),
    ...["dev", dev],
    ...(metric === undefined ? [] : ["metric", `${metric}`]),
    ...(protocol ? ["proto", protocol] : []),
    ...(gateway ? ["onlink"] : []),
  ];
  return [`route add ${dst} ${words.join(" ")}`];
}

function switchLine(line: string): string {
  const [file = "", value = ""] = line.split(":");
  return `[ ! -w ${quote(file)} ] || echo ${quote(value)} >${quote(file)}`;
}

/** The tables of nftables, but for those that iptables keeps there: its own words tell these. */
function ruleset(listing: string): string[] {
  const tables = listing.split(/^(?=table )/m).filter((one) => one.startsWith("table "));
  const plain = tables.filter((one) => !/^table ip6? (filter|nat|raw|mangle|security) /.test(one));
  return plain.map((one) => `nft -f - 2>/dev/null <<'NFT'\n${one}\nNFT`);
}

function restoring(part: string): string {
  const [tool = "", ...lines] = part.split("\n");
  return `${tool}-restore <<'RULES' 2>/dev/null\n${lines.join("\n")}\nRULES`;
}
