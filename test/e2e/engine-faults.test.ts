// Engine and plugin are killed in the middle of `up` and of `destroy` of the quickstart: the next one goes on from what stands.
import { expect } from "vitest";
import { type Clone, cloneTest as test } from "../support/clone.ts";
import type { Answer } from "../support/machine.ts";
import { expectQuickstart } from "../support/quickstart.ts";

const seed = Number(process.env.LINUXNET_TEST_SEED ?? Math.floor(Math.random() * 2 ** 32));

/** Numbers from 0 to 1 that follow from a seed (mulberry32). */
function randomFrom(start: number): () => number {
  let state = start;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

const random = randomFrom(seed);

const rounds = process.env.LINUXNET_TEST_ALL ? 5 : 1;

/** What tells that an operation has begun to change the host, and the seconds that it then takes. */
const begun = {
  up: { sign: "ls -d /run/netns /run/linuxnet /sys/class/net/lab0 2>/dev/null | grep -q .", takes: 2 },
  destroy: { sign: "! nft list map inet linuxnet all4 2>/dev/null | grep -q 8080", takes: 1 },
};

/** Kills engine, language host, program and plugin, each by its pid, until none is left; the shell on the host goes on. */
const kill = `while :; do
  again=
  for exe in /proc/[0-9]*/exe; do
    pid=\${exe#/proc/} pid=\${pid%/exe}
    case $(readlink "$exe") in
      */pulumi | */pulumi-language-nodejs | */node) kill -9 "$pid" && again=1 ;;
    esac
  done
  [ "$again" ] || break
done`;

function operate(clone: Clone, verb: "up" | "destroy"): Promise<Answer> {
  return clone.pulumi(verb, "--yes", "--skip-preview", "--stack", "dev", "--non-interactive");
}

/** Cuts an operation off at a random moment, and brings it to its end by another. */
async function cutOff(clone: Clone, verb: "up" | "destroy", round: number): Promise<void> {
  const { sign, takes } = begun[verb];
  const seconds = (random() * takes).toFixed(3);
  const cut = operate(clone, verb);
  await clone.machine.sh(`until ${sign}; do sleep 0.01; done; sleep ${seconds}; ${kill}`);
  const { code } = await cut;
  await clone.pulumi("cancel", "--yes", "--stack", "dev");
  const next = await operate(clone, verb);
  const when = `seed ${seed}, round ${round}: ${verb} was killed ${seconds} s after it began (ended with ${code})`;
  expect(next.code, `${when}:\n${next.stdout}\n${next.stderr}`).toBe(0);
}

test(`kill -9 in the middle of up and of destroy (LINUXNET_TEST_SEED=${seed})`, { timeout: 900_000 }, async ({
  machine,
  clone,
}) => {
  await clone.pulumi("stack", "select", "dev", "--create");
  for (let round = 1; round <= rounds; round += 1) {
    await cutOff(clone, "up", round);
    await expectQuickstart(machine);
    const preview = await clone.pulumi("preview", "--diff", "--expect-no-changes");
    expect(preview.code, `seed ${seed}, round ${round}:\n${preview.stdout}`).toBe(0);
    await cutOff(clone, "destroy", round);
    await machine.expectClean();
  }
});
