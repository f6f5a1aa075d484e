// Scripts of `linuxnet explain`, from what was told of a rehearsal.
import { expect, test } from "vitest";
import { type HostScript, scriptsOf } from "../../../provider/cli/explaining/script.ts";
import { ip, nft, placeWord, sh, type Typed } from "../../../provider/kernel/command.ts";
import { typedFile, typedWord } from "../../../provider/kernel/typed.ts";
import type { Told } from "../../../provider/lifecycle/rehearsal.ts";

type Step = Told["steps"][number];

const step = (what: string, command: Step["command"], typed?: Typed, asked = ""): Step => ({
  what,
  command,
  asked,
  ...(typed && { typed }),
});

const told = (kind: string, name: string, ...steps: Step[]): Told => ({
  host: "this machine",
  kind,
  owner: `linuxnet:shop/dev/${kind}/${name}@1a2b3c4d`,
  operation: "create",
  steps,
});

function scripts(all: readonly Told[], secrets: string[] = []): HostScript[] {
  return scriptsOf({ project: "shop", stack: "dev", told: [...all], secrets });
}

const bodyOf = ([one]: HostScript[]) => one?.script.replace(/^.*?\nset -e\n/s, "");

test("a command stands as it is typed, under what it does, one host apart from the other", () => {
  const lab = told("Netns", "web", step("create namespace web", ip(["netns", "add", "web"])));
  const link = step("set lo up", ip(["link", "set", "dev", "lo", "up"], "web"));
  const route = step("set a route", ip(["route", "add", "default", "via", "fd00::1"], "web", 6));
  const found = scripts([lab, { ...told("Netns", "web", link, route), host: "lab1" }]);
  expect(found.map(({ host }) => host)).toEqual(["this machine", "lab1"]);
  expect(bodyOf(found)).toBe(
    "\n# == Netns web (new): a network stack of its own, with its own links, addresses, routes and rules\n# create namespace web\nip netns add web\n",
  );
  expect(found[1]?.script).toContain(
    "# set lo up\nip -n web link set dev lo up\n# set a route\nip -n web -6 route add default via fd00::1\n",
  );
});

test("statements of nft that follow one another are one transaction, of one namespace", () => {
  const add = (text: string, netns?: string) => step("add a rule", nft(text, netns));
  const found = scripts([told("NatRule", "out", add("add rule a"), add("add rule $& $1"), add("add rule c", "web"))]);
  expect(bodyOf(found)).toContain(
    "# add a rule\nnft -f - <<'EOF'\nadd rule a\nadd rule $& $1\nEOF\n# add a rule\nip netns exec web nft -f - <<'EOF'\nadd rule c\nEOF\n",
  );
});

test("what only we need is not typed, and what several plan is typed once", () => {
  const note = step("note it", sh("limit cat >/run/linuxnet/x"), { lines: [] });
  const on = step("turn IP forwarding on", sh("limit x"), { lines: ["sysctl -w net.ipv4.ip_forward=1"], once: true });
  const [one] = scripts([told("NatRule", "out", note, on), told("PortPublish", "web", on)]);
  expect(one?.chapters).toEqual([
    {
      kind: "NatRule",
      name: "out",
      operation: "create",
      lines: [{ what: "turn IP forwarding on", commands: ["sysctl -w net.ipv4.ip_forward=1"] }],
    },
  ]);
});

test("a fragment of which nothing else is known stands in a shell of its own, without our deadlines", () => {
  const found = scripts([told("Bridge", "lab0", step("tidy", sh("limit rm -f /x\nlimit ip link")))]);
  expect(bodyOf(found)).toContain("# tidy\n(\nset -e\nrm -f /x\nip link\n)\n");
});

test("a rule is put where its order wants it, whatever comes first", () => {
  const place = (order: string) => ({
    ...{ list: "iptables FWD", order, among: ["5"], append: "-A FWD", insert: "-I FWD #", first: 1 as const },
  });
  const rule = (order: string) =>
    step(`rule ${order}`, sh(""), { lines: [`iptables ${placeWord} -j ${order}`], place: place(order) });
  const [one] = scripts([
    told("ForwardRule", "a", rule("7"), rule("1")),
    told("ForwardRule", "b", rule("6"), rule("9")),
  ]);
  expect(one?.chapters.flatMap(({ lines }) => lines.flatMap(({ commands }) => commands))).toEqual([
    "iptables -A FWD -j 7",
    "iptables -I FWD 1 -j 1",
    "iptables -I FWD 3 -j 6",
    "iptables -A FWD -j 9",
  ]);
});

test("a secret is never shown, and the script says that it is left out", () => {
  const start = step("start app", sh(""), { lines: ["env PASSWORD=hunter2 app hunter2"] });
  const [one] = scripts([told("Process", "app", start)], ["hunter2"]);
  expect(JSON.stringify(one)).not.toContain("hunter2");
  expect(one?.script).toContain("env PASSWORD=[secret] app [secret]");
  expect(one?.script).toContain("# Secrets are left out: write them where [secret] stands.");
});

test("no name or text gets out of its comment, its word or its file", () => {
  const [one] = scripts([told("Process", "a\nreboot", step("start a\nreboot", sh(""), { lines: ["true"] }))]);
  expect(one?.script.split("\n").filter((line) => line.startsWith("reboot"))).toEqual([]);
  expect(typedWord("a b;c")).toBe("'a b;c'");
  expect(typedWord("")).toBe("''");
  expect(typedFile("/x", "EOF\nEOF_\nreboot")).toBe("cat >/x <<'EOF__'\nEOF\nEOF_\nreboot\nEOF__");
});

test("what must hold stands at the end, in words and as data", () => {
  const inputs = { from: "host", to: "10.0.0.1", port: 80, protocol: "tcp", reachable: false };
  const expects: Told = { ...told("Expect", "closed"), operation: "expect", inputs };
  const [one] = scripts([expects]);
  expect(one?.script).toMatch(/\n# What must hold then:\n# - the host does not reach 10\.0\.0\.1 port 80 by tcp\n$/);
  expect(one?.expected).toEqual([inputs]);
});
