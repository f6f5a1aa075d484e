import { existsSync, readFileSync } from "node:fs";
import { homedir } from "node:os";
import { fileURLToPath } from "node:url";
import { execa } from "execa";
import { quoteAll } from "../../provider/kernel/quote.ts";
import type { Machine } from "../support/machine.ts";
import { checkout } from "../support/stack.ts";
import { proveTeardown } from "./proof.ts";
import { type Measurement, type Subject, usualSizes } from "./record.ts";
import { onMachine, peerFile, shellPeer } from "./shell-peer.ts";
import { linkCount, timed } from "./timing.ts";

/** The folder of what the peers need. */
export const peersFolder = process.env.LINUXNET_BENCH ?? `${homedir()}/.cache/linuxnet-bench`;

/** The folder that scripts/docker.sh unpacks Debian's docker.io into. */
const docker = process.env.LINUXNET_DOCKER ?? `${homedir()}/.cache/linuxnet-docker`;

/** Runs a script of set-up; what it says last is why a peer is missing. */
async function fetch(script: string, ...args: string[]): Promise<string | undefined> {
  const { exitCode, stderr } = await execa("sh", [`${checkout}/scripts/${script}`, ...args], {
    env: { LINUXNET_BENCH: peersFolder, LINUXNET_DOCKER: docker },
    stdout: "inherit",
    reject: false,
  });
  return exitCode === 0 ? undefined : stderr.trim().split("\n").at(-1) || `${script} ended with ${exitCode}`;
}

/** Fetches or builds what a peer needs; says why that cannot be had. */
export const fetchPeer = (name: string): Promise<string | undefined> => fetch("bench-peers.sh", name);

/** The CNI plugins, one call of cnitool for each host. */
export const cni: Subject = shellPeer({
  name: "cni",
  title: "CNI bridge, host-local, portmap by cnitool",
  script: "cni.sh",
  staged: true,
  prepare: () => fetchPeer("cni"),
  env: () => ({ BIN: `${peersFolder}/cni/bin` }),
});

/**
 * Docker, one `docker run` for each host.
 *
 * @param atATime how many of them at a time
 */
export const dockerPeer = (atATime: number): Subject =>
  shellPeer({
    name: atATime === 1 ? "docker" : `docker-${atATime}`,
    title: atATime === 1 ? "Docker" : `Docker, ${atATime} \`docker run\` at a time`,
    script: "docker.sh",
    staged: true,
    unnamed: true,
    prepare: () => fetch("docker.sh"),
    env: () => ({ PACKAGES: docker, DAEMON: dockerScript, AT_A_TIME: `${atATime}` }),
  });

const dockerScript = fileURLToPath(new URL("../conformance/docker.sh", import.meta.url));

/** Mininet: one process that builds, starts, pings and stops. */
export const mininet: Subject = {
  name: "mininet",
  title: "Mininet, Linux bridge: build and start / stop",
  sizes: usualSizes,
  prepare: () => fetchPeer("mininet"),
  measure: (n) => onMachine((machine) => measureMininet(machine, n)),
};

async function measureMininet(machine: Machine, n: number): Promise<Pick<Measurement, "values" | "notes">> {
  // Where it is not there yet, Mininet adds this line and restarts the network manager: that is spared it.
  await machine.sh("mkdir -p /etc/network && printf '\\niface nat0-eth0 inet manual\\n' >>/etc/network/interfaces");
  const [links, before] = [await linkCount(machine), await machine.snapshot()];
  const folder = `${peersFolder}/mininet`;
  const variables = [
    `PYTHONPATH=${folder}/usr/lib/python3/dist-packages`,
    `PATH=${["usr/bin", "sbin", "bin"].map((one) => `${folder}/${one}:`).join("")}/usr/sbin:/usr/bin:/sbin:/bin`,
  ];
  const line = quoteAll(["env", ...variables, "/usr/bin/python3", peerFile("mininet-lab.py"), `${n}`]);
  const { seconds, gone, stdout } = await timed(machine, `exec ${line}`, links);
  const { up, down }: { up: number; down: number } = JSON.parse(stdout.trim().split("\n").at(-1) ?? "");
  return { values: { up, down, gone: down + gone, whole: seconds }, notes: await proveTeardown(machine, before) };
}

/** The versions of the peers that were fetched. */
export function peerVersions(): Record<string, string> {
  const files = ["mininet", "cni"].map((peer) => `${peersFolder}/${peer}/versions`).filter((file) => existsSync(file));
  const lines = files.flatMap((file) => readFileSync(file, "utf8").trim().split("\n"));
  return Object.fromEntries(lines.map((line) => line.split(" ") as [string, string]));
}
