import { execa } from "execa";
import { expect, test } from "vitest";
import { main } from "../../../provider/cli/main.ts";
import { paint, plain, type Terminal, table, wantsColours } from "../../../provider/cli/terminal.ts";
import { verbs } from "../../../provider/cli/verbs.ts";

/** Runs a command line with a terminal that only keeps what is written. */
async function run(...argv: string[]): Promise<{ code: number; out: string; err: string }> {
  const [out, err]: [string[], string[]] = [[], []];
  const terminal: Terminal = {
    write: (text) => void out.push(text),
    warn: (line) => void err.push(`${line}\n`),
    colours: false,
    interactive: false,
    columns: 100,
    confirm: async () => false,
  };
  const code = await main(argv, terminal);
  return { code, out: out.join(""), err: err.join("") };
}

test("help names every verb and shows examples, also behind a verb", async () => {
  const { code, out } = await run("--help");
  expect(code).toBe(0);
  for (const { name } of verbs) expect(out).toMatch(new RegExp(`^  ${name} `, "m"));
  for (const { name } of verbs) {
    const own = await run("help", name);
    expect(own).toMatchObject({ code: 0, err: "" });
    expect(own.out).toMatch(new RegExp(`Examples:\\n  linuxnet .*\\b${name}\\b`));
    expect(own.out).toContain("--json");
    expect((await run(name, "--help")).out).toBe(own.out);
  }
});

test("without a verb the help goes to stderr, with exit code 2", async () => {
  const { code, out, err } = await run();
  expect({ code, out }).toEqual({ code: 2, out: "" });
  expect(err).toContain("Usage: linuxnet");
});

test.each([
  [["lss"], "linuxnet: unknown command 'lss'. Did you mean ls?\n"],
  [["--jsn", "ls"], "linuxnet: unknown option '--jsn'. Did you mean --json?\n"],
  [["ls", "--hosst", "a"], "linuxnet: unknown option '--hosst'. Did you mean --host?\n"],
  [["ls", "--host"], "linuxnet: option '--host <[user@]host[:port]>' argument missing. See linuxnet help.\n"],
  [["exec"], "linuxnet: missing required argument 'container'. See linuxnet help.\n"],
  [["completion", "bsh"], "linuxnet: there is no completion for bsh. Did you mean bash? There are bash, zsh, fish.\n"],
  [["ls", "--host", "a b"], /^linuxnet: --host a b: the host must be a host name.*\n$/],
  [["-C", "/nowhere", "ps"], /^linuxnet: there is no Pulumi.yaml in \/nowhere or above it\..*\n$/],
])("%j is refused in one sentence", async (argv, sentence) => {
  const { code, out, err } = await run(...argv);
  expect({ code, out }).toEqual({ code: 2, out: "" });
  expect(err).toMatch(sentence);
});

test("the completion script of bash is one that bash reads, and completes verbs, options, shells and names of the stack", async () => {
  const { out } = await run("completion", "bash");
  // In place of the command: what it is asked, and a name.
  const fake = "linuxnet() { printf 'lab/one\\n'; echo \"asked_$*\" | tr ' ' _; }";
  const complete = async (...words: string[]) => {
    const script = `${out}\n${fake}\nCOMP_WORDS=(linuxnet ${words.map((word) => `'${word}'`).join(" ")}); COMP_CWORD=${words.length}; _linuxnet; echo "\${COMPREPLY[*]}"`;
    return (await execa("bash", ["--norc", "-euc", script])).stdout;
  };
  expect(await complete("ins")).toBe("inspect");
  expect(await complete("ls", "--h")).toBe("--host");
  expect(await complete("--stack", "dev", "logs", "--fo")).toBe("--follow");
  expect(await complete("completion", "z")).toBe("zsh");
  expect(await complete("exec", "l")).toBe("lab/one");
  expect(await complete("-C", "/x", "inspect", "--stack", "dev", "a")).toBe(
    "asked_-C_/x_--stack_dev_completion_names_inspect",
  );
  expect(await complete("exec", "--us")).toBe("--user");
  const zsh = (await run("completion", "zsh")).out;
  expect(zsh).toMatch(/^#compdef linuxnet\n/);
  const named = (verb: string) =>
    [...(new RegExp(`^ *${verb}\\) .*`, "m").exec(zsh)?.[0] ?? "").matchAll(/'(.):name:/g)]
      .map(([, at]) => at)
      .join("");
  expect(["exec", "trace", "inspect"].map(named)).toEqual(["1", "12", "*"]);
  expect((await run("completion", "fish")).out).toContain("-a inspect");
});

test("colours are for terminals, and for those who have not switched them off", () => {
  expect(wantsColours({}, true)).toBe(true);
  expect(wantsColours({}, false)).toBe(false);
  expect(wantsColours({ NO_COLOR: "1" }, true)).toBe(false);
  expect(wantsColours({ NO_COLOR: "" }, true)).toBe(true);
  expect(wantsColours({ TERM: "dumb" }, true)).toBe(false);
  expect(paint({ colours: false }, "red", "text")).toBe("text");
  expect(paint({ colours: true }, "red", "text")).not.toBe("text");
});

test("columns are as wide as what stands in them, colours not counted; a text of others cannot move the cursor", () => {
  const red = paint({ colours: true }, "red", "no");
  expect(table(["A", "B"], [["long", red]])).toBe(`A     B\nlong  ${red}\n`);
  expect(plain("a\u001b[2Jb\nc\u2028d")).toBe("ab c d");
});
