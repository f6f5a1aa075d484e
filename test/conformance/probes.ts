import { quoteAll } from "../../provider/kernel/quote.ts";
import { type Lab, program } from "./lab.ts";

/** A question that is asked on both sides; its answer is a few words. */
export type Probe = (lab: Lab) => Promise<string>;

/** Seconds after which something counts as blocked. */
const patience = "2";

/** What a line of shell prints at a place (`host`, `world` or a container); `no` where it fails. */
export const run =
  (place: string, command: string): Probe =>
  async ({ machine, at }) => {
    const { code, stdout } = await machine.exec(quoteAll([...at(place), "sh", "-c", command]));
    return code === 0 ? stdout.trim() : "no";
  };

const ask =
  (protocol: "tcp" | "udp") =>
  (from: string, to: string, port: number): Probe =>
    run(from, quoteAll(["/usr/bin/python3", program("client.py"), protocol, to, `${port}`, patience]));

/** The address that a server sees when it is asked over tcp, or `no`. */
export const tcp = ask("tcp");

/** The address that a server sees when it is asked over udp, or `no`. */
export const udp = ask("udp");

/** Whether an address answers a ping. */
export const ping = (from: string, to: string): Probe =>
  run(from, `${quoteAll(["ping", "-nqc1", "-W", patience, to])} >/dev/null && echo yes`);
