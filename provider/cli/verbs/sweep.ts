import { type Host, hostOf } from "../../host/host.ts";
import type { Connection } from "../../kernel/connection.ts";
import { listStacks } from "../engine.ts";
import { readHost, withHost } from "../host-option.ts";
import { inventory, inWords, type Owned, ownerParts } from "../inventory.ts";
import { readStack, type Stack } from "../stack.ts";
import { type Known, knownBy } from "../sweeping/known.ts";
import type { Failure } from "../sweeping/removal.ts";
import { type Sorted, sorted, usedBy } from "../sweeping/sorted.ts";
import { paint, plain, table } from "../terminal.ts";
import { type Call, exitCodes, mistake, type Verb } from "../verb.ts";

/** `linuxnet sweep`: removes what is ours and no state knows any more, after showing it. */
export const verb: Verb = {
  examples: ["sweep --dry-run", "sweep", "--stack dev --stack prod sweep --yes --host root@lab1.example"],
  declare: (command) =>
    void withHost(command)
      .option("-y, --yes", "remove without asking")
      .option("--dry-run", "only show what would be removed")
      .option("--others", "also what belongs to projects, stacks and people of whom the states say nothing"),
  async run(call) {
    const { host, ...asked } = call.options as Options & { host?: string };
    if (!asked.yes && !asked.dryRun && (call.json || !call.terminal.interactive))
      mistake("nobody is there to be asked", "Give --yes to remove without asking, or --dry-run to see what would go.");
    const given = await statesOf(call);
    const hosts = host === undefined ? hostsOf(given.stacks) : [hostOf(readHost(host))];
    const used = await usedBy(given.stacks);
    const found = await Promise.all(
      hosts.map(async (one) => ({
        host: one,
        ...sorted(await inventory(one), given.known, used, asked.others === true),
      })),
    );
    return swept(call, asked, found);
  },
};

interface Options {
  yes?: boolean;
  dryRun?: boolean;
  others?: boolean;
}

/** What stands on a host, sorted. */
interface Found extends Sorted {
  host: Host;
}

async function statesOf({ folder, stacks }: Call): Promise<{ stacks: Stack[]; known: Known }> {
  const names = stacks.length > 0 ? stacks : (await listStacks(folder)).names;
  if (names.length === 0) mistake("this project has no stack", "Name one with --stack: what its state knows stays.");
  const read = await Promise.all(names.map((name) => readStack(folder, name)));
  return { stacks: read, known: knownBy(read, stacks.length === 0) };
}

function hostsOf(stacks: readonly Stack[]): Host[] {
  const connections = stacks.flatMap(({ resources }) =>
    resources.filter(({ component }) => !component).map(({ connection }) => connection),
  );
  const all = new Map(connections.map((one) => [JSON.stringify(one ?? {}), one]));
  return (all.size === 0 ? [undefined] : [...all.values()]).map((one: Connection | undefined) => hostOf(one));
}

async function swept(call: Call, { yes, dryRun }: Options, found: readonly Found[]): Promise<number> {
  const { terminal, json } = call;
  const going = found.flatMap((one) => one.going);
  if (!json) for (const one of found) show(call, one);
  if (going.length === 0 || dryRun) {
    if (json) terminal.write(asJson(found, []));
    return going.length === 0 ? exitCodes.healthy : exitCodes.finding;
  }
  if (!yes && !(await terminal.confirm(`Remove ${counted(going.length)}?`))) return exitCodes.finding;
  const failures = await remove(yes ? found : await stillUnknown(call, found));
  if (json) terminal.write(asJson(found, failures));
  else {
    for (const { what, why } of failures) terminal.warn(`linuxnet: cannot remove ${plain(what)}: ${plain(why)}`);
    terminal.write(failures.length === 0 ? `Removed ${counted(going.length)}.\n` : "The rest was removed.\n");
  }
  return failures.length === 0 ? exitCodes.healthy : exitCodes.failed;
}

/** What came into a state while the question was thought about stays. */
async function stillUnknown(call: Call, found: readonly Found[]): Promise<Found[]> {
  const { known } = await statesOf(call);
  return found.map((one) => ({ ...one, going: one.going.filter(({ owner }) => known.relationOf(owner) !== "known") }));
}

/** Removes, and looks again: what is still there is told, whatever was said on the way. */
async function remove(found: readonly Found[]): Promise<Failure[]> {
  const { removeOwned } = await import("../sweeping/removal.ts");
  const failures = await Promise.all(
    found.map(async ({ host, going }) => {
      const failed = await removeOwned(host, going);
      const owners = new Set(going.map(({ owner }) => owner));
      const left = (await inventory(host)).filter(({ owner }) => owners.has(owner));
      const told = left.filter((one) => !failed.some(({ what }) => what === inWords(one)));
      return [...failed, ...told.map((one) => ({ what: inWords(one), why: `it is still there on ${host.name}` }))];
    }),
  );
  return failures.flat();
}

const counted = (count: number) => `${count} object${count === 1 ? "" : "s"}`;

function show({ terminal }: Call, { host, going, needed, others }: Found): void {
  const line = (text: string) => terminal.write(`${text}\n`);
  if (going.length === 0) line(`Nothing on ${host.name} is without a state.`);
  else {
    line(paint(terminal, "bold", `On ${host.name} no state knows`));
    const rows = going.map((one) => [plain(one.owner), plain(inWords(one))]);
    terminal.write(
      table(
        ["  OWNER", "ON THE HOST"],
        rows.map(([owner = "", what = ""]) => [`  ${owner}`, what]),
      ),
    );
  }
  for (const one of needed) line(`Left alone: ${plain(inWords(one))}. What a state knows, or others have, needs it.`);
  if (others.length === 0) return;
  const stacks = new Set(others.map(({ owner }) => stackText(owner)));
  line(`Left alone on ${host.name}: ${counted(others.length)} of ${plain([...stacks].join(", "))},`);
  line("of which these states say nothing. Name their stacks with --stack, or give --others.");
}

function stackText(owner: string): string {
  const { project, stack, who } = ownerParts(owner);
  return `${project}/${stack}@${who}`;
}

function asJson(found: readonly Found[], failures: readonly Failure[]): string {
  const list = (owned: readonly Owned[]) =>
    owned.map((one) => ({ owner: one.owner, what: one.what, object: inWords(one) }));
  const hosts = found.map(({ host, going, others }) => ({
    host: host.name,
    orphans: list(going),
    others: list(others),
  }));
  return `${JSON.stringify({ hosts, failures }, null, 2)}\n`;
}
