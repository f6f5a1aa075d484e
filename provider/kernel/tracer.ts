import { familyOf } from "./addresses.ts";
import { type Fact, sh } from "./command.ts";
import { quote, quoteAll } from "./quote.ts";

/** The one packet that is followed, and its answer. */
export interface Tracer {
  protocol: "tcp" | "udp" | "icmp";
  /** Where it comes from, as the sender sees it; undefined where others may change it on the way to the host. */
  source: string | undefined;
  destination: string;
  /** Of tcp and udp. */
  sourcePort: number;
  destinationPort: number;
  /** Of an echo. */
  id: number;
}

/** How a tracer went, as its sender sees it. */
export interface Sent {
  /** `reply`: it was answered. `refused`: nothing listens. `silence`: no answer within two seconds. `error`: see `said`. */
  outcome: "reply" | "refused" | "silence" | "error";
  said: string;
}

/**
 * Sends it, with nothing but Python's standard library: unlike ping and nc it can be told its own port and identifier.
 * argv: protocol, destination, its port, own port, identifier.
 */
const program = `
import errno, os, socket, struct, sys
protocol, to, port, own, number = sys.argv[1], sys.argv[2], *map(int, sys.argv[3:])
family = socket.AF_INET6 if ":" in to else socket.AF_INET
six = family == socket.AF_INET6
def ask():
    if protocol == "icmp":
        s = socket.socket(family, socket.SOCK_RAW, 58 if six else 1)
        s.settimeout(2)
        body = b"linuxnet trace"
        head = lambda c: struct.pack("!BBHHH", 128 if six else 8, 0, c, number, 1) + body
        total = sum(struct.unpack("!%dH" % (len(head(0)) // 2), head(0)))
        while total >> 16: total = (total & 65535) + (total >> 16)
        s.sendto(head(0 if six else ~total & 65535), (to, 0))
        while True:
            data = s.recv(2048)
            data = data if six else data[(data[0] & 15) * 4:]
            if data[0] == (129 if six else 0) and struct.unpack("!H", data[4:6])[0] == number: return "reply"
            about = data[48:] if six else data[8 + (data[8] & 15) * 4:] if len(data) > 8 else b""
            if data[0] in ((1, 2, 3, 4) if six else (3, 11)) and len(about) >= 6 and struct.unpack("!H", about[4:6])[0] == number: return "error ICMP type %d code %d" % (data[0], data[1])
    s = socket.socket(family, socket.SOCK_STREAM if protocol == "tcp" else socket.SOCK_DGRAM)
    s.settimeout(2)
    s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    s.bind(("", own))
    s.connect((to, port))
    if protocol == "udp":
        s.send(b"linuxnet trace")
        s.recv(2048)
    return "reply"
try: print(ask())
except (socket.timeout, TimeoutError): print("silence")
except OSError as e: print("refused" if e.errno == errno.ECONNREFUSED else "error " + os.strerror(e.errno or 0))
`;

/**
 * Sends a tracer and waits for its answer, two seconds.
 * @param enter the words that enter the sender's namespace
 */
export function sendFact(tracer: Tracer, enter: string): Fact<Sent> {
  const { protocol, destination, destinationPort, sourcePort, id } = tracer;
  const argv = ["python3", "-I", "-S", "-c", program, protocol, destination, destinationPort, sourcePort, id];
  return {
    command: sh(`limit ${enter}${quoteAll(argv.map(String))}`),
    parse: ({ code, stdout, stderr }) => {
      const [outcome = "", ...said] = stdout.trim().split(" ");
      const known = code === 0 && /^(reply|refused|silence|error)$/.test(outcome);
      if (known) return { outcome: outcome as Sent["outcome"], said: said.join(" ") };
      return { outcome: "error", said: stderr.trim().split("\n").at(-1) || `exit code ${code}` };
    },
  };
}

/** The address that a place sends from to get to another; undefined where it has no route there. */
export function sourceFact(destination: string, enter: string): Fact<{ source: string | undefined; said: string }> {
  return {
    command: sh(`limit ${enter}ip route get ${quote(destination)}`),
    parse: ({ stdout, stderr }) => {
      const said =
        stderr
          .trim()
          .split("\n")[0]
          ?.replace(/^RTNETLINK answers: /, "") ?? "";
      return { source: / src (\S+)/.exec(stdout)?.[1], said };
    },
  };
}

