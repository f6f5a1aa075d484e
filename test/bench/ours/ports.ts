import { type Machine, machineAddress } from "../../support/machine.ts";
import { fetchPeer, peersFolder } from "../peers.ts";
import { proveTeardown, subnet } from "../proof.ts";
import type { Subject } from "../record.ts";
import { onMachine, peerFile } from "../shell-peer.ts";
import { median } from "../stats.ts";
import { timed } from "../timing.ts";
import { openStack, operate } from "./engine.ts";
import { installPackage } from "./package.ts";

/** The last one of the published ports; the others come right before it. */
const lastPort = 29_999;

/** Connections are opened in turns, so that a slow moment of the machine meets all: how often, and for how many seconds each. */
const [turns, seconds] = [5, 2];

const rate = `${peersFolder}/rate/rate`;

const common = { sizes: [10_000], scenario: true, prepare: () => fetchPeer("rate") };

/** New connections per second from the world through the last of N ports that a `Lab` publishes. */
export const ports: Subject = {
  ...common,
  name: "ports",
  title: "N published ports: ours",
  measure: (n) => besideOne(n, publishOurs),
};

/** The same through rules of iptables, one for each port, as Docker writes them. */
export const iptablesPorts: Subject = {
  ...common,
  name: "ports-iptables",
  title: "N published ports: rules of iptables, as Docker's",
  measure: (n) => besideOne(n, publishByIptables),
};

const program = (n: number): string => `import * as linuxnet from "pulumi-linuxnet";
const publish = Array.from({ length: ${n} }, (_, index) => \`\${${lastPort} - index}:80\`);
const lab = new linuxnet.Lab("lab", {
  networks: { lab: { subnet: "${subnet}" } },
  containers: { web: { network: "lab", address: "10.77.0.2", publish } },
});
export const netns = lab.containers.apply(({ web }) => web.netns);
`;

/** Ports that are published: the namespace behind them, and how to end them, which gives what there is to tell. */
interface Published {
  netns: string;
  end(): Promise<Record<string, number>>;
}

async function publishOurs(machine: Machine, n: number): Promise<Published> {
  const stack = await openStack(machine, program(n));
  installPackage(stack.folder);
  const before = await machine.snapshot();
  const up = await operate(stack, ["up"]);
  const { netns } = (await stack.outputs()) as { netns: string };
  const end = async () => {
    const noop = await operate(stack, ["up"]);
    const refreshed = await operate(stack, ["up", "--refresh"]);
    const down = await operate(stack, ["destroy"]);
    const left = await proveTeardown(machine, before);
    if (left.length > 0) throw new Error(`ours has left: ${left.join("; ")}`);
    stack.close();
    const took = { up: up.seconds, noop: noop.seconds, refreshed: refreshed.seconds, down: down.seconds };
    return { ...took, upOwn: up.own.seconds, downOwn: down.own.seconds, refreshedPeakMB: refreshed.peak };
  };
  return { netns, end };
}

async function publishByIptables(machine: Machine, n: number): Promise<Published> {
  const { seconds: up } = await timed(machine, `exec bash ${peerFile("iptables-publish.sh")} up ${n}`);
  return { netns: "h1", end: async () => ({ up }) };
}

/** Connections a second by the last and by the first of N ports, in turns with those of a machine that publishes one. */
function besideOne(n: number, publish: (machine: Machine, n: number) => Promise<Published>) {
  return onMachine((many) =>
    onMachine(async (one) => {
      const [ofMany, ofOne] = [await publish(many, n), await publish(one, 1)];
      const servers = [await serve(many, ofMany.netns), await serve(one, ofOne.netns)];
      const found: Record<"rate" | "rateFirst" | "rateOfOne", number[]> = { rate: [], rateFirst: [], rateOfOne: [] };
      for (let turn = 0; turn < turns; turn += 1) {
        found.rateOfOne.push(await through(one, lastPort));
        found.rate.push(await through(many, lastPort));
        found.rateFirst.push(await through(many, lastPort - n + 1));
      }
      for (const stop of servers) await stop();
      await ofOne.end();
      const rates = Object.entries(found).map(([name, values]) => [name, median(values)]);
      return { values: { ...Object.fromEntries(rates), ...(await ofMany.end()) }, notes: [] };
    }),
  );
}

/** Starts the server in a namespace; gives what ends it. */
async function serve(machine: Machine, netns: string): Promise<() => Promise<string>> {
  // A connection that was reset is forgotten after a second, not ten: the table of connections would run full.
  await machine.sh("echo 1 >/proc/sys/net/netfilter/nf_conntrack_tcp_timeout_close");
  const server = await machine.spawn([rate, "serve", "80"], netns);
  await machine.sh(`until nsenter --net=/run/netns/${netns} ss -Htln 'sport = :80' | grep -q .; do sleep 0.05; done`);
  return () => machine.sh(`kill ${server}; while kill -0 ${server} 2>/dev/null; do sleep 0.05; done`);
}

/** Connections a second, each one made, and answered by the server behind the port. */
const through = async (machine: Machine, port: number): Promise<number> =>
  Number(await machine.world(`${rate} connect ${machineAddress} ${port} ${seconds}`));
