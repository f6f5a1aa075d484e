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
  return { host, netns: netns.name, address, mtu: cable.mtu };
}

/** The containers, in the order of the list. */
export const members = hosts.map(member);
