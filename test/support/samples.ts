import { failures } from "./subject.ts";

type Bag = Record<string, unknown>;

/** The far end of the sample pair. */
export const end = { name: "eth0", netns: "ct1", addresses: ["172.18.0.11/16"], gateway: "172.18.0.1" };

/** Good inputs of each kind: a new kind is one line here. */
export const samples: Record<string, Bag> = {
  Netns: { name: "ct1" },
  Bridge: { name: "lab0", addresses: ["172.18.0.1/16", "fd00::1/64"] },
  VethPair: { name: "veth-ct1", bridge: "lab0", peer: end },
  NatRule: { type: "masquerade", source: "172.18.0.0/16", outInterface: "uplink" },
  ForwardRule: { action: "accept", inInterface: "lab0" },
  PortPublish: { hostPort: 8080, targetAddress: "172.18.0.11", targetPort: 80 },
  ResolvConf: { netns: "ct1", nameservers: ["172.18.0.1"] },
  Vxlan: { name: "vx0", vni: 42, bridge: "lab0", local: "10.0.0.1", remotes: ["10.0.0.2"] },
  AddressPool: { subnet: "172.18.0.0/16", names: ["ct1", "ct2"] },
  Expect: { from: "ct1", to: "172.18.0.1" },
  Resolver: {
    network: "shop",
    bridge: "lab0",
    addresses: ["172.18.0.1/16"],
    members: { web: { addresses: ["172.18.0.11"] } },
  },
  Lab: {
    networks: { shop: { subnet: "10.5.0.0/24" } },
    containers: { web: { network: "shop", publish: ["8080:80"] } },
  },
  Process: { netns: "ct1", command: ["sleep", "1"] },
};

/** The sample of a kind with one property, at any depth, set to another value. */
export function withValue(kind: string, path: string, value: unknown): Bag {
  const copy = structuredClone(samples[kind] ?? {});
  const keys = path.split(".");
  const last = keys.pop() ?? "";
  let at = copy;
  for (const key of keys) at = at[key] as Bag;
  at[last] = value;
  return copy;
}

/** What check refuses when one property of the sample has another value: a line per refusal. */
export function reasons(kind: string, path: string, value: unknown): string {
  return failures(kind, withValue(kind, path, value))
    .map(({ property, reason }) => `${property} ${reason}`)
    .join("\n");
}
