import { Option } from "commander";
import { canonicalAddress } from "../../kernel/addresses.ts";
import { isWrong, tryAll, wayOut } from "../checking/probing.ts";
import { asJson, asJunit, asTable } from "../checking/report.ts";
import { trialsOf } from "../checking/trials.ts";
import { readStack } from "../stack.ts";
import { hostsOf } from "../topology/hosts.ts";
import { topologyOf } from "../topology/read.ts";
import { exitCodes, mistake, type Verb } from "../verb.ts";

/** `linuxnet check`: what reaches what, tried with real packets, against what the stack declares. */
export const verb: Verb = {
  examples: ["check", "check --format junit >report.xml", "check --world 9.9.9.9 --json"],
  declare: (command) =>
    void command
      .addOption(new Option("-f, --format <format>", "how it is written").choices(["table", "junit"]).default("table"))
      .option("--world <address>", "an address that stands for the world (default: each host's default gateway)"),
  async run({ options, folder, stacks, json, terminal }) {
    const { format, world } = options as { format: string; world?: string };
    if (world !== undefined && !canonicalAddress(world))
      mistake(`--world ${world} is no address`, "Give one such as 9.9.9.9.");
    const stack = await readStack(folder, stacks[0]);
    const topology = await topologyOf(stack);
    const hosts = [...hostsOf(topology)];
    const ways = await Promise.all(
      hosts.map(async ([host, connection]) => [host, await wayOut(connection, world)] as const),
    );
    const results = await tryAll(trialsOf(topology, new Map(ways)));
    if (json) terminal.write(asJson({ project: stack.project, stack: stack.name }, results));
    else if (format === "junit") terminal.write(asJunit(`${stack.project}/${stack.name}`, results));
    else terminal.write(asTable(results, terminal));
    if (results.some(({ fault }) => fault !== undefined)) return exitCodes.failed;
    return results.some(isWrong) ? exitCodes.finding : exitCodes.healthy;
  },
};
