// A lab whose faults `linuxnet doctor` is to find: made on a machine as the engine would, and told to doctor as the engine's
// state would.
import { expect } from "vitest";
import { diagnose, type Named } from "../../provider/cli/doctoring/diagnose.ts";
import { mend } from "../../provider/cli/doctoring/mend.ts";
import { reportOf } from "../../provider/cli/doctoring/report.ts";
import { lookAtBare, lookAtStack } from "../../provider/cli/doctoring/scene.ts";
import { type Stack, stackOf } from "../../provider/cli/stack.ts";
import { long } from "../support/long.ts";
import type { Machine } from "../support/machine.ts";
import { make, type Subject } from "../support/subject.ts";

type Bag = Record<string, unknown>;

/** A resource of the lab: kind, name, inputs. */
export type Entry = [kind: string, name: string, args: Bag];

/** A fault: how it comes and goes, and the cause by which it is to be found. */
export interface Fault {
  cause: string;
  /** How a person, or another program, makes it. */
  make: string;
  /** Omitted: what is ours is mended by doctor itself. */
  undo?: string;
  /** In the long run only: its cause is tried in another way already. */
  more?: true;
  /** What the finding has to say: in its sentence, its evidence or its remedy. */
  says?: RegExp;
}

const urnOf = (kind: string, name: string) => `urn:pulumi:dev::lab::pulumi-nodejs:dynamic/linuxnet:${kind}::${name}`;

/** A lab that stands on a machine. */
export class DoctorLab {
  readonly machine: Machine;
  readonly subjects: Subject[];
  readonly stack: Stack;

  private constructor(machine: Machine, subjects: Subject[], stack: Stack) {
    this.machine = machine;
    this.subjects = subjects;
    this.stack = stack;
  }

  /** Makes the resources, one after the other. */
  static async make(machine: Machine, entries: readonly Entry[]): Promise<DoctorLab> {
    const subjects: Subject[] = [];
    for (const [kind, name, args] of entries) subjects.push(await make(machine, kind, name, args));
    const resources = entries.map(([kind, name, args], index) => ({
      urn: urnOf(kind, name),
      type: `pulumi-nodejs:dynamic/linuxnet:${kind}`,
      inputs: subjects[index]?.inputsOf(args) ?? {},
      outputs: subjects[index]?.outputs ?? {},
    }));
    return new DoctorLab(machine, subjects, stackOf("dev", resources, urnOf("Stack", "lab")));
  }

  /** What doctor finds. */
  async found(...names: string[]): Promise<Named[]> {
    const looked = await lookAtStack(this.stack, names, () => this.machine.host);
    for (const { fault, unfit } of looked) if (fault ?? unfit) throw fault ?? unfit;
    return looked.flatMap(({ scene }) => (scene ? diagnose(scene) : []));
  }

  /** What doctor finds of the host alone. */
  async foundOnHost(): Promise<Named[]> {
    const { findings, fault } = reportOf(await lookAtBare(undefined, () => this.machine.host));
    if (fault) throw fault;
    return findings;
  }

  /** Brings all that is ours back, as `linuxnet doctor --fix` does. */
  async mend(): Promise<void> {
    const looked = await lookAtStack(this.stack, [], () => this.machine.host);
    const { failed } = await mend(this.stack, looked, () => this.machine.host);
    expect(failed).toEqual([]);
  }

  /** Makes a fault, expects that its cause is named first and nothing beside it, and takes the fault back. */
  async tries({ cause, make: create, undo, says }: Fault): Promise<void> {
    await this.machine.sh(create);
    const found = await this.found();
    expect(
      found.map((one) => one.cause),
      `${create}\n${found.map(textOf).join("\n")}`,
    ).toEqual([cause]);
    if (says) expect(textOf(found[0])).toMatch(says);
    if (undo === undefined) await this.mend();
    else await this.machine.sh(undo);
  }

  /** Tries faults, one after the other, between two looks at a healthy lab. */
  async triesAll(faults: readonly Fault[], words: string): Promise<void> {
    expect((await this.found()).map(textOf)).toEqual([]);
    for (const fault of faults) {
      if (fault.more && !long) continue;
      const { undo } = fault;
      await this.tries({ ...fault, make: `${words}\n${fault.make}`, ...(undo && { undo: `${words}\n${undo}` }) });
    }
    expect((await this.found()).map(textOf)).toEqual([]);
  }

  /** Removes it. */
  async destroy(): Promise<void> {
    for (const subject of this.subjects.toReversed()) await subject.destroy();
  }
}

/** A finding as one text. */
export function textOf(found: Named | undefined): string {
  if (!found) return "";
  return [found.says, ...found.evidence.map(({ where, seen }) => `${where}: ${seen}`), found.remedy].join("\n");
}

const serving = { command: ["python3", "-u", "-m", "http.server", "80"], ready: { tcp: 80 } };

/** A shop with a web server, a client, names and a published port. */
export const shop: Entry = [
  "Lab",
  "bench",
  {
    networks: { shop: { subnet: "10.5.0.0/24", bridgeName: "br-shop", dns: true } },
    containers: { web: { network: "shop", publish: ["8080:80"], ...serving }, client: { network: "shop" } },
  },
];
