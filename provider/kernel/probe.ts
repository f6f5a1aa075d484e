import { type Fact, sh } from "./command.ts";
import { quote, quoteAll } from "./quote.ts";

/** One try to reach something, from one place. */
export interface Probe {
  /** The namespace to try from; undefined: the host itself. */
  netns?: string | undefined;
  /** An address or a name, as that place resolves it. */
  to: string;
  protocol: "ping" | "tcp" | "udp";
  port?: number | undefined;
}

/** What a try found. */
export interface Found {
  reached: boolean;
  /** Why it could not be tried at all. */
  fault: string | undefined;
  /** What the tool said, the last line. */
  said: string;
}

/** Opens a connection, or sends a datagram and waits for an answer, with nothing but bash (bash(1), Redirections). */
const opening = {
  tcp: 'exec 3<>"/dev/tcp/$0/$1"',
  udp: 'exec 3<>"/dev/udp/$0/$1"; echo >&3; read -r -t 1 -u 3 _; [ $? -lt 128 ]',
} as const;

/** Tries once; a try ends within 2 seconds. */
export function probeFact({ netns, to, protocol, port }: Probe): Fact<Found> {
  const inside = netns === undefined ? "" : `ip netns exec ${quote(netns)} `;
  const argv =
    protocol === "ping"
      ? ["ping", "-n", "-q", "-c1", "-W1", to]
      : ["timeout", "2", "bash", "-c", opening[protocol], to, `${port}`];
  return {
    command: sh(`limit ${inside}${quoteAll(argv)} >/dev/null`),
    parse: ({ code, stderr }) => {
      const said = stderr.trim().split("\n").at(-1) ?? "";
      // The tool, or the place to try from, is not there: that says nothing of what is tried.
      const untried = code === 126 || code === 127 || /Cannot open network namespace/.test(stderr);
      return { reached: code === 0, fault: untried ? said || `exit code ${code}` : undefined, said };
    },
  };
}
