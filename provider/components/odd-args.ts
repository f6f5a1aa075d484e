// What the types of a component's arguments say is checked here too: a program in JavaScript has no compiler to tell of it.
import * as pulumi from "@pulumi/pulumi";
import { closest } from "fastest-levenshtein";
import type { ContainerArgs } from "./container.ts";
import type { NetworkArgs } from "./network.ts";

const networkArgs: Record<keyof NetworkArgs, true> = {
  driver: true,
  subnet: true,
  subnets: true,
  gateway: true,
  ipRange: true,
  bridgeName: true,
  mtu: true,
  internal: true,
  masquerade: true,
  isolate: true,
  dns: true,
  connection: true,
  connections: true,
  overlay: true,
};

const containerArgs: Record<keyof ContainerArgs, true> = {
  network: true,
  address: true,
  netns: true,
  hostname: true,
  aliases: true,
  links: true,
  publish: true,
  dns: true,
  dnsSearch: true,
  extraHosts: true,
  impairment: true,
  sysctls: true,
  host: true,
  connection: true,
  command: true,
  environment: true,
  cwd: true,
  user: true,
  restart: true,
  stopTimeout: true,
  ready: true,
};

/** What says which resources there are, and so cannot wait for what others turn out to be. */
const plainOfNetwork = [
  "driver",
  "subnet",
  "subnets",
  "gateway",
  "ipRange",
  "internal",
  "masquerade",
  "isolate",
  "dns",
];
const plainOfContainer = ["network", "address", "links", "publish", "host", "hostname", "aliases", "extraHosts"];

/**
 * Refuses arguments that a network does not have, and outputs where plain data is needed.
 * @throws RunError that names the argument, and the one that was probably meant
 */
export function refuseOddNetwork(name: string, args: NetworkArgs): void {
  refuseUnknown(`network "${name}"`, args, networkArgs);
  refuseLater(`network "${name}"`, args, [...plainOfNetwork, "connections", "overlay"]);
}

/**
 * Refuses arguments that a container does not have, and those that are of another kind than what it works with.
 * @throws RunError that names the argument
 */
export function refuseOddContainer(name: string, args: ContainerArgs): void {
  refuseUnknown(`container "${name}"`, args, containerArgs);
  refuseLater(`container "${name}"`, args, plainOfContainer);
  const need = (holds: boolean, rule: string): void => {
    if (!holds) throw new pulumi.RunError(`container "${name}": ${rule}`);
  };
  const { network = [], netns = "", links = {}, publish = [] } = args;
  const networks: unknown[] = [network].flat();
  need(
    networks.every((one) => isObject(one) && "sites" in one),
    "network must be a Network, or a list of them",
  );
  need(isText(netns) || (isObject(netns) && "netns" in netns), "netns must be a Container or a name");
  for (const [alias, other] of Object.entries<unknown>(links))
    need(isObject(other) && "networks" in other, `the link ${alias} must lead to a Container`);
  const ports: unknown = publish;
  need(
    Array.isArray(ports) && ports.every((port) => typeof port === "string" || isObject(port)),
    'publish must be a list, such as ["8080:80"]',
  );
}

function isText(value: unknown): boolean {
  return typeof value === "string" || isLater(value);
}

function isLater(value: unknown): boolean {
  return pulumi.Output.isInstance(value) || value instanceof Promise;
}

function refuseLater(what: string, args: object, keys: readonly string[]): void {
  for (const [key, value] of Object.entries(args)) {
    if (!keys.includes(key) || ![value].flat().some(isLater)) continue;
    throw new pulumi.RunError(
      `${what}: ${key} must be known while the program runs, and is an output: it says which resources there are`,
    );
  }
}

function isObject(value: unknown): value is object {
  return typeof value === "object" && value !== null;
}

function refuseUnknown(what: string, args: object, known: Record<string, true>): void {
  for (const key of Object.keys(args)) {
    if (Object.hasOwn(known, key)) continue;
    const meant = closest(key, Object.keys(known));
    throw new pulumi.RunError(`${what}: there is no argument ${key}; did you mean "${meant}"?`);
  }
}
