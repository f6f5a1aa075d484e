// The bridge network in five stages: `pulumi config set stage 1` to 5, then `pulumi up`. From any stage to any other, only
// what differs is touched. Stage 5 publishes on `hostAddress` (`pulumi config set hostAddress 203.0.113.2`).
import * as pulumi from "@pulumi/pulumi";
import * as linuxnet from "pulumi-linuxnet";

const config = new pulumi.Config();
const stage = config.getNumber("stage") ?? 5;
if (![1, 2, 3, 4, 5].includes(stage)) throw new pulumi.RunError("stage must be 1, 2, 3, 4 or 5");

const bridge =
  stage >= 3 ? new linuxnet.Bridge("br0", { name: "br0", addresses: stage >= 4 ? ["172.18.0.1/16"] : [] }) : undefined;

/** A namespace and its cable: until there is a bridge, the host's end has an address; from stage 4 on there is a gateway. */
function container(
  number: 0 | 1,
  hostAddress: string,
  address: string,
  after: linuxnet.VethPair[] = [],
): linuxnet.VethPair {
  const netns = new linuxnet.Netns(`netns${number}`, { name: `netns${number}` });
  return new linuxnet.VethPair(
    `veth${number}`,
    {
      name: `veth${number}`,
      ...(bridge ? { bridge: bridge.name, hairpin: true } : { addresses: [hostAddress] }),
      peer: {
        name: `ceth${number}`,
        netns: netns.name,
        addresses: [address],
        ...(stage >= 4 && { gateway: "172.18.0.1" }),
      },
    },
    { dependsOn: after },
  );
}

// Stage 1: one namespace and a cable to it.
const first = container(0, "172.18.0.11/16", "172.18.0.10/16");

// Stage 2: a second one. Two routes lead to one subnet now, and the host takes the one that was there first, whichever
// container it looks for: that is why a bridge is needed.
if (stage >= 2) container(1, "172.18.0.21/16", "172.18.0.20/16", [first]);

// Stage 3 is the bridge above. Stage 4: the way out.
if (bridge && stage >= 4)
  new linuxnet.NatRule("out", { type: "masquerade", source: "172.18.0.0/16", notOutInterface: bridge.name });

// Stage 5: a web server, and the way in, for connections to one address of the host.
if (stage >= 5) {
  const hostAddress = config.require("hostAddress");
  const server = new linuxnet.Process(
    "web",
    {
      netns: "netns0",
      command: ["python3", "-u", "-m", "http.server", "5000", "--bind", "172.18.0.10"],
      // It shows the folder that it is started in, to everyone who reaches the port.
      cwd: "/usr/share/common-licenses",
      user: "nobody",
      ready: { tcp: 5000 },
    },
    { dependsOn: [first] },
  );
  new linuxnet.NatRule(
    "web",
    {
      type: "dnat",
      destination: hostAddress,
      protocol: "tcp",
      destinationPorts: 5000,
      toAddress: "172.18.0.10",
      toPorts: 5000,
    },
    { dependsOn: [server] },
  );
}
