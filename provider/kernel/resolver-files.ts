import { parseCidr } from "./addresses.ts";
import { type Fact, type ShCommand, type Step, sh } from "./command.ts";
import { Unseen } from "./failure.ts";
import { ownerKey, shortHash } from "./owner.ts";
import { processDir } from "./processes.ts";
import { typedSignal } from "./processes-typed.ts";
import { quote } from "./quote.ts";
import { makeDir, runDir } from "./run-dir.ts";
import { typed, typedFile } from "./typed.ts";

/** A container as its network's resolver knows it. */
export interface Member {
  addresses: string[];
  /** Its names besides the one that it is kept under. */
  aliases?: string[] | undefined;
}

/** What a resolver knows, and whom it asks. */
export interface Names {
  /** The network's name: `web.shop` is `web` in the network `shop`. */
  network: string;
  /** A domain of the network's own. */
  domain?: string | undefined;
  /** The gateway's addresses, with prefix: what lies in their subnets is nobody else's to answer. */
  addresses: readonly string[];
  members: Readonly<Record<string, Member>>;
  /** Whether what is not known here is asked elsewhere. */
  forward: boolean;
}

/** The two files that dnsmasq reads, at its start and at each SIGHUP (dnsmasq(8), --addn-hosts, --servers-file). */
export interface ResolverTexts {
  hosts: string;
  servers: string;
}

/** The folder of a resolver's files: gone after a reboot, as it is. */
export function resolverDir(owner: string): string {
  return `${runDir}/dns/${ownerKey(owner)}`;
}

/** Writes both files. The name that stands first for an address is the answer to the question which name it has. */
export function resolverTexts(names: Names, upstreams: readonly string[]): ResolverTexts {
  const members = Object.entries(names.members).toSorted(([one], [other]) => (one < other ? -1 : 1));
  const lines = members.flatMap(([name, { addresses, aliases = [] }]) => {
    const all = [...new Set([name, ...aliases].flatMap((one) => formsOf(one, names)))];
    return addresses.map((address) => `${address} ${all.join(" ")}`);
  });
  return {
    hosts: text(lines),
    servers: text([...ownZones(names).map((zone) => `server=/${zone}/`), ...asking(names, upstreams)]),
  };
}

function text(lines: readonly string[]): string {
  return lines.map((line) => `${line}\n`).join("");
}

/** A name in all forms that are answered, the one that an address is told to have first. */
function formsOf(name: string, { network, domain }: Names): string[] {
  const long = [...(domain ? [`${name}.${domain}`] : []), `${name}.${network}`];
  return [...long, name].map((one) => one.toLowerCase());
}

/**
 * The domains that nobody else is asked about: the names with a dot (those without one are never asked about), and the way
 * back from the subnets' addresses. Without them dnsmasq asks upstream for what a name of ours has not, such as an AAAA.
 */
function ownZones(names: Names): string[] {
  const { members, domain, addresses, forward } = names;
  if (!forward) return [];
  const known = Object.entries(members).flatMap(([name, { aliases = [] }]) => [name, ...aliases]);
  const dotted = known.flatMap((one) => formsOf(one, names)).filter((one) => one.includes("."));
  const zones = [...(domain ? [domain.toLowerCase()] : []), ...dotted, ...addresses.flatMap(reverseZones)];
  return [...new Set(zones)].toSorted();
}

/** Whom to ask for the rest; `#` stands for every name: then nothing ever leaves. */
function asking({ forward }: Names, upstreams: readonly string[]): string[] {
  return forward ? upstreams.map((one) => `server=${one}`) : ["server=/#/"];
}

/** The domains that hold the names of a subnet's addresses (RFC 1035, 3.5; RFC 3596, 2.5): as many as its prefix needs. */
export function reverseZones(cidr: string): string[] {
  const { address, prefix, family } = parseCidr(cidr) ?? { address: "", prefix: 0, family: 4 as const };
  const [width, base] = family === 4 ? [8, 10] : [4, 16];
  const digits = family === 4 ? address.split(".") : nibbles(address);
  const count = Math.ceil(prefix / width);
  const free = count * width - prefix;
  const last = Number.parseInt(digits[count - 1] ?? "0", base) & ~((1 << free) - 1);
  const tail = family === 4 ? "in-addr.arpa" : "ip6.arpa";
  return Array.from({ length: 1 << free }, (_, step) => {
    const own = count === 0 ? [] : [...digits.slice(0, count - 1), (last + step).toString(base)];
    return [...own.toReversed(), tail].join(".");
  });
}

function nibbles(address: string): string[] {
  const [head = "", rest] = address.split("::");
  const groups = (part: string) => part.split(":").filter(Boolean);
  const [front, back] = [groups(head), groups(rest ?? "")];
  const zeros = rest === undefined ? [] : Array.from({ length: 8 - front.length - back.length }, () => "0");
  return [...front, ...zeros, ...back].flatMap((group) => [...group.padStart(4, "0")]);
}

