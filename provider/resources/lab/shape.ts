import { z } from "zod";
import { dictionary } from "../../kernel/dictionary.ts";
import { duration } from "../../kernel/duration.ts";
import { type Impairment, impairment } from "../../kernel/impairment-shape.ts";
import { ready, restart, stopTimeout, variable, word } from "../../kernel/processes-schema.ts";
import { readPublish } from "../../kernel/publish-notation.ts";
import { dnsName, upstream } from "../../kernel/resolver-schema.ts";
import { address, linkName, mtu, oneOrMore, port, subnet, text } from "../../kernel/schema.ts";
import { type Sysctls, sysctlName, sysctlValue } from "../../kernel/sysctl.ts";

/** A network of a lab, checked; what stands below `subnets` is worked out. */
export interface LabNetwork {
  driver?: "bridge" | "host" | "none";
  subnet?: string;
  gateway?: string | string[];
  ipRange?: string;
  mtu?: number;
  internal?: boolean;
  masquerade?: boolean;
  isolate?: boolean;
  dns?: boolean | { upstreams?: string[]; domain?: string };
  subnets?: string[];
  gateways?: string[];
  bridgeName?: string;
}

/** A published port of a container: Docker's notation, or what a PortPublish takes. */
export type LabPublish =
  | string
  | {
      hostPort: number;
      targetPort: number;
      protocol?: "tcp" | "udp" | "sctp";
      hostAddress?: string;
      localhost?: boolean;
      hairpin?: boolean;
      backend?: "auto" | "nftables" | "iptables";
    };

/** A container of a lab, checked; `addresses`, `gateway` and, unless it joins another, `netns` are worked out. */
export interface LabContainer {
  network?: string | string[];
  address?: string | string[];
  netns?: string;
  hostname?: string;
  aliases?: string[];
  links?: Record<string, string>;
  publish?: LabPublish[];
  dns?: string[];
  dnsSearch?: string[];
  extraHosts?: Record<string, string> | string[];
  impairment?: Impairment;
  sysctls?: Sysctls;
  command?: string[];
  environment?: Record<string, string>;
  cwd?: string;
  user?: string;
  restart?: "no" | "on-failure" | "always";
  stopTimeout?: string;
  ready?: { tcp?: number; udp?: number; log?: string; timeout: string };
  /** What it was asked to join: another container of the lab, or a namespace by name. */
  joins?: string;
  addresses: string[];
  gateway: string;
}

/** Something that must hold in a lab, checked. */
export interface LabExpect {
  from: string;
  to: string;
  port?: number;
  protocol?: "ping" | "tcp" | "udp";
  reachable?: boolean;
  within?: string;
  triggers?: string[];
}

/** A lab's inputs, checked. */
export interface LabArgs {
  networks: Record<string, LabNetwork>;
  containers: Record<string, LabContainer>;
  expect: LabExpect[];
  adopt: boolean;
  owner: string;
}

/** A name in a lab. It has no dot: dots part the properties of a diff. */
const name = z
  .string("must be a string")
  .regex(
    /^[A-Za-z0-9][A-Za-z0-9_-]{0,62}$/,
    "must be 1 to 63 letters, digits, _ and -, and begin with a letter or digit",
  );

const flag = z.boolean("must be true or false").optional();
const names = z.array(dnsName, "must be a list of names");

const network = z.strictObject(
  {
    driver: z
      .enum(
        ["bridge", "host", "none"],
        'must be "bridge", "host" or "none": an overlay is on several hosts, and a Lab is on one',
      )
      .optional(),
    subnet: subnet.optional(),
    subnets: z
      .array(subnet, "must be a list of subnets")
      .min(1, "must have at least one subnet")
      .max(2, "must be one per family")
      .optional(),
    gateway: oneOrMore(address).optional(),
    ipRange: subnet.optional(),
    bridgeName: linkName.optional(),
    mtu: mtu.optional(),
    internal: flag,
    masquerade: flag,
    isolate: flag,
    dns: z
      .union(
        [
          z.boolean("must be true, false or an object"),
          z.strictObject({
            upstreams: z
              .array(upstream, "must be a list of addresses")
              .min(1, "must have at least one address")
              .optional(),
            domain: dnsName.optional(),
          }),
        ],
        'must be true, false, or an object such as { domain: "lab.test" }',
      )
      .optional(),
  },
  "must be an object of a Network's arguments",
);

const notation = z.string("must be a string").superRefine((given, context) => {
  try {
    readPublish(given);
  } catch (error) {
    context.addIssue({ code: "custom", message: (error as Error).message });
  }
});

const publishing = 'must be a text such as "8080:80", or an object with hostPort and targetPort';

const publish = z.union(
  [
    notation,
    z.strictObject(
      {
        hostPort: port,
        targetPort: port,
        protocol: z.enum(["tcp", "udp", "sctp"], 'must be "tcp", "udp" or "sctp"').optional(),
        hostAddress: address.optional(),
        localhost: flag,
        hairpin: flag,
        backend: z.enum(["auto", "nftables", "iptables"], 'must be "auto", "nftables" or "iptables"').optional(),
      },
      publishing,
    ),
  ],
  publishing,
);

const hostLine = z.string("must be a string").regex(/^[^:=]+[:=]./, 'must be "name:address"');

const container = z.strictObject(
  {
    network: oneOrMore(name).optional(),
    address: oneOrMore(address).optional(),
    netns: z.string("must be a container's or a namespace's name").min(1, "must not be empty").optional(),
    hostname: dnsName.optional(),
    aliases: names.optional(),
    links: dictionary(dnsName, name, "must be an object of names with the containers that they lead to").optional(),
    publish: z.array(publish, "must be a list").optional(),
    dns: z
      .array(address, "must be a list of addresses")
      .min(1, "must have at least one address")
      .max(3, "must be at most 3 addresses")
      .optional(),
    dnsSearch: names.optional(),
    extraHosts: z
      .union(
        [z.array(hostLine), dictionary(dnsName, address)],
        'must be an object of names with addresses, or a list of "name:address"',
      )
      .optional(),
    impairment: impairment.optional(),
    sysctls: dictionary(sysctlName, sysctlValue).optional(),
    command: z
      .array(word, "must be a list: the program and its arguments")
      .min(1, "must have at least the program's name")
      .optional(),
    environment: dictionary(variable, word).optional(),
    cwd: word.refine((path) => path.startsWith("/"), "must be an absolute path").optional(),
    user: z.string("must be a string").optional(),
    restart: restart.optional(),
    stopTimeout: stopTimeout.optional(),
    ready: ready.optional(),
  },
  "must be an object of a Container's arguments",
);

const expectation = z.strictObject(
  {
    from: z.string("must be a container's or a namespace's name, or \"host\""),
    to: z.string("must be a container's name, or an address or name"),
    port: port.optional(),
    protocol: z.enum(["ping", "tcp", "udp"], 'must be "ping", "tcp" or "udp"').optional(),
    reachable: flag,
    within: duration.optional(),
    triggers: z.array(text, "must be a list of strings").optional(),
  },
  "must be an object with from and to",
);

/** The inputs of a lab. */
export const labFields = {
  networks: dictionary(name, network, "must be an object of networks by name").default({}),
  containers: dictionary(name, container, "must be an object of containers by name").default({}),
  expect: z.array(expectation, "must be a list").default([]),
};
