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
  const data = typeof json === "string" ? JSON.parse(json) : json;
  const { Driver, Internal, IPAM, Options } = shape.parse(Array.isArray(data) ? data[0] : data);
  const config = IPAM.Config ?? [];
  const gateways = config.flatMap(({ Gateway }) => Gateway ?? []).map((one) => one.replace(/\/\d+$/, ""));
  const ranges = config.flatMap(({ IPRange }) => IPRange ?? []);
  const options = Options ?? {};
  return {
    driver: Driver,
    internal: Internal,
    ...(config.length > 0 && { subnets: config.map(({ Subnet }) => Subnet) }),
    ...(gateways.length > 0 && { gateway: gateways }),
    ...(ranges[0] && { ipRange: ranges[0] }),
    ...(options[option.bridgeName] && { bridgeName: options[option.bridgeName] }),
    ...(options[option.mtu] && { mtu: Number(options[option.mtu]) }),
    ...(options[option.masquerade] && { masquerade: options[option.masquerade] === "true" }),
  };
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
  const { name, driver, internal, subnets, gateways, bridgeName, endpoints, overlay } = network;
  const ranges = subnets.map((Subnet, index) => ({ Subnet, Gateway: gateways[index] ?? "" }));
  return [
    {
      Name: name,
      Id: shortHash(`network ${name} ${bridgeName}`, 64),
      Scope: overlay ? "swarm" : "local",
      Driver: driver,
      EnableIPv6: subnets.some((one) => familyOf(one) === 6),
      IPAM: { Driver: "default", Options: {}, Config: ranges },
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

function shownOptions({ bridgeName, mtu, masquerade, overlay }: Inspected): Record<string, string> {
  return {
    [option.bridgeName]: bridgeName,
    ...(mtu !== undefined && { [option.mtu]: `${mtu}` }),
    [option.masquerade]: `${masquerade}`,
    ...(overlay === undefined ? {} : { [option.vni]: `${overlay.vni}` }),
  };
}

const nothingOfSwarm = { Attachable: false, Ingress: false, ConfigFrom: { Network: "" }, ConfigOnly: false };

function shownEndpoint(network: string, { name, macAddress, addresses }: Endpoint): [string, unknown] {
  const of = (family: 4 | 6) => addresses.find((one) => familyOf(one) === family) ?? "";
  const EndpointID = shortHash(`endpoint ${network} ${name}`, 64);
  const endpoint = { Name: name, EndpointID, MacAddress: macAddress, IPv4Address: of(4), IPv6Address: of(6) };
  return [shortHash(`container ${network} ${name}`, 64), endpoint];
}
