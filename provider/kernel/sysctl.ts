import { z } from "zod";
import { answered } from "./answered.ts";
import { type Fact, inNetns, type Step, sh, unasked } from "./command.ts";
import { quote, quoteAll } from "./quote.ts";
import { typed, typedLine } from "./typed.ts";

/** Kernel settings by name (`net.ipv4.ip_forward`), each with its value as text. */
export type Sysctls = Record<string, string>;

/** The name of a setting that each namespace has for itself: all of them begin with `net.` (network_namespaces(7)). */
export const sysctlName = z
  .string()
  .regex(
    /^net(\.[A-Za-z0-9_-]+|\/[A-Za-z0-9_.-]+)+$/,
    "must be the name of a setting that namespaces have: net.ipv4.ip_forward, or with slashes where a link's name has a dot",
  )
  .refine((name) => !name.includes("..") && !name.split("/").includes("."), "must not contain a path upwards");

/** The value of a setting: one line. */
export const sysctlValue = z
  .string('must be a string, such as "1"')
  .regex(/\S/, "must not be empty")
  .max(256, "must be at most 256 characters long")
  .regex(/^\P{Cc}*$/u, "must not contain control characters")
  .transform((value) => value.trim().replaceAll(/\s+/g, " "));

/** The file of a setting (proc(5)): dots separate, or slashes where a part has a dot in it, as for sysctl(8). */
export function sysctlPath(name: string): string {
  return `/proc/sys/${name.includes("/") ? name : name.replaceAll(".", "/")}`;
}

/** Asks for settings; those that the kernel does not have are missing from the answer. */
export function sysctlFact(names: readonly string[], netns?: string): Fact<Sysctls> {
  const files = names.map(sysctlPath);
  // grep(1) ends with 1 where nothing was found, and with 2 where one of the files is not there.
  const text = `limit ${inNetns(netns)}grep -s '' ${quoteAll(files)} /dev/null || [ $? -le 2 ]`;
  return {
    command: names.length === 0 ? unasked : sh(text),
    parse: (reply) => {
      const { stdout } = answered(reply);
      const lines = stdout.split("\n").map((line) => line.split(":") as [string, ...string[]]);
      const values = new Map(lines.map(([file, ...rest]) => [file, rest.join(":").trim().replaceAll(/\s+/g, " ")]));
      return Object.fromEntries(
        names.flatMap((name) => (values.has(sysctlPath(name)) ? [[name, values.get(sysctlPath(name)) ?? ""]] : [])),
      );
    },
  };
}

/** Sets settings, and knows their former values. sysctl(8) can fail with exit code 0, so the files are written; by cat, which says why it cannot. */
export function sysctlStep(what: string, wanted: Sysctls, former: Sysctls, netns?: string): Step {
  const back = Object.fromEntries(
    Object.keys(wanted).flatMap((name) => (former[name] === undefined ? [] : [[name, former[name]]])),
  );
  // Where one cannot be set, those before it are put back at once.
  const text = `${writing(wanted, netns)} || {\ncode=$?\n${writing(back, netns)} 2>/dev/null || :\nexit $code\n}`;
  const lines = Object.entries(wanted).map(([name, value]) =>
    typedLine(["sysctl", "-q", "-w", `${name}=${value}`], netns),
  );
  return { what, do: sh(text), undo: [sh(writing(back, netns))], ...typed(lines) };
}

function writing(values: Sysctls, netns?: string): string {
  const pairs = Object.entries(values).flatMap(([name, value]) => [value, sysctlPath(name)]);
  if (pairs.length === 0) return ":";
  const loop = 'while [ $# -gt 0 ]; do printf "%s\\n" "$1" | cat >"$2" || exit 1; shift 2; done';
  return `limit ${inNetns(netns)}sh -c ${quote(loop)} sh ${quoteAll(pairs)}`;
}
