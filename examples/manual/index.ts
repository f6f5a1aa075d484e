// One container by hand: what `docker run` does with the network, step by step.
import * as linuxnet from "pulumi-linuxnet";

const container = new linuxnet.Netns("mycontainer", { name: "mycontainer" });

const bridge = new linuxnet.Bridge("mybridge", { name: "mybridge", addresses: ["192.168.1.1/24"] });

new linuxnet.VethPair("veth", {
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

new linuxnet.NatRule("out", { type: "masquerade", source: "192.168.1.0/24", notOutInterface: bridge.name });

export const tryIt = "ip netns exec mycontainer ping -c1 192.168.1.1";
