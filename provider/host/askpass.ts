import { chmodSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { createServer, type Server } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { quote } from "../kernel/quote.ts";
import { askpassFolder, removeStale } from "./askpass-stale.ts";

/** A private place from which ssh gets its secrets: the environment for ssh, and how to end it. */
export interface Askpass {
  env: Record<string, string>;
  /** The command that prints the answer to a question, for a shell. */
  command(question: string): string;
  close(): void;
}

/** The name of the client's file beside this one, as source or as compiled. */
const client = fileURLToPath(new URL(`./askpass-client${import.meta.url.slice(-3)}`, import.meta.url));

/** The words of a shell that run the client. */
const run = `${quote(process.execPath)} ${quote(client)}`;

/**
 * Serves answers to ssh's questions over a socket in a folder that only this user can enter. What a process left that was
 * killed while it logged in is removed.
 *
 * @param answer the secret for a question (`lab@10.0.0.1's password: `); undefined: none, and ssh goes on without
 */
export async function serveAskpass(answer: (question: string) => string | undefined): Promise<Askpass> {
  await removeStale();
  const folder = mkdtempSync(join(tmpdir(), askpassFolder));
  chmodSync(folder, 0o700);
  const [path, program] = [join(folder, "ask"), join(folder, "askpass")];
  writeFileSync(program, `#!/bin/sh\nexec ${run} "$1"\n`, { mode: 0o700 });
  const server = await listening(path, answer);
  const close = () => {
    process.off("exit", close);
    server.close();
    rmSync(folder, { recursive: true, force: true });
  };
  process.once("exit", close);
  return {
    env: {
      SSH_ASKPASS: program,
      SSH_ASKPASS_REQUIRE: "force",
      LINUXNET_ASKPASS: path,
      DISPLAY: process.env.DISPLAY ?? "none",
    },
    command: (question) => `${run} ${quote(question)}`,
    close,
  };
}

async function listening(path: string, answer: (question: string) => string | undefined): Promise<Server> {
  const server = createServer((socket) => {
    socket.setEncoding("utf8");
    socket.on("error", () => {});
    socket.on("data", (line) => void socket.end(`${answer(JSON.parse(`${line}`)) ?? ""}\n`));
  });
  server.unref();
  await new Promise<void>((resolve, reject) => server.once("error", reject).listen(path, resolve));
  return server;
}
