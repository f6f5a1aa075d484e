import fc from "fast-check";
import { expect } from "vitest";
import { quote, quoteAll } from "../../provider/kernel/quote.ts";
import { hostile } from "../support/hostile.ts";
import type { Machine } from "../support/machine.ts";
import { make } from "../support/subject.ts";
import { test } from "../support/test.ts";

interface Given {
  words: string[];
  environment: Record<string, string>;
  folder: string;
}

const name = fc.oneof(
  fc.stringMatching(/^[A-Za-z_][A-Za-z0-9_]{0,8}$/),
  fc.constantFrom(
    "IFS",
    "PWD",
    "OLDPWD",
    "_",
    "OPTIND",
    "UID",
    "PPID",
    "PS1",
    "ENV",
    "LINENO",
    "SHLVL",
    "env",
    "nice",
    "stat",
    "born",
  ),
);

/** What a path can hold: no name of it over 255 bytes, none that is a dot or two. */
const folder = hostile.map((text) => `/media/cwd/x${text.slice(0, 30).replaceAll("/", "-")}x`);

const given = fc.record<Given>({
  words: fc.array(hostile, { minLength: 10, maxLength: 20 }),
  environment: fc
    .dictionary(name, hostile, { maxKeys: 12, noNullPrototype: true })
    .map(({ PATH: _path, ...others }) => others),
  folder: folder.map((path) => (path.isWellFormed() ? path : "/media/cwd/x")),
});

/** Sleeps, whatever its arguments and its environment are: a shell would look at some of them. */
const program = ["/usr/bin/perl", "-e", "sleep 1000", "--"];

async function arrived(machine: Machine, { words, environment, folder: cwd }: Given) {
  await machine.sh(`mkdir -p -- ${quote(cwd)}`);
  const subject = await make(machine, "Process", "p", { command: [...program, ...words], environment, cwd });
  const read = (what: string) => machine.sh(`base64 -w 0 /proc/${subject.outputs.pid}/${what}`);
  const [argv, variables] = [await read("cmdline"), await read("environ")].map((text) =>
    Buffer.from(text, "base64").toString("utf8").split("\0").slice(0, -1),
  );
  const where = await machine.sh(`readlink -n /proc/${subject.outputs.pid}/cwd | base64 -w 0`);
  await subject.destroy();
  return {
    argv,
    variables: variables?.toSorted(),
    cwd: Buffer.from(where, "base64").toString("utf8"),
    owner: subject.owner,
  };
}

test("argv, environment and folder arrive byte for byte, and nothing else does", async ({ machine }) => {
  await fc.assert(
    fc.asyncProperty(given, async (what) => {
      const { argv, variables, cwd } = await arrived(machine, what);
      expect(argv).toEqual([...program, ...what.words]);
      expect(cwd).toBe(what.folder);
      const [owner = "", ...others] = (variables ?? []).toSorted((one) => (one.startsWith("LINUXNET_OWNER=") ? -1 : 1));
      expect(owner).toMatch(/^LINUXNET_OWNER=linuxnet:test\/dev\/Process\/p@[0-9a-f]{8}$/);
      const wanted = { PATH: "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", ...what.environment };
      expect(others.toSorted()).toEqual(
        Object.entries(wanted)
          .map(([key, value]) => `${key}=${value}`)
          .toSorted(),
      );
    }),
    { numRuns: 25 },
  );
});

test("a program's name may look like anything", async ({ machine }) => {
  await machine.sh("mkdir /media/bin");
  for (const odd of ["-n", "a=b", "it's", "two words", "$(id)", "é\u0080", "--"]) {
    await machine.sh(`cp -- /bin/sleep ${quote(`/media/bin/${odd}`)}`);
    const environment = { PATH: "/media/bin" };
    const subject = await make(machine, "Process", "p", { command: [odd, "1000"], environment });
    const argv = await machine.sh(`base64 -w 0 /proc/${subject.outputs.pid}/cmdline`);
    expect(Buffer.from(argv, "base64").toString("utf8")).toBe(`${odd}\u00001000\0`);
    await subject.destroy();
  }
});

test("a secret is on no command line and in no file that stays", async ({ machine }) => {
  const spy = "while :; do cat /proc/[0-9]*/cmdline 2>/dev/null; done >/media/spy";
  const spying = await machine.spawn(["sh", "-c", spy]);
  const secret = "s3cret-never-seen";
  const args = { command: ["sleep", "1000"], environment: { PASSWORD: secret }, restart: "always" };
  const subject = await make(machine, "Process", "p", args);
  await machine.sh(
    `kill ${spying}; ! grep -qa ${quoteAll([secret.slice(0, 8)])} /media/spy; ! grep -rqa s3cret /run/linuxnet`,
  );
  const files = ["launch", "log", "owner", "pid", "pump", "pump.pid", "supervise", "supervisor"];
  expect(await machine.sh("stat -c '%a %n' /run/linuxnet/process/*/* | sed 's|/.*/||'")).toBe(
    files.map((file) => `600 ${file}`).join("\n"),
  );
  await subject.destroy();
});
