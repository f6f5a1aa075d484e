import { fileURLToPath } from "node:url";
import { quoteAll } from "../../provider/kernel/quote.ts";
import { worldResolver } from "../kernel/dns-lab.ts";
import type { Machine } from "../support/machine.ts";

/** A network of the lab; `host` and `none` are there without being declared. */
export interface LabNetwork {
  name: string;
  subnet: string;
  internal?: boolean;
}

/** A container of the lab, in the words of `docker run`. */
export interface LabContainer {
  name: string;
  /** Its networks, the first one first. */
  networks?: string[];
  /** Its address in the first network; else the next free one. */
  address?: string;
  /** More names of it in its first network. */
  aliases?: string[];
  /** What it publishes. */
  publish?: string[];
  /** The container whose namespace it joins. */
  joins?: string;
  /** The ports, `[ADDRESS:]PORT`, that it answers on over tcp and udp. */
  serves: string[];
}

/** The networks that both sides make. */
export const networks: readonly LabNetwork[] = [
  { name: "n1", subnet: "10.77.0.0/24" },
  { name: "n2", subnet: "10.78.0.0/24" },
  { name: "inner", subnet: "10.79.0.0/24", internal: true },
];

const everywhere = ["8080:80", "8080:80/udp"];
const here = ["127.0.0.1:8081:80", "127.0.0.1:8081:80/udp"];
const there = ["203.0.113.3:8082:80", "203.0.113.3:8082:80/udp"];

/** The containers that both sides make, in this order. */
export const containers: readonly LabContainer[] = [
  {
    name: "web",
    networks: ["n1"],
    address: "10.77.0.11",
    aliases: ["pair"],
    publish: [...everywhere, ...here, ...there],
    serves: ["80", "81"],
  },
  { name: "sib", networks: ["n1"], aliases: ["pair"], serves: ["80"] },
  { name: "both", networks: ["n1", "n2"], serves: ["80"] },
  { name: "far", networks: ["n2"], address: "10.78.0.11", serves: ["80"] },
  { name: "lost", networks: ["inner"], address: "10.79.0.11", serves: ["80"] },
  { name: "lost2", networks: ["inner"], address: "10.79.0.12", serves: ["80"] },
  { name: "open", networks: ["host"], serves: ["9080"] },
  { name: "alone", networks: ["none"], serves: ["80"] },
  { name: "side", joins: "web", serves: ["82"] },
];

/** The program that answers, and the one that asks. */
export const program = (name: "server.py" | "client.py"): string => fileURLToPath(new URL(name, import.meta.url));

/** A second address of the machine's uplink. */
export const secondAddress = "203.0.113.3";

/** A side of the comparison: a machine on which the lab stands. */
export interface Lab {
  machine: Machine;
  /** The words that bring a program to a place: `host`, `world` (beyond the uplink) or a container. */
  at(place: string): string[];
  /** What becomes of one more container: `accepted` or `refused`. It does not stay. */
  attempt(container: LabContainer): Promise<string>;
}

/** What is the same on both machines before either side begins: a second address, services and names outside the lab. */
export async function furnish(machine: Machine): Promise<void> {
  await worldResolver(machine);
  await machine.sh("echo 'nameserver 203.0.113.1' >/etc/resolv.conf");
  await machine.sh(`ip addr add ${secondAddress}/24 dev up0`);
  const serve = (places: string[]) => ["/usr/bin/python3", program("server.py"), ...places];
  await machine.spawn(serve(["9000", "127.0.0.1:9001"]));
  const inWorld = quoteAll(["nsenter", "--net=/media/world", ...serve(["9100"])]);
  await machine.sh(`setsid ${inWorld} </dev/null >/dev/null 2>&1 &`);
}

/** Calls a function for one at a time, in the order of the calls. */
export function oneByOne<T, R>(call: (one: T) => Promise<R>): (one: T) => Promise<R> {
  let last: Promise<unknown> = Promise.resolve();
  return (one) => {
    const next = last.then(() => call(one));
    last = next.catch(() => undefined);
    return next;
  };
}
