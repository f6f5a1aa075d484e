import { expect } from "vitest";
import { type Machine, machineAddress, worldAddress } from "./machine.ts";
import { fetched, reaches } from "./probes.ts";

/** Where the quickstart's lab lies. */
export interface Lab {
  port: number;
  gateway: string;
  /** The address of ct1, which has the web server. */
  server: string;
}

/** The lab as it is by default. */
export const quickstart: Lab = { port: 8080, gateway: "10.88.77.1", server: "10.88.77.11" };

/** What the web server says. */
export const page = "Hello from ct1, a container made of a namespace and a cable.\n";

/** Fails unless the lab does all that it promises, by real packets; and nothing that it must not. */
export async function expectQuickstart(machine: Machine, { port, gateway, server }: Lab = quickstart): Promise<void> {
  const published = `http://${machineAddress}:${port}/`;
  const answers = await Promise.all([
    fetched(machine, "host", `http://127.0.0.1:${port}/`),
    fetched(machine, "host", published),
    fetched(machine, "world", published),
    fetched(machine, "lab-ct2", published),
    fetched(machine, "lab-ct1", published),
    fetched(machine, "lab-ct2", `http://${gateway}:${port}/`),
    fetched(machine, "lab-ct2", `http://${server}/`),
  ]);
  expect(answers).toEqual(answers.map(() => page));
  expect(await Promise.all(["lab-ct1", "lab-ct2"].map((from) => reaches(machine, from, worldAddress)))).toEqual([
    true,
    true,
  ]);
  await expectClosed(machine, server);
}

/** The world sees what is published and nothing else, even with a route into the lab. */
async function expectClosed(machine: Machine, server: string): Promise<void> {
  await machine.world(`ip route add ${server} via ${machineAddress}`);
  const answer = await fetched(machine, "world", `http://${server}/`, 1);
  await machine.world(`ip route del ${server}`);
  expect(answer).toBeUndefined();
}
