import { execFileSync, spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, mkdirSync, mkdtempSync, rmSync, utimesSync } from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { serveAskpass } from "../../../provider/host/askpass.ts";

let home: string;

beforeEach(() => {
  home = mkdtempSync(join(tmpdir(), "linuxnet-test-"));
  vi.stubEnv("TMPDIR", home);
});

afterEach(() => {
  vi.unstubAllEnvs();
  rmSync(home, { recursive: true, force: true });
});

const folder = (name: string, minutes: number): string => {
  const path = join(home, name);
  mkdirSync(path, { mode: 0o700 });
  const when = Date.now() / 1000 - minutes * 60;
  utimesSync(path, when, when);
  return path;
};

const aged = (path: string): void => utimesSync(path, 1, 1);

test("a question is answered, and nothing is left of it", async () => {
  const askpass = await serveAskpass((question) => `answer to ${question}`);
  const program = `${askpass.env.SSH_ASKPASS}`;
  const asking = spawn(program, ["lab's password: "], { env: { ...process.env, ...askpass.env } });
  const [answer] = await once(asking.stdout, "data");
  expect(`${answer}`).toBe("answer to lab's password: \n");
  askpass.close();
  expect(execFileSync("ls", ["-A", home]).toString()).toBe("");
});

test("what a process left that was killed while it logged in goes with the next log-in", async () => {
  const text = `
    import { serveAskpass } from ${JSON.stringify(new URL("../../../provider/host/askpass.ts", import.meta.url).href)};
    const { env } = await serveAskpass(() => "");
    setInterval(() => {}, 1000);
    console.log(env.LINUXNET_ASKPASS);`;
  const killed = spawn(process.execPath, ["--input-type=module-typescript", "-e", text]);
  const [line] = await once(killed.stdout, "data");
  const left = join(`${line}`, "..");
  killed.kill("SIGKILL");
  await once(killed, "exit");
  expect(existsSync(left)).toBe(true);
  aged(left);
  const askpass = await serveAskpass(() => "");
  expect(existsSync(left)).toBe(false);
  askpass.close();
});

test("a folder that is served, that is new, or that is another's stays", async () => {
  const served = folder("linuxnet-askpass-served", 5);
  const server = createServer().listen(join(served, "ask"));
  await once(server, "listening");
  aged(served);
  const kept = [served, folder("linuxnet-askpass-new", 0), folder("another", 5)];
  const stale = folder("linuxnet-askpass-stale", 5);
  const askpass = await serveAskpass(() => "");
  expect(kept.map((path) => existsSync(path))).toEqual([true, true, true]);
  expect(existsSync(stale)).toBe(false);
  askpass.close();
  server.close();
});
