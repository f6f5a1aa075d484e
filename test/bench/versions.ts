import { readFileSync } from "node:fs";
import { cpus, release, totalmem } from "node:os";
import { execa } from "execa";
import { shellEnv } from "../../provider/host/shell.ts";
import { checkout } from "../support/stack.ts";
import { peerVersions } from "./peers.ts";

/** The machine that everything ran on. */
export function machineFacts(): Record<string, string> {
  const all = cpus();
  const [, system = "unknown"] = /^PRETTY_NAME="(.*)"$/m.exec(readFileSync("/etc/os-release", "utf8")) ?? [];
  return {
    processor: all[0]?.model ?? "unknown",
    cores: `${all.length}`,
    memory: `${Math.round(totalmem() / 2 ** 30)} GB`,
    kernel: release(),
    system,
  };
}

/** Lines that print a version each; a tool that is not there is left out. */
const questions: Record<string, string> = {
  iproute2: "ip -V | sed 's/.*iproute2-//; s/, .*//'",
  nftables: "nft --version | sed 's/nftables v//; s/ .*//'",
  iptables: "iptables --version | sed 's/iptables v//'",
  bash: "bash --version | sed 's/.*version //; s/(.*//'",
  openssh: "ssh -V 2>&1 | sed 's/,.*//'",
};

/** The versions of the tools on this machine, of Node, of the engine and its SDK. */
export async function versions(): Promise<Record<string, string>> {
  const entries = await Promise.all(
    Object.entries(questions).map(async ([name, line]) => [name, await ask(line)] as const),
  );
  const { devDependencies, dependencies } = JSON.parse(readFileSync(`${checkout}/package.json`, "utf8"));
  const known = {
    node: process.versions.node,
    pulumi: devDependencies.pulumi,
    "@pulumi/pulumi": dependencies["@pulumi/pulumi"],
  };
  return { ...known, ...peerVersions(), ...Object.fromEntries(entries.filter(([, version]) => version !== "")) };
}

/** The first line that a line of bash prints; empty when it fails. */
export async function ask(line: string, env: Record<string, string> = {}): Promise<string> {
  const { stdout } = await execa("bash", ["-c", line], {
    env: { ...shellEnv, ...env },
    extendEnv: false,
    reject: false,
  });
  return stdout.split("\n")[0]?.trim() ?? "";
}

/** The commit of this checkout, with a mark where files differ from it. */
export const commit = (): Promise<string> => ask(`git -C '${checkout}' describe --always --dirty --abbrev=7`);
