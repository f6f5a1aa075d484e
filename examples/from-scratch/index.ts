// The bridge network in five stages: `pulumi config set stage 1` to 5, then `pulumi up`. From any stage to any other, only
// what differs is touched. Stage 5 publishes on `hostAddress` (`pulumi config set hostAddress 203.0.113.2`).
import * as pulumi from "@pulumi/pulumi";
import * as linuxnet from "pulumi-linuxnet";

const config = new pulumi.Config();
const stage = config.getNumber("stage") ?? 5;
if (![1, 2, 3, 4, 5].includes(stage)) throw new pulumi.RunError("stage must be 1, 2, 3, 4 or 5");

const bridge =
  stage >= 3 ? new linuxnet.Bridge("br0", { name: "br0", addresses: stage >= 4 ? ["172.18.0.1/16"] : [] }) : undefined;

/** What must hold at this stage is tried once all of it is there. */
const made: pulumi.Resource[] = bridge ? [bridge] : [];

/** A namespace and its cable: until there is a bridge, the host's end has an address; from stage 4 on there is a gateway. */
function container(
  number: 0 | 1,
  hostAddress: string,
  address: string,
  after: linuxnet.VethPair[] = [],
): linuxnet.VethPair {
  const netns = new linuxnet.Netns(`netns${number}`, { name: `netns${number}` });
  const cable = new linuxnet.VethPair(
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
  made.push(cable);
  return cable;
}

// Stage 1: one namespace and a cable to it.
const first = container(0, "172.18.0.11/16", "172.18.0.10/16");

// Stage 2: a second one. Two routes lead to one subnet now, and the host takes the one that was there first, whichever
// container it looks for: that is why a bridge is needed.
if (stage >= 2) container(1, "172.18.0.21/16", "172.18.0.20/16", [first]);

// Stage 3 is the bridge above. Stage 4: the way out.
if (bridge && stage >= 4)
  made.push(new linuxnet.NatRule("out", { type: "masquerade", source: "172.18.0.0/16", notOutInterface: bridge.name }));

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
  const way = new linuxnet.NatRule(
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
  made.push(way);
  expectTo("host", hostAddress, true, 5000);
  // By that address alone, and by that port alone.
  expectTo("host", "127.0.0.1", false, 5000);
  expectTo("host", hostAddress, false, 5001);
  const outside = config.getObject<linuxnet.ExpectFrom>("outside");
  if (outside) new linuxnet.Expect("from outside", { from: outside, to: hostAddress, port: 5000 }, { dependsOn: made });
}

// What works at this stage, and what must not. An `up` fails, and a `preview` tells of it, when it is otherwise.
const [netns0, netns1] = ["172.18.0.10", "172.18.0.20"];
expectTo("netns0", "127.0.0.1", true);
expectTo("netns0", netns1, stage >= 3);
// Stage 2: the host looks for it behind the other cable. Stage 3: it has no address there.
if (stage >= 2) expectTo("host", netns1, stage >= 4);
// At stages 1 and 2 it works too. But on the way back from 4 the engine removes the bridge last, and its route is the first.
if (stage >= 3) expectTo("host", netns0, stage >= 4);
for (const to of config.getObject<string[]>("world") ?? []) expectTo("netns0", to, stage >= 4);

function expectTo(from: string, to: string, reachable: boolean, port?: number): void {
  const name = `${from} to ${to}${port === undefined ? "" : ` port ${port}`}`;
  const tried = { from, to, reachable, ...(port !== undefined && { port }) };
  new linuxnet.Expect(name, tried, { dependsOn: made });
}
