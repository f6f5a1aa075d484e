// One container by hand: what `docker run` does with the network, step by step.
import * as pulumi from "@pulumi/pulumi";
import * as linuxnet from "pulumi-linuxnet";

const config = new pulumi.Config();

const container = new linuxnet.Netns("mycontainer", { name: "mycontainer" });

const bridge = new linuxnet.Bridge("mybridge", { name: "mybridge", addresses: ["192.168.1.1/24"] });

const cable = new linuxnet.VethPair("veth", {
  name: "veth-host",
  bridge: bridge.name,
  peer: {
    name: "veth-container",
    netns: container.name,
    addresses: ["192.168.1.2/24"],
    // By hand, this is what people forget: without it the container reaches its gateway and nothing behind it.
    gateway: "192.168.1.1",
  },
});

const out = new linuxnet.NatRule("out", {
  type: "masquerade",
  source: "192.168.1.0/24",
  notOutInterface: bridge.name,
});

// What must hold. An `up` fails, and a `preview` tells of it, when it does not.
const all = { dependsOn: [cable, out] };
new linuxnet.Expect("gateway", { from: container.name, to: "192.168.1.1" }, all);
new linuxnet.Expect("lo is up", { from: container.name, to: "127.0.0.1" }, all);
// Of all 254 addresses of the subnet two are taken: nobody else answers.
new linuxnet.Expect("nobody else", { from: container.name, to: "192.168.1.254", reachable: false }, all);
// The rest depends on where this host stands: addresses of the world, a machine beyond the uplink.
for (const to of config.getObject<string[]>("world") ?? [])
  new linuxnet.Expect(`to ${to}`, { from: container.name, to }, all);
const outside = config.getObject<linuxnet.ExpectFrom>("outside");
if (outside) new linuxnet.Expect("no way in", { from: outside, to: "192.168.1.2", reachable: false }, all);

export const tryIt = "ip netns exec mycontainer ping -c1 192.168.1.1";
