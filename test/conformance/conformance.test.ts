// The same lab, made by Debian's docker.io and by this package, and the same probes on both.
import { execFileSync } from "node:child_process";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { Machine } from "../support/machine.ts";
import { type Stack, succeeded } from "../support/stack.ts";
import { Docker, dockerLab } from "./docker.ts";
import type { Lab } from "./lab.ts";
import { ourLab } from "./ours.ts";
import type { Group, Scenario } from "./rows.ts";
import { groups } from "./scenarios.ts";
import { type Answers, record, tableOf } from "./table.ts";

let docker: Docker;
let machine: Machine;
let stack: Stack;
let labs: { docker: Lab; ours: Lab };
const answers = new Map<Scenario, Answers>();

beforeAll(async () => {
  docker = await Docker.start();
  machine = await Machine.start();
  const [theirs, ours] = await Promise.all([dockerLab(docker), ourLab(machine)]);
  stack = ours.stack;
  labs = { docker: theirs, ours: ours.lab };
});

afterAll(async () => {
  const heading = await headingOf();
  await docker.stop();
  await machine.stop();
  stack.close();
  const table = tableOf(groups, answers);
  console.log(`${heading}\n\n${table}`);
  if (process.env.LINUXNET_RECORD) record(heading, table);
});

const git = (...args: string[]) => execFileSync("git", args, { encoding: "utf8" }).trim();

async function headingOf(): Promise<string> {
  const commit = git("rev-parse", "--short", "HEAD");
  const [version, kernel] = [await docker.run("version", "-f", "{{.Server.Version}}"), await machine.sh("uname -r")];
  return `Commit ${commit}, ${new Date().toISOString().slice(0, 10)}, Docker ${version}, Linux ${kernel}.`;
}

async function bring(to: Group["prepare"]): Promise<void> {
  for (const { machine: one } of Object.values(labs)) {
    if (to?.machine) await one.sh(to.machine);
    if (to?.world) await one.world(to.world);
  }
}

/** Asks both sides; a slow machine may lose an answer, so one that is not the expected one is asked for again. */
async function ask(scenario: Scenario): Promise<Answers> {
  const side = async (lab: Lab, expected: string) => {
    let answer = "";
    for (let left = 3; left > 0 && answer !== expected; left -= 1) answer = await scenario.probe(lab);
    return answer;
  };
  const [theirs, ours] = await Promise.all([side(labs.docker, scenario.docker), side(labs.ours, scenario.ours)]);
  return { docker: theirs, ours };
}

for (const group of groups) {
  describe(group.title, () => {
    beforeAll(async () => {
      await bring(group.prepare);
      const waiting = [...group.scenarios];
      const worker = async () => {
        for (let one = waiting.shift(); one; one = waiting.shift()) answers.set(one, await ask(one));
      };
      await Promise.all([worker(), worker(), worker(), worker()]);
    });

    test.each(group.scenarios)("$what", (scenario) => {
      expect(answers.get(scenario)).toEqual({ docker: scenario.docker, ours: scenario.ours });
      expect(scenario.why !== undefined).toBe(scenario.docker !== scenario.ours);
    });

    afterAll(() => bring(group.restore));
  });
}

test("what Docker leaves behind stays; of ours nothing does", async () => {
  succeeded(await stack.destroy());
  await machine.expectClean();
});
