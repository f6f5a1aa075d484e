// What the tests of compiled scripts share.
import { readReport } from "../../../provider/host/report.ts";
import { compile, ends, type ScriptOptions, together } from "../../../provider/host/script.ts";
import { type Reply, type Step, sh } from "../../../provider/kernel/command.ts";
import type { Machine } from "../../support/machine.ts";

/** A script that takes back what it did when a step fails. */
export const undo: ScriptOptions = { owner: "linuxnet:test/dev/Any/any@00000000", onFailure: "undo" };
/** A script that goes on when a step fails. */
export const goOn: ScriptOptions = { ...undo, onFailure: "go-on" };

/** A step that writes its word to a log, and another word when it is taken back. */
export function noted(word: string): Step {
  return { what: `note ${word}`, do: sh(`echo +${word} >>/run/log`), undo: [sh(`echo -${word} >>/run/log`)] };
}

/** A step that fails, with words on stderr. */
export function failing(text = "echo first >&2; echo second >&2; exit 3"): Step {
  return { what: "do the impossible", do: sh(text), undo: [sh("echo -impossible >>/run/log")] };
}

/** Runs steps in one script, and reads what it reports. */
export async function apply(machine: Machine, steps: readonly Step[], options = undo) {
  return (await machine.host.apply(steps, options, {})).report;
}

/** Runs a script whose deadlines are cut to a second. */
export async function applyShortly(machine: Machine, steps: readonly Step[], options = undo) {
  const request = together([compile(steps, options)], "part");
  const script = request.script.replaceAll("timeout -k 1 10 ", "timeout -k 1 1 ").replaceAll("-w 60 ", "-w 1 ");
  const replies = await machine.host.session.send([{ script, deadline: 60 }]);
  return readReport(ends(replies[0] as Reply, "part", 1)[0] as Reply, steps);
}

/** What the steps have noted. */
export const log = (machine: Machine) => machine.sh("cat /run/log 2>/dev/null | tr '\\n' ' '");
