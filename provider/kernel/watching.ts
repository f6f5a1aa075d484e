import { quote } from "./quote.ts";

/** Something that watches and prints until it is ended. */
export interface Watcher {
  /** Begins each of its lines. */
  tag: string;
  /** One command, quoted, that is not a pipeline. */
  command: string;
  /** Whether what it prints are bytes, which travel in base64. */
  binary: boolean;
}

/** Statements that one `nft -i` runs, and that hold as long as it runs. */
export interface Held {
  /** The words that enter its namespace; ends with a blank, or is empty. */
  enter: string;
  text: string;
}

/** Begins a line that a program has said on stderr. */
export const complaintMark = "!";

/** Seconds within which whoever watches must say that it is still there. */
export const silence = 20;

/**
 * A script that watches as long as its stdin says so: a sign at least every {@link silence} seconds. Whatever ends it, nothing stays.
 * Its stdin is the only thing that holds a pipe open, which all programs wait for: when the client ends, or is killed, or the connection
 * is lost, or any shell in between is killed, the pipe ends, and with it each program. A table of nft has the flag `owner`: the
 * kernel removes it when the `nft` that made it ends, however it ends. What loses its shell is ended by the kernel (prctl(2), PR_SET_PDEATHSIG).
 *
 * @param before sh that is run before anything is started
 * @param ready sh that waits until all of it watches; `@ready` is said then
 */
export function watchScript(
  watchers: readonly Watcher[],
  held: readonly Held[],
  before: string,
  ready: string,
): string {
  return [
    "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin; LC_ALL=C; export PATH LC_ALL; cd /",
    before,
    "exec 4<&0",
    // The sign is one byte: head ends with nothing when the pipe has.
    `{ while [ -n "$(timeout ${silence} head -c 1)" ]; do :; done <&4 | {`,
    "exec 7<&0 4<&- 9>&1",
    ...held.map(holding),
    ...watchers.map(watching),
    ready,
    "echo @ready",
    "wait",
    "}",
    "}",
  ].join("\n");
}

const sockets = {
  packets: "cat /proc/net/packet | wc -l",
  // Group 9 of netfilter's netlink (linux/netfilter/nfnetlink.h).
  trace: "grep -c ' 00000100 ' /proc/net/netlink",
} as const;

/**
 * How many sockets of a namespace look at packets, or listen to nft's trace: one more of them, and a program that was started watches.
 * @param enter the words that enter the namespace; ends with a blank, or is empty
 */
export function countSockets(what: keyof typeof sockets, enter: string): string {
  return `$(${enter}sh -c ${quote(sockets[what])})`;
}

/** Waits until all of some tests hold, four seconds at most. */
export function waitFor(tests: readonly string[]): string {
  return `n=0; until ${tests.join(" && ") || ":"}; do n=$((n+1)); [ $n -lt 80 ] || break; sleep .05; done`;
}

function holding({ enter, text }: Held): string {
  return `{ printf '%s\\n' ${quote(text)}; cat <&7; } | ${enter}nft -i >/dev/null &`;
}

/**
 * Bytes in base64 as they come: base64 by itself says nothing before it has 30 kB. A line is whole in itself, and short enough to be
 * written in one go beside those of others (pipe(7), PIPE_BUF).
 */
const streamed = "while dd bs=65536 count=1 2>/dev/null | base64 -w 2000 | grep .; do :; done";

/** What a program says on stderr comes by itself, so that several do not get into one line. */
function watching({ tag, command, binary }: Watcher): string {
  const marked = (mark: string) => `sed -u ${quote(`s/^/${mark} /`)}`;
  const encoded = binary ? `${streamed} | ${marked(tag)}` : marked(tag);
  const started = `setpriv --pdeathsig TERM ${command} 2>&3 3>&- 7<&- & p=$!`;
  const running = `{ ${started}; cat <&7; kill $p 2>/dev/null; wait $p; } | { ${encoded}; } >&9 3>&-`;
  return `{ ${running}; } 3>&1 | ${marked(complaintMark)} &`;
}
