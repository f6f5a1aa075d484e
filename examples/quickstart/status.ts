// Tries the lab with real probes and prints what it found: `node examples/quickstart/status.ts` after `npm start`.
import { userInfo } from "node:os";
import { execa } from "execa";

interface Container {
  name: string;
  netns: string;
  address: string;
  gateway: string;
}

const { stdout } = await execa("pulumi", ["stack", "output", "--json"]);
const { containers, url } = JSON.parse(stdout) as { containers: Container[]; url: string };

/** Runs a program as root, through sudo where that is needed; true when it succeeds. */
async function works(...argv: string[]): Promise<boolean> {
  const [file = "", ...args] = userInfo().uid === 0 ? argv : ["sudo", "-n", ...argv];
  return (await execa(file, args, { reject: false })).exitCode === 0;
}

const reaches = (from: Container, to: string) => works("ip", "netns", "exec", from.netns, "ping", "-c1", "-W1", to);
const mark = (ok: boolean) => (ok ? "yes" : "NO");

const [served] = containers;
const published = await works("curl", "-sf", "-m3", "-o/dev/null", url);
const rows = await Promise.all(
  containers.map(async (container) => ({
    container: container.name,
    address: container.address,
    "reaches gateway": mark(await reaches(container, container.gateway)),
    "reaches the other": mark(
      (
        await Promise.all(
          containers.filter((other) => other !== container).map(({ address }) => reaches(container, address)),
        )
      ).every(Boolean),
    ),
    "published at": container === served ? (published ? url : `${url} does NOT answer`) : "",
  })),
);

const heads = Object.keys(rows[0] ?? {}) as (keyof (typeof rows)[number])[];
const widths = heads.map((head) => Math.max(head.length, ...rows.map((row) => row[head].length)));
const line = (cells: string[]) =>
  cells
    .map((cell, column) => cell.padEnd(widths[column] ?? 0))
    .join("  ")
    .trimEnd();
console.log(
  [
    "",
    line(heads),
    line(widths.map((width) => "-".repeat(width))),
    ...rows.map((row) => line(heads.map((head) => row[head]))),
  ].join("\n"),
);

const next = [
  [`curl ${url}`, "the page, from the container"],
  [`sudo ip netns exec ${containers[1]?.netns} ping ${served?.address}`, "from one container to the other"],
  ["npm run down", "remove it all"],
] as const;
const widest = Math.max(...next.map(([command]) => command.length));
console.log(`\nNext:\n${next.map(([command, what]) => `  ${command.padEnd(widest)}  ${what}`).join("\n")}\n`);
if (!published || rows.some((row) => Object.values(row).includes("NO"))) process.exitCode = 1;
