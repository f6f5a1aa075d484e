import * as pulumi from "@pulumi/pulumi";
import { z } from "zod";
import { familyOf } from "../kernel/addresses.ts";
import { shortHash } from "../kernel/owner.ts";

/** A network as Docker tells it, as far as it is read here. */
const shape = z.looseObject({
  Name: z.string(),
  Driver: z.string().default("bridge"),
  Internal: z.boolean().default(false),
  IPAM: z
    .looseObject({
      Config: z
        .array(z.looseObject({ Subnet: z.string(), Gateway: z.string().optional(), IPRange: z.string().optional() }))
        .nullable()
        .default([]),
    })
    .prefault({}),
  Options: z.record(z.string(), z.string()).nullable().default({}),
});

/** What Docker's options are called there. */
const option = {
  bridgeName: "com.docker.network.bridge.name",
  mtu: "com.docker.network.driver.mtu",
  vni: "com.docker.network.driver.overlay.vxlanid_list",
  masquerade: "com.docker.network.bridge.enable_ip_masquerade",
} as const;

/** What a network of Docker's is in the words of a Network. */
export interface FromDocker {
  driver: string;
  internal: boolean;
  subnets?: string[];
  gateway?: string[];
  ipRange?: string;
  bridgeName?: string;
  mtu?: number;
  masquerade?: boolean;
}

/**
 * Reads what `docker network inspect` prints: one network, or a list of one.
 * @throws Error when it is not of that shape
 */
export function readDocker(json: unknown): FromDocker {
  const { Driver, Internal, IPAM, Options } = readOne(json);
  const config = IPAM.Config ?? [];
  // Until its daemon is started again, a network of Docker's shows no gateway that it has chosen itself.
  const gateways = config.flatMap(({ Gateway }) => (Gateway ? [Gateway.replace(/\/\d+$/, "")] : []));
  const ranges = config.flatMap(({ IPRange }) => IPRange || []);
  if (ranges.length > 1) throw new Error(`it has ${ranges.length} IPRanges, and one is understood here`);
  return {
    driver: Driver,
    internal: Internal,
    ...(config.length > 0 && { subnets: config.map(({ Subnet }) => Subnet) }),
    ...(gateways.length > 0 && { gateway: gateways }),
    ...(ranges[0] && { ipRange: ranges[0] }),
    ...readOptions(Options ?? {}),
  };
}

/**
 * {@link readDocker} for a network by its name in the program.
 * @throws RunError that names it
 */
export function readNamed(network: string, json: unknown): FromDocker {
  try {
    return readDocker(json);
  } catch (error) {
    throw new pulumi.RunError(`network "${network}" cannot be read from Docker's: ${(error as Error).message}`);
  }
}

function readOptions(options: Readonly<Record<string, string>>): Pick<FromDocker, "bridgeName" | "mtu" | "masquerade"> {
  return {
    ...(options[option.bridgeName] && { bridgeName: options[option.bridgeName] }),
    ...(options[option.mtu] && { mtu: Number(options[option.mtu]) }),
    ...(options[option.masquerade] && { masquerade: options[option.masquerade] === "true" }),
  };
}

function readOne(json: unknown): z.output<typeof shape> {
  const data = typeof json === "string" ? parsed(json) : json;
  const all: unknown[] = Array.isArray(data) ? data : [data];
  if (all.length !== 1) throw new Error(`it tells of ${all.length} networks, and must tell of one`);
  const { success, data: one, error } = shape.safeParse(all[0]);
  if (success) return one;
  const [issue] = error.issues;
  throw new Error(
    `it is not what \`docker network inspect\` prints: ${issue?.path.join(".") || "it"}: ${issue?.message}`,
  );
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (error) {
    throw new Error(`it is no JSON: ${(error as Error).message}`);
  }
}

/** A container on a network, for {@link inspect}. */
export interface Endpoint {
  name: string;
  macAddress: string;
  addresses: string[];
}

/** A network, for {@link inspect}. */
export interface Inspected {
  name: string;
  driver: string;
  internal: boolean;
  subnets: string[];
  gateways: string[];
  /** The part of a subnet that addresses are given from; undefined: all of it. */
  ipRange: string | undefined;
  bridgeName: string;
  /** Undefined where it is each host's own. */
  mtu: number | undefined;
  masquerade: boolean;
  endpoints: Endpoint[];
  /** Only with the driver overlay: its number, and its hosts with their addresses in the underlay. */
  overlay?: { vni: number; underlay: Record<string, string> };
}

/** Shows a network as `docker network inspect` does, so that what reads the one reads the other. */
export function inspect(network: Inspected): unknown[] {
  const { name, driver, internal, subnets, bridgeName, endpoints, overlay } = network;
  return [
    {
      Name: name,
      Id: shortHash(`network ${name} ${bridgeName}`, 64),
      Scope: overlay ? "swarm" : "local",
      Driver: driver === "none" ? "null" : driver,
      EnableIPv6: subnets.some((one) => familyOf(one) === 6),
      IPAM: { Driver: "default", Options: {}, Config: shownSubnets(network) },
      Internal: internal,
      ...nothingOfSwarm,
      ...(overlay && { Attachable: true }),
      Containers: Object.fromEntries(endpoints.map((one) => shownEndpoint(name, one))),
      Options: shownOptions(network),
      Labels: {},
      ...(overlay && { Peers: Object.entries(overlay.underlay).map(([Name, IP]) => ({ Name, IP })) }),
    },
  ];
}

function shownOptions({ bridgeName, mtu, masquerade, subnets, overlay }: Inspected): Record<string, string> {
  if (subnets.length === 0) return {};
  return {
    [option.bridgeName]: bridgeName,
    ...(mtu !== undefined && { [option.mtu]: `${mtu}` }),
    [option.masquerade]: `${masquerade}`,
    ...(overlay === undefined ? {} : { [option.vni]: `${overlay.vni}` }),
  };
}

function shownSubnets({ subnets, gateways, ipRange }: Inspected) {
  return subnets.map((Subnet, index) => ({
    Subnet,
    ...(ipRange !== undefined && familyOf(ipRange) === familyOf(Subnet) && { IPRange: ipRange }),
    Gateway: gateways[index] ?? "",
  }));
}

const nothingOfSwarm = { Attachable: false, Ingress: false, ConfigFrom: { Network: "" }, ConfigOnly: false };

function shownEndpoint(network: string, { name, macAddress, addresses }: Endpoint): [string, unknown] {
  const of = (family: 4 | 6) => addresses.find((one) => familyOf(one) === family) ?? "";
  const EndpointID = shortHash(`endpoint ${network} ${name}`, 64);
  const endpoint = { Name: name, EndpointID, MacAddress: macAddress, IPv4Address: of(4), IPv6Address: of(6) };
  return [shortHash(`container ${network} ${name}`, 64), endpoint];
}

/**
 * Our driver for one of Docker's.
 * @throws RunError when there is none
 */
export function counterpart(network: string, driver: string): "bridge" | "host" | "none" {
  if (driver === "null") return "none";
  if (driver === "bridge" || driver === "host" || driver === "none") return driver;
  const why =
    driver === "overlay"
      ? "Docker does not show how the hosts of an overlay are reached; declare it with connections"
      : `Docker's driver ${driver} has no counterpart here`;
  throw new pulumi.RunError(`network "${network}": ${why}`);
}
