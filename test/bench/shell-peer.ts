import { fileURLToPath } from "node:url";
import { quoteAll } from "../../provider/kernel/quote.ts";
import { Machine } from "../support/machine.ts";
import { provePings, proveTeardown } from "./proof.ts";
import { type Subject, usualSizes } from "./record.ts";
import { linkCount, timed } from "./timing.ts";

/** What a peer by a script is. */
export interface ShellPeer {
  name: string;
  title: string;
  sizes?: readonly number[];
  /** The script in `peers/`: `SCRIPT up N` makes the lab, `SCRIPT down N` removes it. */
  script: string;
  /** `SCRIPT begin` and `SCRIPT end` run around all of it, before the clock starts and after it has stopped. Default false. */
  staged?: boolean;
  /** The hosts get names for `ip netns exec` by `SCRIPT enter N`, and lose them by `SCRIPT leave N`. Default false. */
  unnamed?: boolean;
  /** As in {@link Subject}. */
  prepare?(): Promise<string | undefined>;
  /** Environment of the script. */
  env?(): Record<string, string>;
}

/** The path of a file of `peers/`. */
export const peerFile = (name: string): string => fileURLToPath(new URL(`peers/${name}`, import.meta.url));

/** A peer that is a script of bash. Its hosts are entered by `ip netns exec h1`. */
export function shellPeer(peer: ShellPeer): Subject {
  const { name, title, sizes = usualSizes, prepare = async () => undefined } = peer;
  return { name, title, sizes, prepare, measure: (n) => onMachine((machine) => measure(machine, peer, n)) };
}

/** Runs on a machine of its own, which ends with it. */
export async function onMachine<T>(run: (machine: Machine) => Promise<T>): Promise<T> {
  const machine = await Machine.start();
  machine.patience = 1_200_000;
  try {
    return await run(machine);
  } finally {
    await machine.stop();
  }
}

async function measure(
  machine: Machine,
  { script, staged = false, unnamed = false, env = () => ({}) }: ShellPeer,
  n: number,
) {
  const variables = Object.entries(env()).map(([key, value]) => `${key}=${value}`);
  const line = (verb: string) => `exec ${quoteAll(["env", ...variables, "bash", peerFile(script), verb, `${n}`])}`;
  if (staged) await machine.sh(line("begin"));
  try {
    const links = await linkCount(machine);
    const before = await machine.snapshot();
    const up = await timed(machine, line("up"));
    if (unnamed) await machine.sh(line("enter"));
    await provePings(machine, ["ip netns exec h1", `ip netns exec h${n}`]);
    if (unnamed) await machine.sh(line("leave"));
    const down = await timed(machine, line("down"), links);
    const notes = await proveTeardown(machine, before);
    return { values: { up: up.seconds, down: down.seconds, gone: down.seconds + down.gone }, notes };
  } finally {
    if (staged) await machine.sh(line("end"));
  }
}
