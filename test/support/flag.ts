import { z } from "zod";
import { type Fact, type Step, sh } from "../../provider/kernel/command.ts";
import { quote } from "../../provider/kernel/quote.ts";
import { type Change, type Definition, define } from "../../provider/lifecycle/definition.ts";

interface Args {
  /** A file that stands for the object; it holds the value. */
  path: string;
  value: string;
  /** Shell that runs in the step, before the file is written. */
  before?: string;
  after?: string;
}

const content = (path: string): Fact<string | undefined> => ({
  command: sh(`limit cat ${quote(path)}`),
  parse: ({ code, stdout }) => (code === 0 ? stdout.trim() : undefined),
});

const facts = ({ path }: Args) => ({ content: content(path) });

function plan({ path, value, before = ":", after = ":" }: Args, seen: { content: string | undefined }): Change[] {
  if (seen.content === value) return [];
  // Made in a way that fails where another was quicker, as `ip link add` does.
  const write =
    seen.content === undefined
      ? `set -C; echo ${quote(value)} >${quote(path)}`
      : `echo ${quote(value)} >${quote(path)}`;
  const back =
    seen.content === undefined ? sh(`rm -f ${quote(path)}`) : sh(`echo ${quote(seen.content)} >${quote(path)}`);
  const steps: Step[] = [
    { what: "prepare", do: sh(before), undo: [sh("echo unprepared >>/run/log")] },
    { what: `write ${path}`, do: sh(write), undo: [back], claim: `file:${path}` },
    { what: "finish", do: sh(after) },
  ];
  return [{ property: "value", actual: seen.content, steps }];
}

/** The simplest kind of resource: a file in /run with one line; what else its steps do is the test's. */
export const flag = define<Args>()({
  kind: "Flag",
  fields: { path: z.string(), value: z.string(), before: z.string().optional(), after: z.string().optional() },
  replaceOn: ["path"],
  id: ({ path }) => path,
  facts,
  plan,
  present: (_args, seen) => seen.content !== undefined,
  teardown: ({ path }, seen) =>
    seen.content === undefined ? [] : [{ what: `delete ${path}`, do: sh(`rm ${quote(path)}`) }],
  outputs: ({ path }, seen) => ({ path, content: seen.content }),
}) as unknown as Definition;
