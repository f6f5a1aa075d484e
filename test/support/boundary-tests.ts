import { afterAll, expect } from "vitest";
import { type Boundary, faultNames, operations, tryBoundary, tryEverywhere } from "./boundaries.ts";
import type { FaultKind } from "./faulty-host.ts";
import { admin } from "./histories/themes-links.ts";
import type { LabHost } from "./hosts.ts";
import { test as sshTest } from "./hosts-test.ts";
import { fixedGround, lives } from "./lives.ts";
import { long } from "./long.ts";
import type { Machine } from "./machine.ts";
import { test } from "./test.ts";

const faults = Object.keys(faultNames) as FaultKind[];
const kinds = Object.keys(lives);

/** How many places of each kind, operation and fault were tried: what `npm run test:long` makes the table of. */
const tried: Record<string, number> = {};

/** @param transport how the host was reached, in the words of the table */
function report(transport: string): void {
  const count = Object.values(tried).reduce((sum, one) => sum + one, 0);
  console.log(`tried: ${count} command boundaries, ${transport}, by ${faults.length} faults`);
  console.log(`covered: ${JSON.stringify({ transport, tried })}`);
}

/** All operations and faults of a kind; in the default run so many, in turn, so that each fault strikes each operation of some kind. */
function chosen(kindOf: string, count: number): Omit<Boundary, "at">[] {
  const all = operations.flatMap((operation) => faults.map((kind) => ({ kindOf, operation, kind })));
  const first = kinds.indexOf(kindOf) * count;
  return long ? all : Array.from({ length: count }, (_, index) => all[(first + index) % all.length] as Boundary);
}

/** Tries all that is chosen of a kind; in the default run at one place each. */
async function tryKind(machine: Machine, kindOf: string, count: number): Promise<void> {
  const life = lives[kindOf];
  if (!life) throw new Error(`there is no life of ${kindOf}`);
  await machine.sh(`${admin}\n${fixedGround}`);
  await machine.baseline();
  for (const [index, boundary] of chosen(kindOf, count).entries()) {
    const key = `${kindOf} ${boundary.operation} ${boundary.kind}`;
    const at = (kinds.indexOf(kindOf) + index) % 2;
    tried[key] = long
      ? await tryEverywhere(machine, life, boundary)
      : Number(await tryBoundary(machine, life, { ...boundary, at }));
    expect(tried[key], key).toBeGreaterThan(0);
  }
}

const patience = { timeout: long ? 3_600_000 : 300_000 };

/** The tests on a machine. */
export function localBoundaries(): void {
  afterAll(() => report("local"));
  (long ? test.concurrent : test).for(kinds)("%s: cut off, or failed, at any step", patience, (kindOf, { machine }) =>
    tryKind(machine, kindOf, 2),
  );
}

/** The tests on a host that is reached by ssh; in the default run one place of some kinds: `lives.test.ts` has more. */
export function sshBoundaries(): void {
  afterAll(() => report("ssh"));
  const some = long ? kinds : ["Bridge", "PortPublish"];
  (long ? sshTest.concurrent : sshTest).for(some)(
    "%s: cut off, or failed, at any step",
    patience,
    async (kindOf, { start }) => {
      const lab = await start(1, { world: true });
      await tryKind(lab.hosts[0] as LabHost, kindOf, 1);
    },
  );
}
