// A network for fourteen, a chat server outside the range that addresses are given from, and clients by name
// (`pulumi config set clients '["ann", "bob", "eve", "dan"]'`).
import * as pulumi from "@pulumi/pulumi";
import * as linuxnet from "pulumi-linuxnet";

const config = new pulumi.Config();
const names = config.getObject<string[]>("clients") ?? ["ann", "bob", "eve"];
const lines = config.getNumber("lines") ?? 10;
const port = 5000;

// 192.168.1.0/28 has 16 addresses: without the network's own and the gateway's, 14 are left for clients.
const chat = new linuxnet.Network("chat", {
  subnet: "192.168.1.0/24",
  ipRange: "192.168.1.0/28",
  bridgeName: "chat0",
  // A resolver on the gateway that knows the members by their names.
  dns: true,
});

const program = (name: string) => `${import.meta.dirname}/${name}`;

const server = new linuxnet.Container("server", {
  network: chat,
  address: "192.168.1.100",
  command: ["/usr/bin/python3", "-u", program("server.py"), `${port}`],
  ready: { tcp: port },
});

// A client has its address for as long as its name is in the list, whoever else comes and goes.
const clients = names.map(
  (name) =>
    new linuxnet.Container(
      name,
      {
        network: chat,
        command: ["/usr/bin/python3", "-u", program("client.py"), name, "--say", `${lines}`, "--room", "3"],
        ready: { log: `* ${name} comes` },
      },
      { dependsOn: server },
    ),
);

// Another network: who is there is not heard, and does not hear.
const street = new linuxnet.Network("street");
const passer = new linuxnet.Container("passer-by", { network: street });

// What must hold. An `up` fails, and a `preview` tells of it, when it does not.
const all = { dependsOn: [server, passer, ...clients] };
for (const [index, client] of clients.entries())
  new linuxnet.Expect(`${names[index]} knows the server by its name`, { from: client, to: "server", port }, all);
new linuxnet.Expect("the host reaches it", { from: "host", to: server, port }, all);
new linuxnet.Expect("the street does not", { from: passer, to: server, port, reachable: false }, all);
const outside = config.getObject<linuxnet.ExpectFrom>("outside");
if (outside) new linuxnet.Expect("nor does the outside", { from: outside, to: server, port, reachable: false }, all);

/** By name: the namespace and the address. */
export const members = Object.fromEntries(
  [server, ...clients].map(({ netns, addresses }, index) => [
    index === 0 ? "server" : (names[index - 1] ?? ""),
    { netns, address: addresses.apply(([first = ""]) => first.split("/")[0]) },
  ]),
);