/**
 * The table that makes nft's trace follow a tracer and its answer, and nothing else: it only sets the packet's trace bit.
 *
 * @param connections whether the namespace follows connections anyway, so that an answer is known by its connection (`ct`). Elsewhere
 * it is known by its ports alone, which a translation on the way seldom changes: asking `ct` would start to follow them.
 */
export function tracingTable(name: string, tracer: Tracer, connections: boolean): string {
  const add = (rest: string) => `add ${rest}`;
  const chain = (one: string, hook: string, priority: number) =>
    add(`chain inet ${name} ${one} { type filter hook ${hook} priority ${priority}; }`);
  const rule = (one: string, match: string) => add(`rule inet ${name} ${one} ${match} meta nftrace set 1`);
  const hooks = ["prerouting", "output"] as const;
  return [
    add(`table inet ${name} { flags owner; }`),
    // Before everything else, the following of connections too; then right behind that.
    ...hooks.map((hook) => chain(hook, hook, -450)),
    ...hooks.flatMap((hook) => requests(tracer, connections).map((match) => rule(hook, match))),
    ...(connections ? hooks.map((hook) => chain(`${hook}_ct`, hook, -199)) : []),
    ...(connections ? hooks.flatMap((hook) => answers(tracer).map((match) => rule(`${hook}_ct`, match))) : []),
    add(`chain inet ${name} ready`),
  ].join("\n");
}

const start = "tcp flags & (fin | syn | rst | ack) == syn";

/** Where addresses may have been translated before, the ports or the identifier tell. */
function requests(tracer: Tracer, exact: boolean): string[] {
  const { protocol, source, destination, sourcePort, destinationPort, id } = tracer;
  const six = familyOf(destination) === 6;
  const ip = six ? "ip6" : "ip";
  const from = source && exact ? `${ip} saddr ${source} ` : "";
  const to = exact ? `${ip} daddr ${destination} ` : "";
  const icmp = six ? "icmpv6" : "icmp";
  if (protocol === "icmp") {
    const echo = `${from}${to}${icmp} type echo-request ${icmp} id ${id}`;
    return exact ? [echo] : [echo, `${icmp} type echo-reply ${icmp} id ${id}`];
  }
  const there = `${from}${to}${protocol} sport ${sourcePort} ${exact ? `${protocol} dport ${destinationPort} ` : ""}`;
  const first = protocol === "tcp" ? `${there}${start}` : there;
  return exact
    ? [first]
    : [first, `${protocol} dport ${sourcePort}${protocol === "tcp" ? " tcp flags & (syn | rst) != 0" : ""}`];
}

function answers(tracer: Tracer): string[] {
  const { protocol, source, destination, sourcePort } = tracer;
  const six = familyOf(destination) === 6;
  const [ip, icmp] = six ? ["ip6", "icmpv6"] : ["ip", "icmp"];
  const from = source ? `ct original ${ip} saddr ${source} ` : "";
  const its = `ct direction reply ${from}ct original ${ip} daddr ${destination}`;
  const errors = six ? "{ 1, 2, 3, 4 }" : "{ destination-unreachable, time-exceeded, parameter-problem }";
  const error = `${its} ${icmp} type ${errors}`;
  if (protocol === "icmp") return [`${its} ${icmp} type echo-reply`, error];
  const answer = `${its} meta l4proto ${protocol} ct original proto-src ${sourcePort}`;
  return [protocol === "tcp" ? `${answer} tcp flags & (syn | rst) != 0` : answer, error];
}

/** The filter of tcpdump (pcap-filter(7)) for a tracer, its answers, and ICMP errors about it. Ports that are translated begin or refuse a connection. */
export function tracerFilter({ protocol, sourcePort }: Tracer): string {
  if (protocol === "icmp") return "icmp or icmp6";
  const port = `(${protocol} port ${sourcePort})`;
  // Of IPv6 pcap-filter(7) finds no flags by their name.
  const flags = " or (tcp[tcpflags] & (tcp-syn|tcp-rst) != 0) or (ip6[6] = 6 and ip6[53] & (tcp-syn|tcp-rst) != 0)";
  return `${port}${protocol === "tcp" ? flags : ""} or icmp or icmp6`;
}
