// What `linuxnet trace` tells of a packet, in the hands of the real command on a real stack: the way there and back of each kind
// of journey, and the rule at which it ended. The texts are in golden/; ports, handles and times in them are written over here.
import { setTimeout as sleep } from "node:timers/promises";
import { expect } from "vitest";
import type { Machine } from "../support/machine.ts";
import { type Stack, succeeded } from "../support/stack.ts";
import { test } from "../support/test.ts";

const program = `
import * as linuxnet from "pulumi-linuxnet";
const shop = new linuxnet.Network("shop", { subnet: "10.5.0.0/24" });
const far = new linuxnet.Network("far", { subnet: "10.7.0.0/24" });
const serving = { command: ["python3", "-u", "-m", "http.server", "80"], cwd: "/usr/share/common-licenses", ready: { tcp: 80 } };
new linuxnet.Container("web", { network: shop, publish: ["8080:80"], ...serving });
new linuxnet.Container("client", { network: shop });
new linuxnet.Container("guest", { network: far });
`;

/** What differs from run to run: own ports, handles, who runs it, and conntrack's clocks, identifiers and states. */
function steady(text: string): string {
  return text
    .replaceAll(/\bhandle \d+/g, "handle H")
    .replaceAll(/@[0-9a-f]{8}\b/g, "@WHO")
    .replaceAll(/\bid=\d+/g, "id=ID")
    .replaceAll(/\b[45]\d{4}\b/g, "PORT")
    .replaceAll(
      /^ {2}(tcp|udp|icmp) (\d+) \d+ (?:[A-Z_]+ )?(.*?)(?: \[ASSURED\])? mark=\d+ use=\d+$/gm,
      "  $1 $2 SECONDS $3",
    );
}

async function golden(stack: Stack, name: string, code: number, ...args: string[]): Promise<void> {
  const answer = await stack.linuxnet("trace", ...args);
  expect({ args, code: answer.code, stderr: answer.stderr }).toEqual({ args, code, stderr: "" });
  await expect(steady(answer.stdout)).toMatchFileSnapshot(`golden/trace-${name}.txt`);
}

const outside = ["--outside", "/media/world"];

test("a packet is followed to where it comes, or to the rule that ends it, and nothing is left of it", async ({
  machine,
  open,
}) => {
  // Where the kernel hands what a bridge passes on to the rules too, a journey has more to tell.
  await machine.sh("! [ -e /proc/sys/net/bridge ] || sysctl -qw net.bridge.bridge-nf-call-iptables=0");
  await machine.baseline();
  const stack = await open(program);
  succeeded(await stack.up());
  await Promise.all([
    golden(stack, "world", 0, "web", "world"),
    golden(stack, "published", 0, ...outside, "world", "host:8080"),
    golden(stack, "localhost", 0, "host", "127.0.0.1:8080"),
    golden(stack, "hairpin", 0, "web", "host:8080"),
    golden(stack, "isolated", 1, "guest", "web:80"),
    golden(stack, "closed", 1, "client", "web:53", "-p", "udp"),
  ]);
  await firewalls(machine, stack);
  await refused(stack);
  await killed(machine, stack);
  succeeded(await stack.destroy());
});

/** What others have set up, and ends a packet. */
async function firewalls(machine: Machine, stack: Stack): Promise<void> {
  await machine.sh("iptables -P FORWARD DROP");
  await golden(stack, "forward-drop", 1, "web", "world:80");
  // As ufw writes it, for `ufw default reject routed`.
  await machine.sh(`iptables -P FORWARD ACCEPT
    for c in ufw-before-forward ufw-user-forward ufw-reject-forward; do iptables -N $c; done
    iptables -A FORWARD -j ufw-before-forward; iptables -A FORWARD -j ufw-reject-forward
    iptables -A ufw-before-forward -m conntrack --ctstate RELATED,ESTABLISHED -j ACCEPT
    iptables -A ufw-before-forward -j ufw-user-forward
    iptables -A ufw-reject-forward -m comment --comment "routed by default" -j REJECT`);
  await golden(stack, "ufw", 1, "web", "world:80");
  await machine.sh("nft delete table ip filter");
}

/** What cannot be done is told in one sentence. */
async function refused(stack: Stack): Promise<void> {
  const cases: [string[], string][] = [
    [["wbe", "world"], "there is no container wbe in lab/dev. Did you mean web?"],
    [["web", "wrld"], "Did you mean world?"],
    [["world", "host:8080"], "--outside"],
  ];
  await Promise.all(
    cases.map(async ([args, sentence]) => {
      const { code, stdout, stderr } = await stack.linuxnet("trace", ...args);
      expect({ args, code, stdout, lines: stderr.split("\n").length }).toEqual({ args, code: 2, stdout: "", lines: 2 });
      expect(stderr).toContain(sentence);
    }),
  );
}

const traces =
  "nft list tables | grep linuxnet-trace; pgrep -x tcpdump; pgrep -f 'nft .*monitor trac[e]'; pgrep -f '^nft -[i]'; :";

/** Waits until there is nothing of a trace, or all of it. */
async function until(machine: Machine, there: boolean): Promise<void> {
  for (let look = 0; look < 100; look += 1) {
    const found = await machine.sh(traces);
    if (there ? found.split("\n").length >= 5 : found === "") return;
    await sleep(100);
  }
  throw new Error(`of the trace there is: ${await machine.sh(traces)}`);
}

/** However it is ended, it leaves no table and no program behind. */
async function killed(machine: Machine, stack: Stack): Promise<void> {
  // 198.51.100.9 answers nothing: the packet is waited for. Ended are the command, every shell on the host, the owner of the table.
  const line = stack.linuxnetLine("trace", "web", "198.51.100.9").replace(/^exec /, "");
  const ways = ["198[.]51", "flags owne[r]", "^nft -[i]"].map((text) => `kill -KILL $(pgrep -f '${text}')`);
  for (const way of ways) {
    await until(machine, false);
    await machine.spawn(["sh", "-c", line]);
    await until(machine, true);
    await machine.sh(way);
    await until(machine, false);
  }
}
