import type { Command } from "commander";
import { attached } from "../../host/attached.ts";
import { hostOf } from "../../host/host.ts";
import { LinuxnetError } from "../../kernel/failure.ts";
import { inodeFact } from "../../kernel/netns.ts";
import { quote, quoteAll } from "../../kernel/quote.ts";
import { readStack } from "../stack.ts";
import { findPlace } from "../topology/find.ts";
import { fullName, type Place } from "../topology/model.ts";
import { topologyOf } from "../topology/read.ts";
import type { Call, Verb } from "../verb.ts";
import { mistake } from "../verb.ts";

/** `linuxnet exec CONTAINER -- COMMAND`: runs a program in a container, with its DNS settings and hosts file. */
export const verb: Verb = {
  names: "containers",
  examples: [
    "exec web -- ip addr",
    "exec web -- sh -c 'curl -s http://db:8080/ | head'",
    "exec -u nobody lab/web -- id",
  ],
  declare: (command) => void inPlace(command).argument("<command...>", "the program and its arguments"),
  async run(call) {
    const [container, words] = call.args as [string, string[]];
    const command = words[0] === "--" ? words.slice(1) : words;
    if (command.length === 0) mistake("there is no program to run", "Give one: linuxnet exec web -- ip addr.");
    const place = await placeIn(call, container);
    const { user } = call.options as { user?: string };
    return attached(place.connection, inside(place, quoteAll(command), user), onTerminal());
  },
};

/** The arguments of a verb that goes into a container: what stands behind it is passed on as it is. */
export function inPlace(command: Command): Command {
  return command
    .argument("<container>", "a container's name, LAB/NAME, or its namespace")
    .option("-u, --user <name>", "the user there (default: root)")
    .passThroughOptions();
}

/** The container that is meant, which is there. */
export async function placeIn({ folder, stacks }: Call, name: string): Promise<Place> {
  if (stacks.length > 1) mistake("one stack is enough here", "Give --stack once.");
  const stack = await readStack(folder, stacks[0]);
  const place = findPlace(await topologyOf(stack), name, `${stack.project}/${stack.name}`);
  if (place.netns === undefined) return place;
  const { inode } = await hostOf(place.connection).observe({ inode: inodeFact(`/run/netns/${place.netns}`) });
  if (inode !== undefined) return place;
  throw new LinuxnetError({
    problem: `the namespace ${place.netns} of ${fullName(place)} is not there`,
    remedy: "`pulumi up` makes it again.",
  });
}

/** A line of sh that runs words in a container as a Process does: `ip netns exec` puts its files over those of /etc. */
export function inside({ netns }: Place, words: string, user?: string): string {
  const where = netns === undefined ? "" : `ip netns exec ${quote(netns)} `;
  const group = `"$(id -g ${quote(user ?? "")})"`;
  const who = user === undefined ? "" : `setpriv --reuid=${quote(user)} --regid=${group} --init-groups -- `;
  return `exec ${where}${who}${words}`;
}

/** Whether somebody sits before this process. */
export function onTerminal(): boolean {
  return process.stdin.isTTY === true && process.stdout.isTTY === true;
}
