// The same lab on every host of a list:
//
//   pulumi config set --path 'hosts[0].host' pc1
//   pulumi config set --path 'hosts[0].user' root
//   pulumi config set --path 'hosts[1].host' pc2
//   pulumi config set --path --secret 'hosts[1].password' ...
//   pulumi up --continue-on-error
//
// A host that is down fails alone: the others stand, and a later `up` completes it. Hosts that say their address between them
// (`hosts[0].address`, or an address as `hosts[0].host`) share a network besides: the overlay `room`, with a seat on each.
import { isIP } from "node:net";
import * as pulumi from "@pulumi/pulumi";
import * as linuxnet from "pulumi-linuxnet";

const config = new pulumi.Config();
/** A host of the list: how it is reached, and its address between the hosts. */
type Host = linuxnet.ConnectionArgs & { host: string; address?: string };

const secrets = config.requireSecretObject<Host[]>("hosts");
const list = config.getObject<Host[]>("hosts") ?? [];
const names = list.map(({ host }) => host);
const port = config.getNumber("port") ?? 8080;

/** The lab of one host: a container with a web page, published on the host. */
function lab(host: string, connection: pulumi.Output<linuxnet.ConnectionArgs>): pulumi.Output<string> {
  const bridge = new linuxnet.Bridge(`${host}-lab0`, { name: "lab0", addresses: ["10.88.78.1/24"], connection });
  const netns = new linuxnet.Netns(`${host}-ct1`, { name: "lab-ct1", connection });
  const cable = new linuxnet.VethPair(`${host}-ct1`, {
    name: "lab-ct1",
    bridge: bridge.name,
    hairpin: true,
    peer: { name: "eth0", netns: netns.name, addresses: ["10.88.78.11/24"], gateway: "10.88.78.1" },
    connection,
  });
  new linuxnet.NatRule(`${host}-out`, {
    type: "masquerade",
    source: "10.88.78.0/24",
    notOutInterface: bridge.name,
    connection,
  });
  const server = new linuxnet.Process(
    `${host}-web`,
    {
      netns: netns.name,
      command: ["python3", "-u", "-m", "http.server", "80"],
      cwd: "/usr/share/doc",
      ready: { tcp: 80 },
      connection,
    },
    { dependsOn: [cable] },
  );
  const web = new linuxnet.PortPublish(
    `${host}-web`,
    { hostPort: port, targetAddress: "10.88.78.11", targetPort: 80, connection },
    { dependsOn: [bridge, server] },
  );
  // A host that fails has an output of its own, and keeps those of the others from nobody.
  return pulumi.recover(pulumi.interpolate`http://${host}:${web.hostPort}/`, () => "not up");
}

/** How each host is reached: that is secret as a whole, since passwords are. */
const connections = Object.fromEntries(
  names.map((host, index) => [
    host,
    secrets.apply((all) => {
      const { address: _address, ...connection } = all[index] ?? { host };
      return connection;
    }),
  ]),
);

/** Where each host's page is. */
export const pages = Object.fromEntries(names.map((host) => [host, lab(host, connections[host] ?? pulumi.output({}))]));

/** The hosts that see one another, with their addresses. */
const addresses = Object.fromEntries(
  list.flatMap(({ host, address = isIP(host) ? host : undefined }) => (address ? [[host, address]] : [])),
);

/** The network that they share, with a seat on each, which has a page; every seat reaches that of the next host. */
function share(members: string[]): Record<string, pulumi.Output<string>> {
  const room = new linuxnet.Network("room", {
    driver: "overlay",
    subnet: "10.88.80.0/24",
    connections: Object.fromEntries(members.map((host) => [host, connections[host] ?? {}])),
    overlay: { addresses },
  });
  const command = ["python3", "-u", "-m", "http.server", "80"];
  const page = { command, cwd: "/usr/share/doc", ready: { tcp: 80 } };
  const seats = members.map((host) => new linuxnet.Container(`${host}-seat`, { network: room, host, ...page }));
  for (const [index, from] of seats.entries()) {
    const to = seats[(index + 1) % seats.length] ?? from;
    new linuxnet.Expect(`${members[index]}-room`, { from, to, port: 80 }, { dependsOn: [from, to] });
  }
  return Object.fromEntries(members.map((host, index) => [host, seatOf(seats[index])]));
}

function seatOf(seat: linuxnet.Container | undefined): pulumi.Output<string> {
  return pulumi.output(seat?.addresses ?? []).apply(([address = ""]) => address.split("/")[0] ?? "");
}

/** The address of each host's seat in the room. */
export const seats = Object.keys(addresses).length > 0 ? share(Object.keys(addresses)) : {};
