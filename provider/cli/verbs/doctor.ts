import type { Mended } from "../doctoring/mend.ts";
import { asJson, asText, type HostReport, reportOf } from "../doctoring/report.ts";
import type { Looked } from "../doctoring/scene.ts";
import { hasProject } from "../engine.ts";
import { readHost, withHost } from "../host-option.ts";
import { readStack, type Stack } from "../stack.ts";
import { type Call, exitCodes, mistake, type Verb } from "../verb.ts";

/** `linuxnet doctor [NAME...]`: is this host fit, and why does this lab not work? */
export const verb: Verb = {
  examples: ["doctor", "doctor web shop", "doctor --fix", "doctor --host root@lab1.example --json"],
  declare: (command) =>
    void withHost(command)
      .argument("[name...]", "only what is about these containers and networks")
      .option("--fix", "bring back what is ours and not as declared; nothing else is changed"),
  async run(call) {
    const { host, fix } = call.options as { host?: string; fix?: boolean };
    const names = call.args[0] as string[];
    if (host !== undefined && (call.stacks.length > 0 || names.length > 0 || fix))
      mistake("--host judges a host without a stack", "Leave out --stack, --fix and the names, or --host.");
    const stack = host === undefined ? await stackOf(call, names, fix === true) : undefined;
    // It loads all that the engine's plugin does.
    const { lookAtBare, lookAtStack } = await import("../doctoring/scene.ts");
    if (!stack)
      return told(call, undefined, [await lookAtBare(host === undefined ? undefined : readHost(host))], undefined);
    const look = () => lookAtStack(stack, names);
    const first = await look();
    if (!fix) return told(call, stack, first, undefined);
    const { mend } = await import("../doctoring/mend.ts");
    const mended = await mend(stack, first);
    return told(call, stack, await look(), mended);
  },
};

/** The stack, where there is a project and something in it; else the host alone is judged. */
async function stackOf(call: Call, names: readonly string[], fix: boolean): Promise<Stack | undefined> {
  const asked = call.stacks.length > 0 || names.length > 0 || fix;
  if (!asked && !hasProject(call.folder)) return undefined;
  const stack = await readStack(call.folder, call.stacks[0]);
  const empty = stack.resources.every(({ component }) => component);
  return empty && names.length === 0 ? undefined : stack;
}

function told(call: Call, stack: Stack | undefined, looked: readonly Looked[], mended: Mended | undefined): number {
  const { terminal, json } = call;
  const reports = looked.map(reportOf);
  const title = stack && { project: stack.project, stack: stack.name };
  if (json) terminal.write(asJson(title, reports, mended));
  else terminal.write(asText(title ? `${title.project}/${title.stack}` : "", reports, mended, terminal));
  return codeOf(reports, mended);
}

function codeOf(reports: readonly HostReport[], mended: Mended | undefined): number {
  if (reports.some(({ fault }) => fault !== undefined) || (mended?.failed.length ?? 0) > 0) return exitCodes.failed;
  return reports.some(({ findings }) => findings.length > 0) ? exitCodes.finding : exitCodes.healthy;
}
