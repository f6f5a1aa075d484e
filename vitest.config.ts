import { availableParallelism } from "node:os";
import { defineConfig } from "vitest/config";
import { BaseSequencer, type TestSpecification } from "vitest/node";

const report = process.env.LINUXNET_TEST_REPORT;

/**
 * All projects take their files from one queue, so that no core has nothing to do at the end of one. Tests with machines of
 * their own wait more than half of their time: for links, for daemons, for what must not answer.
 */
const maxWorkers = Math.min(Math.ceil(1.5 * availableParallelism()), 8);

/** Each project's files, longest first, spread evenly over the queue: engines, which need the cores, run beside tests that wait. */
class Spread extends BaseSequencer {
  override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    const projects = Map.groupBy(await super.sort(files), ({ project }) => project.name);
    const placed = [...projects.values()].flatMap((specs) =>
      specs.map((spec, index) => ({ spec, at: (index + 0.5) / specs.length })),
    );
    return placed.toSorted((a, b) => a.at - b.at).map(({ spec }) => spec);
  }
}

const project = (name: string, patience: number, more: { exclude?: string[] } = {}) => ({
  test: {
    name,
    include: [`test/${name}/**/*.test.ts`],
    maxWorkers,
    testTimeout: patience,
    hookTimeout: patience,
    // What is polled for comes late on a machine that has much to do: a second is vitest's own patience.
    expect: { poll: { timeout: 30_000 } },
    ...more,
  },
});

/** When all else has ended: one file after the other, or so many at once. */
const alone = (name: string, groupOrder: number, patience: number, workers = 1) => ({
  test: { ...project(name, patience).test, maxWorkers: workers, sequence: { groupOrder } },
});

// All of test/kernel over ssh: `npm run test:ssh`.
const repeated = process.env.LINUXNET_TEST_ALL ? [] : ["test/ssh/resources-*-2.test.ts"];

// All examples typed by hand, as explain tells them, and what takes long to see: `npm run test:long`.
const lengthy = process.env.LINUXNET_LONG
  ? []
  : ["explain-*", "cli-view-lost", "cli-trace-hosts"].map((name) => `test/e2e/${name}.test.ts`);
const lengthyKernel = process.env.LINUXNET_LONG ? [] : ["test/kernel/trace-ipv6.test.ts"];

export default defineConfig({
  test: {
    sequence: { sequencer: Spread },
    // Of tests that are concurrent: those of the long run, which wait for the kernel more than they compute.
    maxConcurrency: 2,
    reporters: report ? ["default", "json"] : ["default"],
    ...(report && { outputFile: { json: report } }),
    projects: [
      project("unit", 60_000),
      project("kernel", 300_000, { exclude: lengthyKernel }),
      project("ssh", 300_000, { exclude: repeated }),
      project("e2e", process.env.LINUXNET_LONG ? 1_800_000 : 600_000, { exclude: lengthy }),
      // Real machines: `npm run test:vm` alone.
      ...(process.env.LINUXNET_VM ? [alone("vm", 1, 2_400_000, 2)] : []),
      // Behind Debian's ufw, firewalld and docker.io: `npm run test:firewalls` alone.
      ...(process.env.LINUXNET_FIREWALLS ? [project("firewalls", 600_000)] : []),
      // Beside Debian's docker.io: `npm run test:conformance` alone.
      ...(process.env.LINUXNET_DOCKER && !process.env.LINUXNET_FIREWALLS ? [alone("conformance", 2, 300_000)] : []),
    ],
  },
});
