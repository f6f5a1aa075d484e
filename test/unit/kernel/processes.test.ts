import { expect, test } from "vitest";
import type { Reply } from "../../../provider/kernel/command.ts";
import { fingerprint, processDir, startCommand } from "../../../provider/kernel/processes.ts";
import { howItEnded, processFact, userFact } from "../../../provider/kernel/processes-fact.ts";
import { unitName, unitText } from "../../../provider/kernel/processes-unit.ts";
import { definitionOf, failures, testOwner } from "../../support/subject.ts";

const owner = "linuxnet:test/dev/Process/p@00000000";
const reply = (...lines: string[]): Reply => ({ code: 0, stdout: lines.join("\n"), stderr: "" });
const log = (text: string) => `log ${Buffer.from(text).toString("base64")}`;
const stat = (start: number, state = "S") => `stat 42 (a) b (c) ${state} 1 42 42 ${"0 ".repeat(15)}${start} 9 9`;
const seen = (...lines: string[]) => processFact(owner).parse(reply(`owner ${owner} 0123456789abcdef`, ...lines));

test("a program is the one with its start time", () => {
  const files = ["pid 42 777 net:[4026531840] 7.5", "up 27.5 9", log("one\ntwo\n")];
  expect(seen(...files, stat(777))).toEqual({
    owner,
    fingerprint: "0123456789abcdef",
    pid: 42,
    netns: 4026531840,
    alive: true,
    age: 20,
    supervised: false,
    unit: undefined,
    failures: 0,
    exit: undefined,
    lastLine: "two",
    ready: new Set(),
  });
  for (const [line, why] of [
    [stat(778), "another process has its number"],
    [stat(777, "Z"), "it is a zombie"],
    ["stat ", "there is no process"],
  ] as const)
    expect(seen(...files, line)?.alive, why).toBe(false);
  expect(processFact(owner).parse(reply(""))).toBeUndefined();
});

test("how it ended is said in words", () => {
  const ended = (...lines: string[]) => {
    const found = seen("pid 42 777 net:[1]", ...lines);
    return found && howItEnded(found);
  };
  expect(ended("last 1 1", "exit TERM 2")).toBe("it was ended by SIGTERM");
  expect(ended("last 4 7")).toBe("it exited with code 4");
  expect(ended("exit 3", log("why\n"))).toBe("it exited with code 3: why");
  expect(ended("exit 143")).toBe("it was ended by SIGTERM");
  expect(ended("exit 255")).toBe("it exited with code 255");
  expect(ended()).toBe("it has ended");
});

test("what is ready is asked for by port in hex, and only where it is wanted", () => {
  const text = JSON.stringify(processFact(owner, { tcp: 80, udp: 5353, log: "it's up" }).command);
  expect(text).toContain(":0050 ");
  expect(text).toContain(":14E9 ");
  expect(text).toContain("'it'\\\\''s up'");
  expect(JSON.stringify(processFact(owner).command)).not.toContain("/net/tcp");
});

test("the fingerprint is of what a change restarts, whatever the order of variables", () => {
  const program = { command: ["a"], environment: { A: "1", B: "2" }, cwd: "/" };
  expect(fingerprint({ ...program, environment: { B: "2", A: "1" }, user: "root", netns: "x" })).toBe(
    fingerprint(program),
  );
  expect(fingerprint({ ...program, restart: "no", stopTimeout: "10s" })).toBe("54eefd745150b48a");
  const others = [
    { restart: "always" as const },
    { stopTimeout: "1s" },
    { command: ["a", ""] },
    { environment: { A: "12", B: "" } },
    { cwd: "/tmp" },
    { user: "x" },
  ];
  for (const other of others) expect(fingerprint({ ...program, ...other })).not.toBe(fingerprint(program));
});

test("variables of the shell's own go past the shell, others past every command line", () => {
  const environment = { SECRET: "geheim", OPTIND: "x" };
  const { text } = startCommand(
    owner,
    { command: ["a"], environment, cwd: "/" },
    { user: { uid: 0, gid: 0 }, systemd: false },
  );
  expect(text).toContain("export SECRET=");
  expect(text).not.toContain("export OPTIND=");
  expect(text).toContain(processDir(owner));
});

