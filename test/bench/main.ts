// `npm run bench`: measures all subjects, proves each measurement, and writes what came out. docs/bench/README.md says how.
import { loadavg } from "node:os";
import { type Options, readOptions, usage } from "./options.ts";
import type { Measurement, Recording, Subject } from "./record.ts";
import { digits } from "./report/markdown.ts";
import { readRecording, writeReport } from "./report/report.ts";
import { subjects } from "./subjects.ts";
import { commit, machineFacts, versions } from "./versions.ts";

const say = (text: string): void => console.log(`bench: ${text}`);

async function begin({ out, keep }: Options): Promise<Recording> {
  const kept = keep ? readRecording(out) : undefined;
  return {
    date: new Date().toISOString(),
    commit: await commit(),
    machine: machineFacts(),
    versions: { ...kept?.versions },
    missing: kept?.missing ?? {},
    measurements: kept?.measurements ?? [],
  };
}

/** Every size of every subject once; what differs between machines' hours is then the same for all. */
function* oneRun(chosen: readonly Subject[], sizes: readonly number[]): Generator<{ subject: Subject; n: number }> {
  const of = (subject: Subject) => (sizes.length > 0 ? sizes : subject.sizes);
  const all = [...new Set(chosen.flatMap(of))].toSorted((a, b) => a - b);
  for (const n of all) for (const subject of chosen) if (of(subject).includes(n)) yield { subject, n };
}

async function measure({ name, measure }: Subject, n: number): Promise<Measurement> {
  const [began, [load = 0]] = [performance.now(), loadavg()];
  const measured = await measure(n);
  const { up, down } = measured.values;
  say(
    `${name}, N=${n}: up ${digits(up)}, down ${digits(down)} (${digits((performance.now() - began) / 1000)} s in all)`,
  );
  return { subject: name, n, ...measured, values: { ...measured.values, load } };
}

/** What fails is named in the results, and the others go on. */
async function attempt({ measurements, missing, commit }: Recording, subject: Subject, n: number): Promise<void> {
  const what = `${subject.name}, N=${n}`;
  try {
    measurements.push({ ...(await measure(subject, n)), commit });
  } catch (error) {
    process.exitCode = 1;
    const { message, cause = "" } = error as Error;
    missing[what] = message.trim().split("\n").slice(0, 3).join(" ").slice(0, 300);
    console.error(`bench: ${what} failed: ${message}\n${cause}`);
  }
}

/** Fetches what the subjects need; those that lack it are named. */
async function prepareAll(recording: Recording, chosen: readonly Subject[]): Promise<Subject[]> {
  for (const { name, prepare } of chosen) {
    delete recording.missing[name];
    const why = await prepare();
    if (why) recording.missing[name] = why;
  }
  Object.assign(recording.versions, await versions());
  return chosen.filter(({ name }) => !(name in recording.missing));
}

async function main(): Promise<void> {
  const names = subjects.map(({ name }) => name);
  const options = readOptions(process.argv.slice(2), names);
  const recording = await begin(options);
  const chosen = subjects.filter(({ name }) => options.peers.length === 0 || options.peers.includes(name));
  const todo = [...oneRun(await prepareAll(recording, chosen), options.sizes)];
  for (const { subject, n } of todo) delete recording.missing[`${subject.name}, N=${n}`];
  const anew = (one: Measurement) =>
    !options.more && todo.some(({ subject, n }) => subject.name === one.subject && n === one.n);
  recording.measurements = recording.measurements.filter((one) => !anew(one));
  for (let run = 1; run <= options.runs; run += 1) {
    for (const { subject, n } of todo) {
      await attempt(recording, subject, n);
      recording.date = new Date().toISOString();
      writeReport(options.out, recording, subjects);
    }
  }
  for (const [name, why] of Object.entries(recording.missing)) say(`${name} is missing: ${why}`);
  say(`the results are in ${options.out}`);
}

try {
  await main();
} catch (error) {
  console.error(`bench: ${(error as Error).message}\n${usage}`);
  process.exitCode = 1;
}
