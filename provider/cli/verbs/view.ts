import { randomBytes } from "node:crypto";
import { readStack } from "../stack.ts";
import type { Terminal } from "../terminal.ts";
import { exitCodes, mistake, type Verb } from "../verb.ts";

/** `linuxnet view`: a page on 127.0.0.1 that shows a stack as it is, until Ctrl-C. */
export const verb: Verb = {
  examples: ["view", "--stack dev view --port 8088"],
  declare: (command) => void command.option("-p, --port <number>", "the port on 127.0.0.1 (default: any free one)"),
  async run({ options, folder, stacks, json, terminal }) {
    const { port = "0" } = options as { port?: string };
    if (!/^\d{1,5}$/.test(port) || Number(port) > 65_535)
      mistake(`--port ${port} is no port`, "Give a number from 1 to 65535, or leave it out.");
    if (stacks.length > 1) mistake("one stack is enough here", "Give --stack once.");
    const ended = new AbortController();
    for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const) process.once(signal, () => ended.abort());
    const stack = await readStack(folder, stacks[0]);
    await show(
      { folder, name: stacks[0] ?? stack.name, port: Number(port), json, terminal, ended: ended.signal },
      stack,
    );
    return exitCodes.healthy;
  },
};

interface Showing {
  folder: string;
  /** The stack, as the engine is asked for it. */
  name: string;
  port: number;
  json: boolean;
  terminal: Terminal;
  ended: AbortSignal;
}

async function show(
  { folder, name, port, json, terminal, ended }: Showing,
  stack: Awaited<ReturnType<typeof readStack>>,
): Promise<void> {
  const [{ serve }, { pageFiles }, { eventOf }, { Watch }] = await Promise.all([
    import("../viewing/server.ts"),
    import("../viewing/page.ts"),
    import("../viewing/event.ts"),
    import("../viewing/watch.ts"),
  ]);
  const event = () => JSON.stringify(eventOf(watch.sight));
  const pace = { ended, wanted: () => served.readers() > 0, changed: () => served.send(event()) };
  const watch = await Watch.of(folder, name, stack, pace);
  const token = randomBytes(24).toString("base64url");
  const served = await serve({ port, token, files: pageFiles(`${stack.project}/${stack.name}`), first: event });
  terminal.write(json ? `${JSON.stringify({ url: served.url })}\n` : `${served.url}\n`);
  if (!json) terminal.warn("Ctrl-C ends it.");
  try {
    await watch.run();
  } finally {
    await served.close();
  }
}
