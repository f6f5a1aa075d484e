// Network for a container that already runs: its namespace has no name, and is known only by the pid of a process in it
// (`pulumi config set pid 1234`).
import * as pulumi from "@pulumi/pulumi";
import * as linuxnet from "pulumi-linuxnet";

const config = new pulumi.Config();

const container = new linuxnet.Netns("container", { name: "by-pid", pid: config.requireNumber("pid") });

const cable = new linuxnet.VethPair("veth", {
  name: "veth0",
  addresses: ["10.0.0.1/24"],
  // There is no bridge: a cable with two ends is enough for one container.
  peer: { name: "veth1", netns: container.name, addresses: ["10.0.0.2/24"], gateway: "10.0.0.1" },
});

const out = new linuxnet.NatRule(
  "out",
  { type: "masquerade", source: "10.0.0.0/24", notOutInterface: cable.name },
  { dependsOn: cable },
);

const dns = new linuxnet.ResolvConf("dns", {
  netns: container.name,
  nameservers: config.getObject<string[]>("nameservers") ?? ["1.1.1.1"],
});

// What must hold. An `up` fails, and a `preview` tells of it, when it does not.
const all = { dependsOn: [cable, out, dns] };
new linuxnet.Expect("gateway", { from: container.name, to: "10.0.0.1" }, all);
new linuxnet.Expect("from the host", { from: "host", to: "10.0.0.2" }, all);
new linuxnet.Expect("lo is up", { from: container.name, to: "127.0.0.1" }, all);
// The cable is a network of two: nobody else is there.
new linuxnet.Expect("nobody else", { from: container.name, to: "10.0.0.3", reachable: false }, all);

// The rest depends on where this host stands: an address and a name of the world, a machine beyond the uplink.
for (const to of config.getObject<string[]>("world") ?? [])
  new linuxnet.Expect(`to ${to}`, { from: container.name, to }, all);
const outside = config.getObject<linuxnet.ExpectFrom>("outside");
if (outside) new linuxnet.Expect("no way in", { from: outside, to: "10.0.0.2", reachable: false }, all);

export const tryIt = "ip netns exec by-pid ping -c1 10.0.0.1";
