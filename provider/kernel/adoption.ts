import { z } from "zod";
import { type Fact, type Step, sh, shAt } from "./command.ts";
import { readFile } from "./netns.ts";
import type { Standing } from "./owner.ts";
import { quote } from "./quote.ts";
import { makeDir, runDir } from "./run-dir.ts";
import { untyped } from "./typed.ts";

/** Where it is kept how objects stood before they were taken over; it goes with a reboot, as they do. */
const folder = `${runDir}/adopted`;

function fileOf(name: string, netns = ""): string {
  return `${folder}/${name}@${netns}`;
}

/**
 * Asks how a link stood before it was taken over; undefined when nothing is kept of it.
 *
 * @param name the link's name; of a namespace `lo`
 * @param shape what was kept by {@link rememberStep}
 */
export function formerFact<T>(name: string, netns: string | undefined, shape: z.ZodType<T>): Fact<T | undefined> {
  const path = fileOf(name, netns);
  return {
    command: shAt(path, `limit cat ${quote(path)}`),
    parse: (reply) => readFile(path, reply, (stdout) => readFormer(stdout, shape)),
  };
}

function readFormer<T>(text: string, shape: z.ZodType<T>): T | undefined {
  const kept = z.object({ former: shape });
  try {
    return kept.parse(JSON.parse(text)).former;
  } catch {
    return undefined;
  }
}

/**
 * Keeps on the host how a link stands, to put it back when it is released. It comes before the mark of the owner: what
 * carries `+adopted` has its note.
 *
 * @param former data without secrets
 * @param before what was kept until now, when a note is added to
 */
export function rememberStep(
  { name, netns, owner }: { name: string; netns?: string | undefined; owner: string },
  former: unknown,
  before?: unknown,
): Step {
  const path = fileOf(name, netns);
  const write = (what: unknown) =>
    `${makeDir(folder)}; printf '%s\\n' ${quote(JSON.stringify({ owner, former: what }))} | limit cat >${quote(path)}`;
  const undo = before === undefined ? `limit rm -f ${quote(path)}` : write(before);
  return { what: `note how ${name} stood`, do: sh(write(former)), undo: [sh(undo)], ...untyped };
}

/** Forgets how a link stood. */
export function forgetStep(name: string, netns?: string): Step {
  return { what: `forget how ${name} stood`, do: sh(`limit rm -f ${quote(fileOf(name, netns))}`), ...untyped };
}

/**
 * Forgets how a link stood that is not there as it was taken over: it is gone, or was made anew as ours.
 *
 * @param former what is kept of it
 */
export function forgetGone(name: string, netns: string | undefined, who: Standing, former: unknown): Step[] {
  return former !== undefined && (who === "absent" || who === "ours") ? [forgetStep(name, netns)] : [];
}

/** A fragment that forgets all links of a namespace that is gone. */
export function forgetAll(netns: string): string {
  return `[ ! -d ${folder} ] || limit rm -f ${folder}/*@${quote(netns)}`;
}