test("a unit bears the resource's name, and no secret", () => {
  expect(unitName(owner)).toMatch(/^linuxnet-p-[0-9a-f]{8}\.service$/);
  expect(unitName("linuxnet:a/b/Process/a b$(c)~1@0")).toMatch(/^linuxnet-a_b__c__1-[0-9a-f]{8}\.service$/);
  const program = {
    command: ["a"],
    environment: { SECRET: "geheim" },
    cwd: "/",
    restart: "on-failure" as const,
    stopTimeout: "500ms",
  };
  const text = unitText({ owner, dir: processDir(owner), restart: "on-failure", grace: 0.5 });
  expect(text).toContain("'TimeoutStopSec=500ms'");
  const started = startCommand(owner, program, { user: { uid: 0, gid: 0 }, systemd: true }).text;
  expect(started).toContain(text);
  expect(started.split("geheim")).toHaveLength(2);
});

test("a user is known by name", () => {
  expect(userFact("daemon").parse(reply("1", "1"))).toEqual({ uid: 1, gid: 1 });
  expect(userFact("x").parse({ code: 1, stdout: "", stderr: "id: 'x': no such user" })).toBeUndefined();
  expect(userFact(undefined).parse(reply(""))).toEqual({ uid: 0, gid: 0 });
});

test("the id is readable", () => {
  const id = (command: string[]) => definitionOf("Process").id({ command, owner: testOwner("Process", "p") });
  expect(id(["/usr/bin/python3", "-m"])).toMatch(/^python3-[0-9a-f]{6}$/);
  expect(id(["a b\n'"])).toMatch(/^a_b__-[0-9a-f]{6}$/);
});

const half = "a\ud800";

test.each([
  [{ command: [] }, "command", "at least the program's name"],
  [{ command: [""] }, "command", "begin with the program's name"],
  [{ command: "sleep 1" }, "command", "a list"],
  [{ command: ["a", "b\0c"] }, "command[1]", "NUL"],
  [{ command: ["a", half] }, "command[1]", "surrogate"],
  [{ command: ["a", 1] }, "command[1]", "a string"],
  [{ environment: { "A-B": "1" } }, "environment.A-B", "letters, digits and _"],
  [{ environment: { "1A": "1" } }, "environment.1A", "not begin with a digit"],
  [{ environment: { "": "1" } }, "environment.", "letters, digits and _"],
  [{ environment: { A: "\0" } }, "environment.A", "NUL"],
  [{ environment: { A: half } }, "environment.A", "surrogate"],
  [{ environment: { A: 1 } }, "environment.A", "a string"],
  [{ environment: { LINUXNET_OWNER: "x" } }, "environment.LINUXNET_OWNER", "linuxnet itself"],
  [{ environment: JSON.parse('{"__proto__":"x"}') }, "environment", "__proto__"],
  [{ environment: ["A=1"] }, "environment", "an object"],
  [{ cwd: "tmp" }, "cwd", "absolute"],
  [{ cwd: "" }, "cwd", "absolute"],
  [{ cwd: "/a\0" }, "cwd", "NUL"],
  [{ user: "" }, "user", "a user's name"],
  [{ user: "-x" }, "user", "a user's name"],
  [{ user: "a b" }, "user", "a user's name"],
  [{ netns: "a/b" }, "netns", "letters"],
  [{ restart: "never" }, "restart", '"on-failure"'],
  [{ restart: true }, "restart", '"always"'],
  [{ stopTimeout: 10 }, "stopTimeout", "a duration"],
  [{ stopTimeout: "10" }, "stopTimeout", "with its unit"],
  [{ stopTimeout: "10m1s" }, "stopTimeout", "at most 10m"],
  [{ ready: {} }, "ready", "one of tcp, udp and log"],
  [{ ready: { tcp: 0 } }, "ready.tcp", "from 1"],
  [{ ready: { udp: 65536 } }, "ready.udp", "to 65535"],
  [{ ready: { tcp: "80" } }, "ready.tcp", "a number"],
  [{ ready: { log: "" } }, "ready.log", "empty"],
  [{ ready: { log: "a\nb" } }, "ready.log", "one line"],
  [{ ready: { tcp: 80, timeout: "30" } }, "ready.timeout", "with its unit"],
  [{ ready: { tcp: 80, timeout: "0s" } }, "ready.timeout", "longer than nothing"],
  [{ ready: { tcp: 80, timeout: 30 } }, "ready.timeout", "a duration"],
  [{ ready: { port: 80 } }, "ready.port", "there is no such property"],
  [{ enviroment: {} }, "enviroment", 'did you mean "environment"?'],
])("%j is refused", (args, property, rule) => {
  const [first] = failures("Process", { command: ["sleep", "1"], ...args });
  expect(first).toMatchObject({ property, reason: expect.stringContaining(rule) });
});
