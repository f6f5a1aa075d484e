import { quoteAll } from "../../provider/kernel/quote.ts";
import type { Machine } from "./machine.ts";
import { at, type Place } from "./transfer.ts";

/** What a place gets from a URL; undefined when nothing answers within some seconds. */
export async function fetched(machine: Machine, from: Place, url: string, within = 5): Promise<string | undefined> {
  const { code, stdout } = await machine.exec(quoteAll([...at(from), "curl", "-sf", "-m", `${within}`, url]));
  return code === 0 ? stdout : undefined;
}

/** Whether an address answers a place's ping within some seconds. */
export async function reaches(machine: Machine, from: Place, address: string, within = 5): Promise<boolean> {
  return (await machine.exec(quoteAll([...at(from), "ping", "-c", "1", "-W", `${within}`, address]))).code === 0;
}
