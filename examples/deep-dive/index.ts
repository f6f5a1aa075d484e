// Two containers, DNS and a published port, with packet rules of nftables or of iptables (`pulumi config set backend iptables`).
import { userInfo } from "node:os";
import * as command from "@pulumi/command";
import * as pulumi from "@pulumi/pulumi";
import * as linuxnet from "pulumi-linuxnet";

const config = new pulumi.Config();
const backend = config.get<"auto" | "nftables" | "iptables">("backend") ?? "auto";
const hostPort = config.getNumber("port") ?? 8080;
const world = config.getObject<string[]>("world") ?? [];

const subnet = "172.18.0.0/16";
const gateway = "172.18.0.1";
const addresses = { ct1: "172.18.0.11", ct2: "172.18.0.12" };

const bridge = new linuxnet.Bridge("br0", { name: "br0", addresses: [`${gateway}/16`] });

const [ct1, ct2] = [container("ct1"), container("ct2")];

// The way out. The uplink is the interface of the default route, found when the rule is applied.
const out = { dependsOn: [bridge] };
const masquerade = new linuxnet.NatRule(
  "out",
  { type: "masquerade", source: subnet, outInterface: "uplink", backend },
  out,
);
const outward = new linuxnet.ForwardRule(
  "outward",
  { action: "accept", inInterface: bridge.name, outInterface: "uplink", backend },
  out,
);
const back = new linuxnet.ForwardRule(
  "back",
  {
    action: "accept",
    inInterface: "uplink",
    outInterface: bridge.name,
    states: ["established", "related"],
    backend,
  },
  out,
);

const web = new linuxnet.Process(
  "web",
  {
    netns: ct1.netns,
    command: ["python3", "-u", "-m", "http.server", "80"],
    // It shows the folder that it is started in, to everyone who reaches the port.
    cwd: "/usr/share/common-licenses",
    ready: { tcp: 80 },
  },
  { dependsOn: [ct1.cable] },
);

const published = new linuxnet.PortPublish(
  "web",
  { hostPort, targetAddress: addresses.ct1, targetPort: 80, backend },
  { dependsOn: [bridge, web] },
);

/** A namespace with its own DNS settings, and its cable to the bridge. */
function container(name: keyof typeof addresses) {
  const netns = new linuxnet.Netns(name, { name });
  const cable = new linuxnet.VethPair(name, {
    name: `veth-${name}`,
    bridge: bridge.name,
    // A container may reach itself by the published port: the packet goes out by the port that it came in by.
    hairpin: true,
    peer: { name: "eth0", netns: netns.name, addresses: [`${addresses[name]}/16`], gateway },
  });
  const nameservers = config.getObject<string[]>("nameservers") ?? ["1.1.1.1"];
  const dns = new linuxnet.ResolvConf(name, { netns: netns.name, nameservers });
  return { netns: netns.name, cable, dns };
}

// What must hold. An `up` fails, and a `preview` tells of it, when it does not.
const all = { dependsOn: [ct1.cable, ct1.dns, ct2.cable, ct2.dns, masquerade, outward, back, published] };
new linuxnet.Expect("gateway", { from: ct2.netns, to: gateway }, all);
new linuxnet.Expect("straight", { from: ct2.netns, to: addresses.ct1, port: 80 }, all);
new linuxnet.Expect("published, on the host", { from: "host", to: "127.0.0.1", port: hostPort }, all);
new linuxnet.Expect("published, from ct2", { from: ct2.netns, to: gateway, port: hostPort }, all);
new linuxnet.Expect("published, from ct1 itself", { from: ct1.netns, to: gateway, port: hostPort }, all);
// Each namespace has a 127.0.0.1 of its own, and the published port is the host's and not the container's.
const closed = { port: hostPort, reachable: false };
new linuxnet.Expect("127.0.0.1 of ct2", { from: ct2.netns, to: "127.0.0.1", ...closed }, all);
new linuxnet.Expect("the host's port, in ct1", { from: ct2.netns, to: addresses.ct1, ...closed }, all);
// The rest depends on where this host stands: addresses and names of the world, a machine beyond the uplink.
for (const to of world) new linuxnet.Expect(`to ${to}`, { from: ct1.netns, to }, all);
const outside = config.getObject<linuxnet.ExpectFrom>("outside");
if (outside) new linuxnet.Expect("no way in", { from: outside, to: addresses.ct1, port: 80, reachable: false }, all);

// The sanity checks, run by `up` after all else. Pulumi downloads the plugin of @pulumi/command for it: off by default, so
// that the lab runs where it can't.
const checks = config.getBoolean("smoke")
  ? new command.local.Command(
      "checks",
      {
        create: `${userInfo().uid === 0 ? "" : "sudo -n "}sh checks.sh ${world.join(" ")}`,
        dir: import.meta.dirname,
        // Once more, whenever one of these is another one.
        triggers: [web.pid, masquerade.backend, masquerade.outInterface, published.url],
      },
      all,
    )
  : undefined;

export const url = published.url;
export const smoke = checks?.stdout;
