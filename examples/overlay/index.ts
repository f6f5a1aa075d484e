// One network across hosts, made of primitives: a bridge on each host, the bridges joined by VXLAN, a container behind each.
import * as pulumi from "@pulumi/pulumi";
import * as linuxnet from "pulumi-linuxnet";

/** A host of the list: how it is reached, and its address in the network between the hosts. */
interface Host {
  host: string;
  user?: string;
  sshConfigFile?: string;
  address: string;
}

const hosts = new pulumi.Config().requireObject<Host[]>("hosts");

/** A container keeps its address, whatever hosts come and go. */
const pool = new linuxnet.AddressPool("members", { subnet: "10.88.79.0/24", names: hosts.map(({ host }) => host) });

/** What a host has of the network. */
interface Member {
  host: string;
  netns: pulumi.Output<string>;
  address: pulumi.Output<string>;
  mtu: pulumi.Output<number>;
}

/** What has to be there on a host before anything is tried from it or to it. */
const made = new Map<string, pulumi.Resource[]>();

/** A container of one host, its bridge, and the tunnel to the other hosts. */
function member({ address: local, ...connection }: Host): Member {
  const { host } = connection;
  const others = hosts.filter((other) => other.host !== host);
  const bridge = new linuxnet.Bridge(`${host}-over0`, { name: "over0", connection });
  const tunnel = new linuxnet.Vxlan(`${host}-vx0`, {
    name: "vx0",
    vni: 4242,
    bridge: bridge.name,
    local,
    remotes: others.map(({ address }) => address),
    connection,
  });
  const netns = new linuxnet.Netns(`${host}-member`, { name: "member", connection });
  const address = pool.addresses.apply((all) => all[host] ?? "");
  const cable = new linuxnet.VethPair(`${host}-member`, {
    name: "member",
    bridge: bridge.name,
    peer: { name: "eth0", netns: netns.name, addresses: [address] },
    // What fits into the tunnel: a larger packet is refused where it is sent, instead of being lost on the way.
    mtu: tunnel.mtu,
    connection,
  });
  made.set(host, [tunnel, cable]);
  return { host, netns: netns.name, address, mtu: cable.mtu };
}

/** The containers, in the order of the list. */
export const members = hosts.map(member);

// What must hold. An `up` fails, and a `preview` tells of it, when it does not.
for (const { address: underlay, ...connection } of hosts) {
  const { host } = connection;
  const from = { netns: "member", connection };
  for (const other of members.filter((one) => one.host !== host)) {
    const both = { dependsOn: [...(made.get(host) ?? []), ...(made.get(other.host) ?? [])] };
    const to = other.address.apply((cidr) => cidr.split("/")[0] ?? "");
    new linuxnet.Expect(`${host} to ${other.host}`, { from, to }, both);
  }
  // The network has no gateway: it leads nowhere but to its members.
  const out = { from, to: underlay, reachable: false };
  new linuxnet.Expect(`${host} has no way out`, out, { dependsOn: made.get(host) ?? [] });
}
