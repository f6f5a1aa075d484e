// What Docker's network drivers are: bridge, host, none, and with hosts in the stack's configuration overlay.
import * as pulumi from "@pulumi/pulumi";
import * as linuxnet from "pulumi-linuxnet";

const config = new pulumi.Config();
const hostPort = config.getNumber("port") ?? 8080;
const subnet = config.get("subnet") ?? "172.19.0.0/24";

/** A web server of the standard library; it shows the folder that it is started in, to everyone who reaches the port. */
const server = (port: number, address = "0.0.0.0") => ({
  command: ["python3", "-u", "-m", "http.server", `${port}`, "--bind", address],
  cwd: "/usr/share/common-licenses",
  ready: { tcp: port },
});

// bridge: a switch on the host, which has the gateway's address. What is on it has a namespace of its own.
const bridge = new linuxnet.Network("bridge", { subnet });
const monServeur = new linuxnet.Container("mon-serveur", {
  network: bridge,
  publish: [`${hostPort}:80`],
  ...server(80),
});

// In the namespace of the first: the same interfaces, addresses and sockets.
const neighbour = new linuxnet.Container("neighbour", { netns: monServeur });

// It knows the server by a name of its own choice.
const client = new linuxnet.Container("client", { network: bridge, links: { serveur: monServeur } });

// Another network: nothing leads from the one to the other.
const other = new linuxnet.Network("other");
const stranger = new linuxnet.Container("stranger", { network: other });

// host: no namespace of its own. What it opens is open on the host, with nothing published.
const host = new linuxnet.Network("host", { driver: "host" });
const onHost = new linuxnet.Container("on-host", { network: host, ...server(hostPort + 1, "127.0.0.1") });

// none: a namespace with nothing but `lo`.
const none = new linuxnet.Network("none", { driver: "none" });
const alone = new linuxnet.Container("alone", { network: none });

// What must hold. An `up` fails, and a `preview` tells of it, when it does not.
const all = { dependsOn: [monServeur, neighbour, client, stranger, onHost, alone] };
const gateway = bridge.gateways.apply(([first = ""]) => first);
new linuxnet.Expect("by its address, from the host", { from: "host", to: monServeur, port: 80 }, all);
new linuxnet.Expect("published", { from: "host", to: "127.0.0.1", port: hostPort }, all);
new linuxnet.Expect("its sockets, in the same namespace", { from: neighbour, to: "127.0.0.1", port: 80 }, all);
new linuxnet.Expect("by the alias", { from: client, to: "serveur", port: 80 }, all);
new linuxnet.Expect("by its address", { from: client, to: monServeur, port: 80 }, all);
new linuxnet.Expect("the host's own, without a publish", { from: "host", to: "127.0.0.1", port: hostPort + 1 }, all);
new linuxnet.Expect("only lo", { from: alone, to: "127.0.0.1" }, all);
new linuxnet.Expect("nothing else", { from: alone, to: gateway, reachable: false }, all);
new linuxnet.Expect("networks are apart", { from: stranger, to: monServeur, port: 80, reachable: false }, all);
new linuxnet.Expect("the alias is the client's", { from: stranger, to: "serveur", port: 80, reachable: false }, all);
const loopback = { from: client, to: gateway, port: hostPort + 1, reachable: false };
new linuxnet.Expect("127.0.0.1 of the host is the host's", loopback, all);

// overlay: one network across hosts, each packet wrapped in a datagram from host to host. Nothing of it without hosts.
const hosts = config.getObject<Host[]>("hosts") ?? [];
const members = hosts.length > 0 ? across(hosts) : [];

/** A host of the overlay: how it is reached, and its address in the network between the hosts. */
interface Host {
  host: string;
  user?: string;
  sshConfigFile?: string;
  address: string;
}

/** An overlay across hosts, with a container on each. */
function across(list: readonly Host[]): linuxnet.Container[] {
  const byHost = <T>(of: (one: Host) => T) => Object.fromEntries(list.map((one) => [one.host, of(one)]));
  const overlay = new linuxnet.Network("overlay", {
    driver: "overlay",
    subnet: "10.88.80.0/24",
    connections: byHost(({ address: _address, ...connection }) => connection),
    overlay: { addresses: byHost(({ address }) => address) },
  });
  return list.map(({ host }) => new linuxnet.Container(`on-${host}`, { network: overlay, host }));
}

for (const [index, member] of members.entries()) {
  const next = members[(index + 1) % members.length];
  const name = hosts[index]?.host;
  if (next && next !== member)
    new linuxnet.Expect(`across, from ${name}`, { from: member, to: next }, { dependsOn: members });
  // The subnet of the network `bridge` is this machine's alone.
  const apart = { from: member, to: monServeur, port: 80, reachable: false };
  new linuxnet.Expect(`apart, from ${name}`, apart, { dependsOn: [monServeur, ...members] });
}

/** The default network as `docker network inspect` shows it. */
export const inspect = bridge.inspect;
/** Where each container is: the name of its namespace, "" for the host's own. */
export const namespaces = Object.fromEntries(
  Object.entries({ monServeur, neighbour, client, stranger, onHost, alone }).map(([name, { netns }]) => [name, netns]),
);
export const address = monServeur.addresses.apply(([first = ""]) => first.split("/")[0]);
/** The containers of the overlay, in the order of the hosts. */
export const overlay = members.map(({ netns, addresses }) => ({ netns, addresses }));
