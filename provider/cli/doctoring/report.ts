import type { LinuxnetError } from "../../kernel/failure.ts";
import { paint, plain, type Terminal } from "../terminal.ts";
import { diagnose, type Named } from "./diagnose.ts";
import { allFeatures } from "./host-facts.ts";
import type { Mended } from "./mend.ts";
import type { Looked } from "./scene.ts";

/** What doctor has to say of one host. */
export interface HostReport {
  host: string;
  /** The faults, the most likely root first. */
  findings: Named[];
  /** What the kernel can do; of a host without a stack. */
  features: { name: string; there: boolean }[];
  /** Why it could not be looked at. */
  fault: LinuxnetError | undefined;
}

/** Works out what to say of a host that was looked at. */
export function reportOf({ host, scene, unfit, fault }: Looked): HostReport {
  const findings = scene ? diagnose(scene) : unfit ? [unfitFinding(unfit)] : [];
  const bare = scene !== undefined && scene.resources.length === 0;
  const features = bare ? allFeatures.map((name) => ({ name, there: !scene.seen.lacks.has(name) })) : [];
  return { host, findings, features, fault };
}

/** A host that answers and cannot be used: nothing else can be known of it. */
function unfitFinding({ failing: { problem, remedy = "" } }: LinuxnetError): Named {
  const says = `This host cannot be used: ${problem}.`;
  const evidence = [{ where: "the first look at the host", seen: problem }];
  return { cause: "host-unfit", says, evidence, remedy, breaks: [] };
}

const count = (number: number, what: string) => `${number} ${what}${number === 1 ? "" : "s"}`;

/** As text: the likely root first, with what was seen and what to do. */
export function asText(
  title: string,
  reports: readonly HostReport[],
  mended: Mended | undefined,
  terminal: Terminal,
): string {
  const lines = reports.flatMap((one) => [
    paint(terminal, "bold", plain([title, `on ${one.host}`].filter(Boolean).join(" "))),
    ...(one.fault ? [paint(terminal, "yellow", `  could not be looked at: ${plain(one.fault.message)}`)] : []),
    ...one.findings.flatMap((finding, index) => findingLines(finding, index, terminal)),
    ...(one.features.length > 0 ? [featureLine(one)] : []),
    ...(one.findings.length === 0 && !one.fault
      ? [paint(terminal, "green", "  No known cause of trouble was found.")]
      : []),
  ]);
  return `${[...mendedLines(mended, terminal), ...lines].join("\n")}\n`;
}

function findingLines({ cause, says, evidence, remedy }: Named, index: number, terminal: Terminal): string[] {
  const row = (name: string, text: string) => `     ${name.padEnd(7)} ${plain(text)}`;
  return [
    `  ${index + 1}. ${paint(terminal, "red", plain(says))} ${paint(terminal, "dim", `[${cause}]`)}`,
    ...evidence.map(({ where, seen }) => row("seen", `${where}: ${seen}`)),
    row("remedy", remedy),
  ];
}

function featureLine({ features }: HostReport): string {
  const of = (there: boolean) =>
    features
      .filter((one) => one.there === there)
      .map(({ name }) => name)
      .join(", ");
  const lacking = of(false);
  return `  The kernel has ${of(true)}${lacking === "" ? "" : `; it lacks ${lacking}`}.`;
}

function mendedLines(mended: Mended | undefined, terminal: Terminal): string[] {
  if (!mended) return [];
  const { done, failed } = mended;
  return [
    done.length === 0 && failed.length === 0
      ? "Nothing of ours differs from what the state says: there is nothing to mend."
      : `Mended ${count(done.length, "object")} of ours${done.length > 0 ? `: ${plain(done.join(", "))}` : ""}.`,
    ...failed.map(({ what, why }) => paint(terminal, "yellow", `Could not mend ${plain(what)}: ${plain(why)}`)),
  ];
}

/** As JSON. */
export function asJson(
  title: { project: string; stack: string } | undefined,
  reports: readonly HostReport[],
  mended: Mended | undefined,
): string {
  const hosts = reports.map(({ host, findings, features, fault }) => ({
    host,
    findings: findings.map(({ cause, says, evidence, remedy, urns = [] }) => ({
      cause,
      says,
      evidence,
      remedy,
      objects: [...new Set(urns)],
    })),
    ...(features.length > 0 && { features: Object.fromEntries(features.map(({ name, there }) => [name, there])) }),
    ...(fault && { fault: fault.message }),
  }));
  return `${JSON.stringify({ ...title, hosts, ...(mended && { mended }) }, null, 2)}\n`;
}
