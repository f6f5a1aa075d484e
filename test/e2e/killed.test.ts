// Engine and plugin are killed in the middle of `up`: the next one goes on from what stands.
import { expect } from "vitest";
import { test } from "../support/test.ts";

const program = `
import * as linuxnet from "pulumi-linuxnet";
const lab0 = new linuxnet.Bridge("lab0", { name: "lab0", addresses: ["172.18.0.1/16"] });
for (let n = 1; n <= 8; n += 1) {
  const netns = new linuxnet.Netns(\`ct\${n}\`, { name: \`ct\${n}\`, sysctls: { "net.ipv4.ip_unprivileged_port_start": "0" } });
  const peer = { name: "eth0", netns: netns.name, addresses: [\`172.18.0.\${10 + n}/16\`], gateway: "172.18.0.1" };
  new linuxnet.VethPair(\`ct\${n}\`, { name: \`veth-ct\${n}\`, bridge: lab0.name, peer });
}
`;

/**
 * Kills engine, language host, program and plugin with its wrapper, each by its pid, until none is left; the shell on the
 * host goes on to its end.
 */
const kill = `while :; do
  again=
  for exe in /proc/[0-9]*/exe; do
    pid=\${exe#/proc/} pid=\${pid%/exe}
    case $(readlink "$exe") in
      */pulumi | */pulumi-language-nodejs | */node) ;;
      *) grep -qs pulumi-resource "/proc/$pid/cmdline" || continue ;;
    esac
    [ "$pid" = $$ ] || { kill -9 "$pid" && again=1; }
  done
  [ "$again" ] || break
done`;

const pick = (most: number) => Math.ceil(Math.random() * most);
const until = (count: number) => `until [ "$(ls /run/netns 2>/dev/null | wc -l)" -ge ${count} ]; do sleep 0.01; done`;

/** Half of the rounds are of each sort. */
const rounds = process.env.LINUXNET_TEST_ALL ? 10 : 4;

test(`kill -9 in the middle of up, ${rounds} times`, { timeout: 900_000 }, async ({ machine, open }) => {
  const stack = await open(program);
  for (let round = 1; round <= rounds; round += 1) {
    const killed = stack.up();
    // Half of them at any time, half while the host is being changed: when so many namespaces are there.
    const moment = round % 2 === 0 ? `sleep 0.${pick(9)}; sleep ${pick(3)}` : `${until(pick(8))}; sleep 0.0${pick(9)}`;
    await machine.sh(`${moment}; ${kill}`);
    const { code } = await killed;
    const said = `round ${round}, killed after \`${moment}\` (ended with ${code})`;
    await stack.pulumi("cancel", "--yes", "--stack", "dev");
    const up = await stack.up();
    expect(up.code, `${said}:\n${up.stdout}`).toBe(0);
    expect(await machine.sh("ip netns exec ct8 ping -c 1 -W 1 172.18.0.11"), said).toContain("1 received");
    const destroyed = await stack.destroy();
    expect(destroyed.code, `${said}:\n${destroyed.stdout}`).toBe(0);
    await machine.expectClean();
  }
});

test("a state that was never written costs nothing: up takes up what stands", async ({ machine, open }) => {
  const stack = await open(program);
  const skipping = "export PULUMI_SKIP_CHECKPOINTS=true PULUMI_EXPERIMENTAL=true";
  const killed = machine.exec(`${skipping}; ${stack.operation("up", "--yes", "--skip-preview")}`);
  await machine.sh(`${until(8)}; ${kill}`);
  await killed;
  const { deployment } = await stack.export();
  expect((deployment.resources ?? []).filter(({ type }) => `${type}`.includes("linuxnet:"))).toEqual([]);
  const inodes = () => machine.sh("stat -L -c %i /run/netns/ct*");
  const before = await inodes();
  await stack.pulumi("cancel", "--yes", "--stack", "dev");
  const up = await stack.up();
  expect(up.code, up.stdout).toBe(0);
  expect(up.changes.create).toBeGreaterThanOrEqual(17);
  expect(await inodes()).toBe(before);
  expect(await machine.sh("ip netns exec ct8 ping -c 1 -W 1 172.18.0.11")).toContain("1 received");
  const destroyed = await stack.destroy();
  expect(destroyed.code, destroyed.stdout).toBe(0);
});
