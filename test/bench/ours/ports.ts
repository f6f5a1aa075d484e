import { type Machine, machineAddress } from "../../support/machine.ts";
import { fetchPeer, peersFolder } from "../peers.ts";
import { proveTeardown, subnet } from "../proof.ts";
import type { Subject } from "../record.ts";
import { onMachine, peerFile } from "../shell-peer.ts";
import { timed } from "../timing.ts";
import { openStack, operate } from "./engine.ts";
import { installPackage } from "./package.ts";

/** The last one of the published ports; the others come right before it. */
const lastPort = 29_999;

/** Seconds for which connections are opened. */
const seconds = 4;

const rate = `${peersFolder}/rate/rate`;

const common = { sizes: [1, 10_000], scenario: true, prepare: () => fetchPeer("rate") };

/** New connections per second from the world through the last of N ports that a `Lab` publishes. */
export const ports: Subject = {
  ...common,
  name: "ports",
  title: "N published ports: ours",
  measure: (n) => onMachine((machine) => measureOurs(machine, n)),
};

/** The same through rules of iptables, one for each port, as Docker writes them. */
export const iptablesPorts: Subject = {
  ...common,
  name: "ports-iptables",
  title: "N published ports: rules of iptables, as Docker's",
  measure: (n) =>
    onMachine(async (machine) => {
      const { seconds: up } = await timed(machine, `exec bash ${peerFile("iptables-publish.sh")} up ${n}`);
      return { values: { up, ...(await rates(machine, "h1", n)) }, notes: [] };
    }),
};

const program = (n: number): string => `import * as linuxnet from "pulumi-linuxnet";
const publish = Array.from({ length: ${n} }, (_, index) => \`\${${lastPort} - index}:80\`);
const lab = new linuxnet.Lab("lab", {
  networks: { lab: { subnet: "${subnet}" } },
  containers: { web: { network: "lab", address: "10.77.0.2", publish } },
});
export const netns = lab.containers.apply(({ web }) => web.netns);
`;

async function measureOurs(machine: Machine, n: number) {
  const stack = await openStack(machine, program(n));
  installPackage(stack.folder);
  try {
    const before = await machine.snapshot();
    const up = await operate(stack, ["up"]);
    const { netns } = (await stack.outputs()) as { netns: string };
    const found = await rates(machine, netns, n);
    const noop = await operate(stack, ["up"]);
    const refreshed = await operate(stack, ["up", "--refresh"]);
    const down = await operate(stack, ["destroy"]);
    const left = await proveTeardown(machine, before);
    if (left.length > 0) throw new Error(`ours has left: ${left.join("; ")}`);
    const took = { up: up.seconds, noop: noop.seconds, refreshed: refreshed.seconds, down: down.seconds };
    return { values: { ...found, ...took, upOwn: up.own.seconds, refreshedPeakMB: refreshed.peak }, notes: [] };
  } finally {
    stack.close();
  }
}

/** Connections a second by the last port and by the first one; each is one that was made, and answered by the host's server. */
async function rates(machine: Machine, netns: string, n: number): Promise<Record<string, number>> {
  // A connection that was reset is forgotten after a second, not ten: the table of connections would run full.
  await machine.sh("echo 1 >/proc/sys/net/netfilter/nf_conntrack_tcp_timeout_close");
  const server = await machine.spawn([rate, "serve", "80"], netns);
  try {
    await machine.sh(`until nsenter --net=/run/netns/${netns} ss -Htln 'sport = :80' | grep -q .; do sleep 0.05; done`);
    const through = async (port: number) =>
      Number(await machine.world(`${rate} connect ${machineAddress} ${port} ${seconds}`));
    return { rate: await through(lastPort), rateFirst: await through(lastPort - n + 1) };
  } finally {
    await machine.sh(`kill ${server}; while kill -0 ${server} 2>/dev/null; do sleep 0.05; done`);
  }
}
