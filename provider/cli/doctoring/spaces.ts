import { type Fact, sh } from "../../kernel/command.ts";
import { type Listener, readListeners } from "../../kernel/listeners.ts";
import { quote } from "../../kernel/quote.ts";
import type { SeenServer } from "./seen.ts";

/** What a look into a namespace gives beside its links and routes. */
export interface Inside {
  exists: boolean;
  settings: Map<string, string>;
  tcp: Listener[];
  udp: Listener[];
  servers: SeenServer[];
}

const root = "/proc/sys/net/";

/** The settings that causes look at. */
const files = [
  "ipv4/ip_forward",
  "ipv6/conf/all/forwarding",
  "ipv4/conf/*/forwarding",
  "ipv4/conf/*/rp_filter",
  "ipv4/conf/*/route_localnet",
  "ipv6/conf/*/disable_ipv6",
  "bridge/bridge-nf-call-iptables",
  "bridge/bridge-nf-call-ip6tables",
  "netfilter/nf_conntrack_count",
  "netfilter/nf_conntrack_max",
].map((file) => root + file);

const settings = `grep -s '' ${files.join(" ")} /dev/null`;

// Without -p: to find out whose a socket is takes ss a look at every process of the host.
const look = `${settings}\necho @tcp; ss -Hlnt; echo @udp; ss -Hlnu`;

/** Two questions that a name server answers by itself: what it is called (RFC 4892), and where the root is. Any answer will do. */
const questions = [
  "\\x12\\x34\\x01\\x00\\x00\\x01\\x00\\x00\\x00\\x00\\x00\\x00\\x07version\\x04bind\\x00\\x00\\x10\\x00\\x03",
  "\\x12\\x35\\x01\\x00\\x00\\x01\\x00\\x00\\x00\\x00\\x00\\x00\\x00\\x00\\x02\\x00\\x01",
];

/** Asks one name server, twice: a datagram may get lost. A port that nobody has open is told at once. */
const ask = `exec 3<>"/dev/udp/$0/53" || exit 1
for wait in 0.4 0.8; do ${questions.map((one) => `printf '${one}' >&3`).join("; ")}; read -r -t $wait -N 1 -u 3 _ && exit 0; done; exit 1`;

/** The name servers of the namespace's resolv.conf, each asked at the same time. */
const askAll = `echo @dns
for s in $(sed -n 's/^nameserver[[:space:]]*//p' /etc/resolv.conf); do
  { if bash -c ${quote(ask)} "$s" 2>/dev/null; then echo "$s answers"; else echo "$s silent"; fi; } &
done
wait`;

/** How many namespaces are looked into at a time. */
const atOnce = 24;

/**
 * Looks into namespaces, side by side.
 *
 * @param names namespaces; of those in `asking` the name servers are asked too
 */
export function insideFacts(
  names: readonly string[],
  asking: ReadonlySet<string>,
): Record<string, Fact<Map<string, Inside>>> {
  const chunks = Array.from({ length: Math.ceil(names.length / atOnce) }, (_, index) =>
    names.slice(index * atOnce, (index + 1) * atOnce),
  );
  return Object.fromEntries(chunks.map((chunk, index) => [`inside${index}`, chunkFact(chunk, asking)]));
}

function chunkFact(names: readonly string[], asking: ReadonlySet<string>): Fact<Map<string, Inside>> {
  const lines = names.map((netns) => {
    const text = asking.has(netns) ? `${look}\n${askAll}` : look;
    const said = `said=$(limit ip netns exec ${quote(netns)} sh -c ${quote(text)} 2>/dev/null | base64 -w 0)`;
    const line = `printf '%s %s\\n' ${quote(netns)} "$said"`;
    return `[ ! -e /run/netns/${quote(netns)} ] || { ${said}; ${line}; } &`;
  });
  return {
    command: sh([...lines, "wait"].join("\n")),
    parse: ({ stdout }) => {
      const told = stdout.split("\n").flatMap((line): [string, Inside][] => {
        const [name = "", said = ""] = line.split(" ");
        return name === "" ? [] : [[name, readInside(Buffer.from(said, "base64").toString("utf8"))]];
      });
      return new Map(told);
    },
  };
}

/** The settings of the host's own namespace. */
export const settingsFact: Fact<Map<string, string>> = {
  command: sh(`limit ${settings}\n:`),
  parse: ({ stdout }) => readSettings(stdout),
};

function readSettings(text: string): Map<string, string> {
  return new Map(text.split("\n").flatMap(setting));
}

function readInside(text: string): Inside {
  const [first = "", rest = ""] = text.split("@tcp\n");
  const [tcp = "", more = ""] = rest.split("@udp\n");
  const [udp = "", servers = ""] = more.split("@dns\n");
  return {
    exists: true,
    settings: readSettings(first),
    tcp: readListeners(tcp),
    udp: readListeners(udp),
    servers: servers.split("\n").flatMap((line) => {
      const [address = "", how] = line.split(" ");
      return address === "" ? [] : [{ address, answers: how === "answers" }];
    }),
  };
}

function setting(line: string): [string, string][] {
  const [, file, value] = /^\/proc\/sys\/net\/([^:]+(?::[^:]*)*?):(.*)$/.exec(line) ?? [];
  return file === undefined || value === undefined ? [] : [[file, value.trim()]];
}
