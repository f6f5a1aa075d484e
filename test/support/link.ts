import type { Machine } from "./machine.ts";

/** A link of a machine, as `ip -j -d addr` shows it. */
export async function link(machine: Machine, name: string, netns?: string): Promise<Record<string, unknown>> {
  return JSON.parse(await machine.sh(`ip ${netns ? `-n ${netns} ` : ""}-j -d addr show dev ${name}`))[0];
}
