import { quoteAll } from "../../provider/kernel/quote.ts";
import type { Machine } from "./machine.ts";

/** Where a program of a test runs: in the machine's own namespace, in the world beyond it, or in a namespace by its name. */
export type Place = "host" | "world" | (string & {});

/** The words that bring a program to its place. */
export function at(place: Place): string[] {
  if (place === "host") return [];
  return ["nsenter", `--net=${place === "world" ? "/media/world" : `/run/netns/${place}`}`];
}

const echo = `
import socket, sys
s = socket.create_server(("", int(sys.argv[1])))
c, _ = s.accept()
while data := c.recv(4096):
    c.sendall(data)
`;

const client = `
import socket, sys, time
def out(word):
    with open(sys.argv[3], "a") as f: print(word, file=f)
try:
    for attempt in range(200):
        try:
            s = socket.create_connection((sys.argv[1], int(sys.argv[2])), timeout=60)
            break
        except ConnectionRefusedError:
            time.sleep(0.05)
    lines = s.makefile("rw")
    number = 0
    while True:
        number += 1
        print(number, file=lines, flush=True)
        if lines.readline() != "%d\\n" % number: raise EOFError("the other side is gone")
        out(number)
        time.sleep(0.01)
except BaseException as e:
    out("broken: %r" % e)
`;

/** One TCP connection over which numbers go to and fro, a hundred a second. */
export class Transfer {
  readonly #machine: Machine;
  readonly #log: string;
  readonly #pids: number[];

  private constructor(machine: Machine, log: string, pids: number[]) {
    this.#machine = machine;
    this.#log = log;
    this.#pids = pids;
  }

  /** Begins one from a place to an address of another, and waits until it runs. */
  static async begin(machine: Machine, from: Place, to: Place, address: string, port: number): Promise<Transfer> {
    const log = `/run/transfer-${port}`;
    const server = await machine.spawn([...at(to), "python3", "-c", echo, `${port}`]);
    const caller = await machine.spawn([...at(from), "python3", "-c", client, address, `${port}`, log]);
    const transfer = new Transfer(machine, log, [server, caller]);
    await transfer.goesOn();
    return transfer;
  }

  /** Resolves when ten more numbers have come back; throws when the connection is broken. */
  async goesOn(): Promise<void> {
    const log = quoteAll([this.#log]);
    await this.#machine.sh(
      `touch ${log}; goal=$(($(wc -l <${log}) + 10))
       for i in $(seq 600); do
         ! grep -a broken ${log} >&2 || exit 1
         [ $(wc -l <${log}) -lt $goal ] || exit 0
         sleep 0.05
       done; echo "stuck at $(tail -n 1 ${log})" >&2; exit 1`,
    );
  }

  /** Ends it. */
  async end(): Promise<void> {
    const pids = this.#pids.join(" ");
    await this.#machine.sh(
      `kill -9 ${pids}; while kill -0 ${pids} 2>/dev/null; do sleep 0.01; done; rm -f ${this.#log}`,
    );
  }
}
