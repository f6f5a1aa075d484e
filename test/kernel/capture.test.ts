// `linuxnet capture`, in the hands of the real command on a real stack: packets of several places in one order, and nothing that
// goes on when it has ended, however it was ended.
import { setTimeout as sleep } from "node:timers/promises";
import { expect } from "vitest";
import type { Answer, Machine } from "../support/machine.ts";
import { type Stack, succeeded } from "../support/stack.ts";
import { test } from "../support/test.ts";

const program = `
import * as linuxnet from "pulumi-linuxnet";
const shop = new linuxnet.Network("shop", { subnet: "10.5.0.0/24" });
new linuxnet.Container("web", { network: shop, address: "10.5.0.2" });
new linuxnet.Container("client", { network: shop });
`;

test("packets of several places come in one order, as text and as a pcapng, and nothing stays", async ({
  machine,
  open,
}) => {
  const stack = await open(program);
  succeeded(await stack.up());
  await Promise.all([asText(machine, stack), asFile(machine, stack), refused(stack)]);
  await ended(machine, stack);
  succeeded(await stack.destroy());
});

/** Runs the command, does something when it captures, and gives its answer. */
async function during(machine: Machine, stack: Stack, args: string[], act: () => Promise<unknown>): Promise<Answer> {
  const words = `${stack.folder}/${args.join("-").replaceAll(/\W/g, "")}`;
  const running = machine.exec(`(${stack.linuxnetLine("capture", ...args)}) 2>${words}`);
  for (let look = 0; look < 300; look += 1) {
    if ((await machine.sh(`cat ${words} 2>/dev/null || :`)).includes("capturing at")) break;
    await sleep(100);
  }
  await act();
  const answer = await running;
  return { ...answer, stderr: await machine.sh(`cat ${words}`) };
}

const inside = (machine: Machine, name: string, command: string) =>
  machine.sh(`ip netns exec $(ip netns | grep -o '^${name}-[0-9a-f]*') ${command}`);

/** Over tcp to a port where nobody listens: a packet there, and one back. */
const knock = (port: number) => `bash -c '(exec 3<>/dev/tcp/10.5.0.2/${port}) 2>/dev/null; :'`;

async function asText(machine: Machine, stack: Stack): Promise<void> {
  const args = ["client", "web:eth0", "-c", "4", "--", "tcp", "port", "4001"];
  const { code, stdout, stderr } = await during(machine, stack, args, () => inside(machine, "client", knock(4001)));
  expect({ code, stderr }).toEqual({ code: 0, stderr: "linuxnet: capturing at client, web:eth0; Ctrl-C ends it" });
  const lines = stdout.trimEnd().split("\n");
  expect(
    lines.map((line) => /^\d\d:\d\d:\d\d\.\d{6} {2}(\S+) +IP (\S+) > (\S+): Flags \[(\S+)\]/.exec(line)?.slice(1)),
  ).toEqual([
    ["client", expect.stringContaining("10.5.0.3."), "10.5.0.2.4001", "S"],
    ["web:eth0", expect.stringContaining("10.5.0.3."), "10.5.0.2.4001", "S"],
    ["web:eth0", "10.5.0.2.4001", expect.stringContaining("10.5.0.3."), "R."],
    ["client", "10.5.0.2.4001", expect.stringContaining("10.5.0.3."), "R."],
  ]);
}

async function asFile(machine: Machine, stack: Stack): Promise<void> {
  const file = `${stack.folder}/way.pcapng`;
  const args = ["shop", "web", "uplink", "-w", file, "-c", "4", "--json", "--", "tcp", "port", "4002"];
  const { code, stdout } = await during(machine, stack, args, () => inside(machine, "client", knock(4002)));
  expect({ code, stdout }).toEqual({ code: 0, stdout: '{"packets":4}\n' });
  const read = await machine.sh(`tcpdump -nn -tt -r ${file} 2>&1`);
  const lines = read.split("\n").filter((line) => line.includes("Flags"));
  expect(lines.map((line) => /Flags \[(\S+)\]/.exec(line)?.[1])).toEqual(["S", "S", "R.", "R."]);
  expect(lines).toEqual(lines.toSorted());
  // Each place is an interface of the file, also one that has seen nothing.
  const strings = await machine.sh(`tr -c '[:print:]' '\\n' <${file} | grep -x -e shop -e web -e uplink | sort`);
  expect(strings).toBe("shop\nuplink\nweb");
}

async function refused(stack: Stack): Promise<void> {
  const cases: [string[], string][] = [
    [["wbe"], "there is no place wbe in lab/dev. Did you mean web?"],
    [["web", "--", "nonsense", "here"], "tcpdump does not capture: "],
  ];
  await Promise.all(
    cases.map(async ([args, sentence]) => {
      const { code, stdout, stderr } = await stack.linuxnet("capture", ...args);
      expect({ args, code, stdout, lines: stderr.split("\n").length }).toEqual({ args, code: 2, stdout: "", lines: 2 });
      expect(stderr).toContain(sentence);
    }),
  );
}

/** Ctrl-C, a lost terminal and KILL: the first two end it as asked. */
async function ended(machine: Machine, stack: Stack): Promise<void> {
  const ends = ["INT", "HUP", "KILL"].map(async (signal, index) => {
    const port = `${5000 + index}`;
    const kill = () =>
      machine.sh(`kill -${signal} $(pgrep -f 'node .*tcp port ${port.slice(0, 3)}[${port.slice(3)}]')`);
    return (await during(machine, stack, ["web", "shop", "--", "tcp", "port", port], kill)).code;
  });
  expect(await Promise.all(ends)).toEqual([0, 0, 137]);
  for (let look = 0; look < 50 && (await machine.sh("pgrep -x tcpdump || :")) !== ""; look += 1) await sleep(100);
  expect(await machine.sh("pgrep -x tcpdump || :")).toBe("");
}
