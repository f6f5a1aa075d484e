import type { Machine } from "../support/machine.ts";
import { Stack, succeeded } from "../support/stack.ts";
import { containers, furnish, type Lab, type LabContainer, networks, oneByOne, program } from "./lab.ts";

/** The lab as a program of a user, with some containers more. */
function programOf(...more: LabContainer[]): string {
  const data = { networks, containers: [...containers, ...more], server: program("server.py") };
  return `
import * as linuxnet from "pulumi-linuxnet";
const { networks, containers, server } = ${JSON.stringify(data)};
const known = {
  host: new linuxnet.Network("host", { driver: "host" }),
  none: new linuxnet.Network("none", { driver: "none" }),
};
for (const { name, ...args } of networks) known[name] = new linuxnet.Network(name, { ...args, dns: true });
const made = {};
for (const { name, networks: on = [], joins, serves, ...args } of containers)
  made[name] = new linuxnet.Container(name, {
    ...(joins ? { netns: made[joins] } : { network: on.map((one) => known[one]) }),
    ...args,
    command: ["/usr/bin/python3", server, ...serves],
    ready: { tcp: Number(serves[0]) },
  });
export const netns = Object.fromEntries(Object.entries(made).map(([name, { netns }]) => [name, netns]));
`;
}

/** Makes the lab by the real engine; what the machine was before is its baseline. */
export async function ourLab(machine: Machine): Promise<{ lab: Lab; stack: Stack }> {
  await furnish(machine);
  await machine.baseline();
  const stack = await Stack.open(machine, programOf());
  succeeded(await stack.up());
  const { netns } = (await stack.outputs()) as { netns: Record<string, string> };
  const at = (place: string): string[] => {
    if (place === "world") return ["nsenter", "--net=/media/world"];
    return place === "host" || netns[place] === "" ? [] : ["ip", "netns", "exec", netns[place] ?? place];
  };
  const attempt = async (container: LabContainer) => {
    stack.write(programOf(container));
    return (await stack.preview("--refresh=false")).code === 0 ? "accepted" : "refused";
  };
  return { lab: { machine, at, attempt: oneByOne(attempt) }, stack };
}
