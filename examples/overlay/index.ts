// One network across hosts, made of primitives: a bridge on each host, the bridges joined by VXLAN, a container behind each.
//
//   pulumi config set --path 'hosts[0].host' pc1
//   pulumi config set --path 'hosts[0].address' 10.0.0.1     (its address in the network between the hosts)
//   pulumi config set --path 'hosts[1].host' pc2
//   pulumi config set --path 'hosts[1].address' 10.0.0.2
//
// The containers are 10.88.79.11, .12 and so on, in the order of the list.
import * as pulumi from "@pulumi/pulumi";
import * as linuxnet from "pulumi-linuxnet";

interface Host {
  host: string;
  user?: string;
  address: string;
}

const config = new pulumi.Config();
const hosts = config.requireObject<Host[]>("hosts");

/** A container of one host, its bridge, and the tunnel to the other hosts. */
function member(
  { host, user, address }: Host,
  number: number,
): { host: string; netns: string; address: string; mtu: pulumi.Output<number> } {
  const connection: linuxnet.ConnectionArgs = { host, ...(user && { user }) };
  const bridge = new linuxnet.Bridge(`${host}-over0`, { name: "over0", connection });
  const tunnel = new linuxnet.Vxlan(`${host}-vx0`, {
    name: "vx0",
    vni: 4242,
    bridge: bridge.name,
    local: address,
    remotes: hosts.filter((other) => other.host !== host).map((other) => other.address),
    connection,
  });
  const netns = new linuxnet.Netns(`${host}-member`, { name: "member", connection });
  const inside = `10.88.79.${11 + number}`;
  new linuxnet.VethPair(`${host}-member`, {
    name: "member",
    bridge: bridge.name,
    peer: { name: "eth0", netns: netns.name, addresses: [`${inside}/24`] },
    // What fits into the tunnel: a larger packet is refused where it is sent, instead of being lost on the way.
    mtu: tunnel.mtu,
    connection,
  });
  return { host, netns: "member", address: inside, mtu: tunnel.mtu };
}

export const members = hosts.map(member);
