import { resolve } from "node:path";
import { Option } from "commander";
import { didYouMean } from "../engine.ts";
import { type HostScript, scriptsOf } from "../explaining/script.ts";
import { type Call, exitCodes, mistake, type Verb } from "../verb.ts";

interface Options {
  backend?: "nftables" | "iptables";
  host?: string;
  configFile?: string;
}

/** `linuxnet explain`: what `up` is about to do, as the commands that a person would type. */
export const verb: Verb = {
  examples: ["explain", "explain --backend iptables", "--stack dev explain --host lab1.example >lab1.sh"],
  declare: (command) =>
    void command
      .addOption(
        new Option(
          "--backend <backend>",
          "in whose words rules are written (default: as the program and the host have it)",
        ).choices(["nftables", "iptables"]),
      )
      .option("--host <name>", "the script of this host alone")
      .option("--config-file <file>", "the stack's configuration (default: the one beside Pulumi.yaml)"),
  async run(call) {
    const { backend, host, configFile } = call.options as Options;
    const { rehearse } = await import("../explaining/rehearsal.ts");
    const explained = await rehearse({
      folder: call.folder,
      stack: call.stacks[0],
      backend,
      configFile: configFile === undefined ? undefined : resolve(configFile),
    });
    const { project, stack } = explained;
    show(call, { project, stack }, chosen(scriptsOf(explained), host));
    return exitCodes.healthy;
  },
};

function chosen(scripts: readonly HostScript[], host: string | undefined): readonly HostScript[] {
  if (host === undefined) return scripts;
  const found = scripts.filter((one) => one.host === host || (host === "localhost" && one.host === "this machine"));
  if (found.length > 0) return found;
  const names = scripts.map((one) => one.host);
  mistake(`\`up\` does nothing on a host ${host}`, didYouMean(host, names));
}

function show({ json, terminal }: Call, of: { project: string; stack: string }, scripts: readonly HostScript[]): void {
  if (json) {
    terminal.write(`${JSON.stringify({ ...of, hosts: scripts }, null, 2)}\n`);
    return;
  }
  if (scripts.every(({ chapters }) => chapters.length === 0))
    terminal.write(`# \`pulumi up\` of ${of.project}/${of.stack} has nothing to do.\n`);
  else terminal.write(scripts.map(({ script }) => script).join("\n"));
}