/** How a resolver's files stand. */
export interface SeenTexts extends ResolverTexts {
  /** Of which texts it is known that the running dnsmasq has read them. */
  loaded: string;
}

/** Asks for a resolver's files; undefined when there are none. */
export function resolverFact(owner: string): Fact<SeenTexts | undefined> {
  const dir = resolverDir(owner);
  const show =
    'for file in hosts servers loaded; do printf "%s " $file; [ ! -e $file ] || limit base64 -w 0 $file || exit; echo; done';
  return {
    command: sh(`cd ${dir} 2>/dev/null || exit 0\n${show}`),
    parse: ({ code, stdout, stderr }) => {
      if (code !== 0)
        throw new Unseen({ problem: `cannot look at ${dir}`, cause: stderr, state: "Nothing was changed." });
      const found = new Map(stdout.split("\n").map((line) => [line.split(" ")[0], line.split(" ")[1] ?? ""]));
      const of = (name: string) => Buffer.from(found.get(name) ?? "", "base64").toString("utf8");
      return found.has("hosts")
        ? { hosts: of("hosts"), servers: of("servers"), loaded: of("loaded").trim() }
        : undefined;
    },
  };
}

/** What tells texts that were read from others. */
export function loadedMark({ hosts, servers }: ResolverTexts): string {
  return shortHash(JSON.stringify([hosts, servers]), 16);
}

/** Writes the files of a resolver that is about to be started. */
export function writeStep(owner: string, texts: ResolverTexts, seen: SeenTexts | undefined): Step {
  const undo = seen ? writeText(owner, seen) : `limit rm -rf ${resolverDir(owner)}`;
  return {
    what: "write the resolver's names",
    do: sh(`${writeText(owner, texts)}\n${noteText(owner, texts)}`),
    undo: [sh(undo)],
    ...typed(typedTexts(owner, texts)),
  };
}

/** Writes the files of a resolver that runs, and has it read them: no question is lost (docs/decisions/0011-dnsmasq-reload.md). */
export function reloadStep(owner: string, texts: ResolverTexts, seen: SeenTexts): Step {
  const lines = [...typedTexts(owner, texts), typedSignal("HUP", owner)];
  return { what: "write the resolver's names", do: reload(owner, texts), undo: [reload(owner, seen)], ...typed(lines) };
}

function reload(owner: string, texts: ResolverTexts): ShCommand {
  return sh([writeText(owner, texts), reloadText(owner), noteText(owner, texts)].join("\n"));
}

/** Removes a resolver's files. */
export function removeStep(owner: string, seen: SeenTexts): Step {
  const undo = [sh(`${writeText(owner, seen)}\n${noteText(owner, seen)}`)];
  return { what: "remove the resolver's names", do: sh(`limit rm -rf ${resolverDir(owner)}`), undo };
}

function typedTexts(owner: string, { hosts, servers }: ResolverTexts): string[] {
  const dir = resolverDir(owner);
  return [`mkdir -p ${dir}`, typedFile(`${dir}/hosts`, hosts), typedFile(`${dir}/servers`, servers)];
}

/** A new text appears whole, by a rename. Another user reads it: dnsmasq has laid down root's rights by then. */
function writeText(owner: string, { hosts, servers }: ResolverTexts): string {
  const dir = resolverDir(owner);
  const one = (name: string, body: string) =>
    `printf %s ${quote(body)} | limit cat >${name}.new\nlimit mv -f ${name}.new ${name}`;
  const make = `${makeDir(`${runDir}/dns`)}\n${makeDir(dir)}\nlimit chmod 755 ${runDir} ${runDir}/dns ${dir}\ncd ${dir}`;
  return ["umask 022", make, "limit rm -f loaded", one("hosts", hosts), one("servers", servers)].join("\n");
}

function noteText(owner: string, texts: ResolverTexts): string {
  return `echo ${loadedMark(texts)} | limit cat >${resolverDir(owner)}/loaded`;
}

/** dnsmasq says in its log that it has read its names; it does so within its loop, between two questions. */
function reloadText(owner: string): string {
  const program = processDir(owner);
  const log = `${program}/log`;
  return [
    `count() { limit grep -c ' read ${resolverDir(owner)}/hosts ' ${log} 2>/dev/null || :; }`,
    `before=$(count); pid= born=none; [ ! -s ${program}/pid ] || read -r pid born rest <${program}/pid`,
    'stat=$(cat "/proc/$pid/stat" 2>/dev/null) || stat=',
    `set -- \${stat##*) }`,
    `[ "\${20}" != "$born" ] || kill -HUP "$pid"`,
    "round=0",
    'while [ "$(count)" = "$before" ]; do',
    '  [ $round -lt 100 ] || { echo "dnsmasq has not read its names again within 5 s" >&2; exit 1; }',
    "  sleep 0.05; round=$((round + 1))",
    "done",
  ].join("\n");
}
