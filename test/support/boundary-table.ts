// Writes docs/trust-coverage.md from what a long run has printed: `node test/support/boundary-table.ts OUTPUT COMMIT >FILE`. Exit code 1
// when a cell is empty.
import { readFileSync } from "node:fs";
import { faultNames, operations } from "./boundaries.ts";
import type { FaultKind } from "./faulty-host.ts";

interface Covered {
  transport: string;
  tried: Record<string, number>;
}

const [output = "", commit = ""] = process.argv.slice(2);
const lines = readFileSync(output, "utf8").split("\n");
const all = lines.flatMap((line) =>
  line.startsWith("covered: ") ? [JSON.parse(line.slice("covered: ".length)) as Covered] : [],
);
const kinds = [...new Set(all.flatMap(({ tried }) => Object.keys(tried).map((key) => key.split(" ")[0] ?? "")))];
const faults = Object.entries(faultNames) as [FaultKind, string][];
let empty = 0;

/** How many places were tried: local and over ssh. */
function cell(kind: string, operation: string, fault: FaultKind): string {
  const counts = ["local", "ssh"].map((transport) => {
    const covered = all.filter((one) => one.transport === transport);
    return covered.reduce((sum, { tried }) => sum + (tried[`${kind} ${operation} ${fault}`] ?? 0), 0);
  });
  if (counts.includes(0)) empty += 1;
  return counts.join(" / ");
}

const rows = kinds.flatMap((kind) =>
  operations.map((operation) => [kind, operation, ...faults.map(([fault]) => cell(kind, operation, fault))]),
);
const head = ["Resource", "Operation", ...faults.map(([, name]) => name)];
const table = [head, head.map(() => "---"), ...rows].map((row) => `| ${row.join(" | ")} |`);
const total = all.reduce((sum, { tried }) => Object.values(tried).reduce((a, b) => a + b, sum), 0);

console.log(`# Every command boundary

Written by \`npm run test:long\`, on commit ${commit}. At each of ${total} places something went wrong: before the first step of what
the operation runs on the host, after its last, and between any two; of a read, before each of its questions. A cell tells how many
places there were on the machine itself, and how many over ssh. After each, what is not ours was as it was; one \`up\` made the
resource whole; the next refresh and plan were empty; one destroy left nothing. A read told the truth, or that it could not.

\`AddressPool\` asks no host for anything, and \`Expect\` changes nothing on one. The engine and its plugin are killed as whole processes
in \`test/e2e/engine-faults.test.ts\` and \`test/e2e/killed.test.ts\`.

${table.join("\n")}`);
process.exitCode = empty > 0 || kinds.length === 0 ? 1 : 0;
