import { hostOf } from "../host/host.ts";
import type { Facts } from "../kernel/command.ts";
import type { Connection } from "../kernel/connection.ts";
import { LinuxnetError } from "../kernel/failure.ts";
import { logPath } from "../kernel/processes.ts";
import { howItEnded, processFact, type SeenProcess } from "../kernel/processes-fact.ts";
import { didYouMean } from "./engine.ts";
import type { Stack } from "./stack.ts";
import { topologyOf, withParts } from "./topology/read.ts";

/** A program of a stack: a Process, a container's command, or a network's resolver. */
export interface RunningProgram {
  name: string;
  kind: string;
  /** The containers in whose namespace it runs. */
  containers: string[];
  owner: string;
  host: string;
  connection: Connection | undefined;
  command: string[];
  log: string;
  /** How it stands; undefined when there is nothing of it on the host. */
  seen: SeenProcess | undefined;
}

type Declared = Omit<RunningProgram, "log" | "seen">;

const kinds = ["Process", "Resolver"];

/** The programs of a stack, and how they stand. */
export async function programsOf(stack: Stack): Promise<RunningProgram[]> {
  const declared = await declaredIn(stack);
  const hosts = Map.groupBy(declared, ({ connection }) => JSON.stringify(connection ?? {}));
  const found = await Promise.all([...hosts.values()].map(look));
  return found.flat();
}

/**
 * A program by its name, or by that of the container that it runs in, and how it stands; only its own host is asked.
 * @throws LinuxnetError when there is none ("did you mean")
 */
export async function programNamed(stack: Stack, name: string): Promise<RunningProgram> {
  const declared = await declaredIn(stack);
  const found =
    declared.find((one) => one.name === name) ??
    declared.find((one) => one.containers.includes(name) || one.name.endsWith(`/${name}`));
  if (found) return ((await look([found])) as [RunningProgram])[0];
  const names = declared.map((one) => one.name);
  throw new LinuxnetError({
    problem: `there is no program ${name} in ${stack.project}/${stack.name}`,
    remedy: didYouMean(name, names),
  });
}

async function look(programs: readonly Declared[]): Promise<RunningProgram[]> {
  const facts: Facts = Object.fromEntries(programs.map(({ owner }) => [owner, processFact(owner)]));
  const seen = await hostOf(programs[0]?.connection).observe(facts);
  return programs.map((one) => ({
    ...one,
    log: logPath(one.owner),
    seen: seen[one.owner] as SeenProcess | undefined,
  }));
}

/** The names by which a program of a stack is found; no host is asked. */
export async function programNames(stack: Stack): Promise<string[]> {
  return [...new Set((await declaredIn(stack)).flatMap(({ name, containers }) => [name, ...containers]))];
}

async function declaredIn(stack: Stack): Promise<Declared[]> {
  const { places } = await topologyOf(stack);
  return (await withParts(stack.resources)).flatMap(({ kind, name, owner, connection, outputs, lab }) => {
    if (!kinds.includes(kind) || owner === undefined) return [];
    const host = connection?.host ?? "";
    const inside = places.filter((one) => one.host === host && one.netns !== undefined && one.netns === outputs.netns);
    const command = (outputs.command as string[] | undefined) ?? ["dnsmasq"];
    return [
      {
        name: lab === undefined ? name : `${lab}/${name.replace(/\/process$/, "")}`,
        kind,
        owner,
        connection,
        host,
        command,
        containers: inside.map((one) => one.name),
      },
    ];
  });
}

/** How a program stands, in words. */
export function stateOf({ seen }: Pick<RunningProgram, "seen">): string {
  if (!seen) return "not there";
  if (seen.alive) return seen.failures > 0 ? `running, restarted ${seen.failures} times in a row` : "running";
  return howItEnded(seen);
}

/** How long it has run: `3d 4h`, `12m 5s`. */
export function ageText(seconds: number): string {
  const whole = Math.max(0, Math.round(seconds));
  const units = [
    [86_400, "d"],
    [3600, "h"],
    [60, "m"],
    [1, "s"],
  ] as const;
  const at = Math.max(
    0,
    units.findIndex(([size]) => whole >= size),
  );
  const parts = units.slice(at, at + 2).map(([size, unit], index) => {
    const above = units[at + index - 1]?.[0];
    const rest = index === 0 || above === undefined ? whole : whole % above;
    return `${Math.floor(rest / size)}${unit}`;
  });
  return whole === 0 ? "0s" : parts.join(" ");
}
