type Bag = Record<string, unknown>;

const key = "-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n";

const hop = {
  port: 22,
  user: "lab",
  password: "secret",
  privateKey: key,
  privateKeyPassword: "secret",
  agentSocketPath: "/run/agent",
  hostKey: "ssh-ed25519 AAAA",
  dialErrorLimit: 3,
  perDialTimeout: 5,
};

/** A connection with all that it can have. */
const connection = {
  host: "lab",
  ...hop,
  proxy: { host: "jump", ...hop },
  sudo: true,
  sudoPassword: "secret",
  sshConfigFile: "/run/config",
};

const common = { adopt: false };

/** One end of a pair, with all that an end in a namespace can have. */
const end = {
  name: "eth0",
  netns: "ct1",
  addresses: ["172.18.0.11/16"],
  gateway: "172.18.0.1",
  routes: [{ to: "10.7.0.0/16", via: "172.18.0.9", metric: 50 }],
  macAddress: "02:00:00:00:00:11",
  hairpin: false,
  isolated: false,
  addrgenmode: "none",
};
const impairment = { delay: "5ms", jitter: "1ms", loss: 1, duplicate: 1, corrupt: 1, reorder: 1, rate: "10mbit" };

/** A published port, with all that it can have. */
const published = {
  hostPort: 8080,
  targetPort: 80,
  protocol: "tcp",
  hostAddress: "203.0.113.2",
  localhost: false,
  hairpin: true,
  backend: "auto",
};

/** A program, with all that it can have. */
const program = {
  command: ["/usr/bin/perl", "-e", "sleep 1000", "--", "word"],
  environment: { WORD: "word" },
  cwd: "/run",
  user: "root",
  restart: "no",
  stopTimeout: "1s",
  ready: { tcp: 80, udp: 53, log: "ready", timeout: "1s" },
};

const matched = {
  source: "10.1.0.0/16",
  destination: "10.2.0.0/16",
  protocol: "tcp",
  destinationPorts: 80,
  backend: "nftables",
};

/**
 * Inputs of each kind with every property that it can have, in as many sets as it takes: what is allowed only without
 * another stands in another set. A property that stands in none fails a test.
 */
export const fullSamples: Record<string, Bag[]> = {
  Netns: [
    { ...common, name: "full", sysctls: { "net.ipv4.ip_unprivileged_port_start": "80" }, loopback: true },
    { name: "full", pid: 4194303, connection },
  ],
  Bridge: [
    { ...common, name: "full0", addresses: ["172.30.0.1/24"], mtu: 1400, macAddress: "02:00:00:00:00:21", stp: false },
    { name: "full0", isolate: true, internal: false, underlay: "203.0.113.2", connection },
    { name: "full0", netns: "ct1" },
  ],
  VethPair: [
    { ...common, name: "veth-full", bridge: "lab0", hairpin: true, isolated: false, mtu: 1500, peer: end, connection },
    { ...end, name: "one", peer: { ...end, name: "other", netns: "ct2", macAddress: "02:00:00:00:00:12" } },
    { ...end, name: "one", gateway: ["172.18.0.1"], impairment, peer: { name: "p", bridge: "lab0", impairment } },
    { name: "one", peer: { ...end, gateway: ["172.18.0.1"] } },
  ],
  NatRule: [
    { ...common, type: "masquerade", ...matched, outInterface: "uplink", protect: true, connection },
    { type: "masquerade", source: ["10.1.0.0/16"], notOutInterface: "lab0", netns: "ct1" },
    { type: "dnat", ...matched, destination: ["10.2.0.1"], inInterface: "up0", toAddress: "10.1.0.2", toPorts: 8080 },
    { type: "dnat", ...matched, notInInterface: "lab0", toAddress: "10.1.0.2", output: false, forward: false },
  ],
  ForwardRule: [
    {
      ...common,
      action: "accept",
      ...matched,
      inInterface: "lab0",
      outInterface: "uplink",
      sourcePorts: 99,
      connection,
    },
    {
      action: "drop",
      source: ["10.1.0.0/16"],
      destination: ["10.2.0.0/16"],
      states: ["new"],
      priority: 7,
      netns: "ct1",
    },
  ],
  PortPublish: [{ ...common, ...published, targetAddress: "172.18.0.11", connection }],
  ResolvConf: [
    {
      ...common,
      netns: "ct1",
      nameservers: ["172.18.0.1"],
      search: ["lab.test"],
      options: ["ndots:2"],
      hosts: { web: "172.18.0.11" },
      connection,
    },
    { netns: "ct1", nameservers: ["172.18.0.1"], hosts: { web: ["172.18.0.11"] } },
  ],
  Vxlan: [
    {
      ...common,
      name: "vxfull",
      vni: 42,
      bridge: "lab0",
      local: "203.0.113.2",
      remotes: ["203.0.113.7"],
      port: 4789,
      mtu: 1400,
      anycastGateway: { macAddress: "02:00:00:00:00:31", addresses: ["172.18.0.1"] },
      connection,
    },
    { name: "vxfull", vni: 42, local: "203.0.113.2", remotes: [], netns: "ct1" },
  ],
  AddressPool: [
    {
      ...common,
      subnet: "172.18.0.0/16",
      gateway: "172.18.0.1",
      range: "172.18.1.0/24",
      reserved: ["172.18.1.1"],
      names: ["one"],
      fixed: { one: "172.18.0.9" },
      connection,
    },
  ],
  Expect: [
    {
      ...common,
      from: "ct1",
      to: "172.18.0.1",
      port: 80,
      protocol: "tcp",
      reachable: false,
      within: "1ms",
      triggers: ["one"],
      connection,
    },
  ],
  Resolver: [
    {
      ...common,
      network: "shop",
      bridge: "lab0",
      addresses: ["172.18.0.1/16"],
      members: { web: { addresses: ["172.18.0.11"], aliases: ["www"] } },
      domain: "lab.test",
      upstreams: ["203.0.113.1"],
      forward: true,
      connection,
    },
  ],
  Process: [
    {
      ...common,
      netns: "ct1",
      ...program,
      connection,
    },
  ],
  Lab: [
    {
      ...common,
      networks: {
        shop: {
          driver: "bridge",
          subnet: "10.5.0.0/24",
          gateway: "10.5.0.1",
          ipRange: "10.5.0.0/25",
          bridgeName: "shop0",
          mtu: 1400,
          internal: false,
          masquerade: true,
          isolate: true,
          dns: { upstreams: ["203.0.113.1"], domain: "lab.test" },
        },
      },
      containers: {
        web: {
          network: "shop",
          address: "10.5.0.9",
          hostname: "web",
          aliases: ["www"],
          links: { server: "other" },
          publish: ["8080:80"],
          extraHosts: { db: "10.5.0.7" },
          impairment,
          sysctls: { "net.ipv4.ip_unprivileged_port_start": "80" },
          ...program,
        },
        other: { network: "shop" },
      },
      expect: [
        { from: "web", to: "10.5.0.1", port: 80, protocol: "tcp", reachable: true, within: "1s", triggers: ["one"] },
      ],
      connection,
    },
    {
      networks: { shop: { subnets: ["10.5.0.0/24"], gateway: ["10.5.0.1"] } },
      containers: {
        web: {
          network: ["shop"],
          address: ["10.5.0.9"],
          dns: ["203.0.113.1"],
          dnsSearch: ["lab.test"],
          publish: [published],
          extraHosts: ["db:10.5.0.7"],
        },
      },
    },
    { networks: { shop: { subnet: "10.5.0.0/24", dns: true } }, containers: { web: { netns: "ct1" } } },
  ],
};
