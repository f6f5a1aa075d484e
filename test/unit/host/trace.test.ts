import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, expect, test, vi } from "vitest";
import { Session } from "../../../provider/host/session.ts";
import { localLaunch } from "../../../provider/host/shell.ts";

afterEach(() => vi.unstubAllEnvs());

async function answerOf(script: string): Promise<string | undefined> {
  const session = new Session(localLaunch());
  const [reply] = await session.send([{ script, deadline: 60 }]);
  session.close();
  return reply?.stdout;
}

test("an exchange is one line of sizes, and nothing of what was said", async () => {
  const folder = mkdtempSync(join(tmpdir(), "linuxnet-trace-"));
  vi.stubEnv("LINUXNET_TRACE", join(folder, "trace"));
  await answerOf("echo secret");
  const text = readFileSync(join(folder, "trace"), "utf8");
  rmSync(folder, { recursive: true });
  expect(text).not.toContain("secret");
  expect(JSON.parse(text)).toMatchObject({ requests: 1, sent: "echo secret".length, received: "secret\n".length });
});

test("a file that cannot be written changes nothing of what was done", async () => {
  vi.stubEnv("LINUXNET_TRACE", "/no/such/folder/trace");
  expect(await answerOf("echo done")).toBe("done\n");
});
