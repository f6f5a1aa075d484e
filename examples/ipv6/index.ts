// The deep dive with both families: wherever an address is taken, two can stand, one of each.
import * as pulumi from "@pulumi/pulumi";
import * as linuxnet from "pulumi-linuxnet";

const config = new pulumi.Config();
const hostPort = config.getNumber("port") ?? 8080;

// An fd00::/8 of one's own is what 172.16.0.0/12 is in IPv4 (RFC 4193).
const gateways = ["172.18.0.1", "fd00:18::1"];
const addresses = { ct1: ["172.18.0.11", "fd00:18::11"], ct2: ["172.18.0.12", "fd00:18::12"] };

/** Both addresses with their prefixes. */
const withPrefix = ([four, six]: string[]) => [`${four}/16`, `${six}/64`];

const bridge = new linuxnet.Bridge("br0", { name: "br0", addresses: withPrefix(gateways) });

const [ct1, ct2] = [container("ct1"), container("ct2")];

// One translation for both: what leaves with an fd00:: address would find no way back either.
const masquerade = new linuxnet.NatRule(
  "out",
  { type: "masquerade", source: ["172.18.0.0/16", "fd00:18::/64"], notOutInterface: bridge.name },
  { dependsOn: [bridge] },
);

const web = new linuxnet.Process(
  "web",
  {
    netns: ct1.netns,
    // "::" is the any-address of both families.
    command: ["python3", "-u", "-m", "http.server", "80", "--bind", "::"],
    // It shows the folder that it is started in, to everyone who reaches the port.
    cwd: "/usr/share/common-licenses",
    ready: { tcp: 80 },
  },
  { dependsOn: [ct1.cable] },
);

const published = addresses.ct1.map(
  (targetAddress, index) =>
    new linuxnet.PortPublish(
      `web-${index === 0 ? "v4" : "v6"}`,
      { hostPort, targetAddress, targetPort: 80 },
      { dependsOn: [bridge, web] },
    ),
);

/** A namespace with its own DNS settings, and its cable to the bridge. */
function container(name: keyof typeof addresses) {
  const netns = new linuxnet.Netns(name, { name });
  const cable = new linuxnet.VethPair(name, {
    name: `veth-${name}`,
    bridge: bridge.name,
    hairpin: true,
    peer: { name: "eth0", netns: netns.name, addresses: withPrefix(addresses[name]), gateway: gateways },
  });
  const nameservers = config.getObject<string[]>("nameservers") ?? ["1.1.1.1", "2606:4700:4700::1111"];
  const dns = new linuxnet.ResolvConf(name, { netns: netns.name, nameservers });
  return { netns: netns.name, cable, dns };
}

// What must hold. An `up` fails, and a `preview` tells of it, when it does not.
const all = { dependsOn: [ct1.cable, ct1.dns, ct2.cable, ct2.dns, masquerade, ...published] };
for (const [index, family] of ["v4", "v6"].entries()) {
  const [gateway = "", ownAddress = "", loopback = ""] = [
    gateways[index],
    addresses.ct1[index],
    ["127.0.0.1", "::1"][index],
  ];
  const to = (name: string, args: linuxnet.ExpectArgs) => new linuxnet.Expect(`${name}, ${family}`, args, all);
  to("gateway", { from: ct2.netns, to: gateway });
  to("straight", { from: ct2.netns, to: ownAddress, port: 80 });
  to("published, on the host", { from: "host", to: loopback, port: hostPort });
  to("published, from ct2", { from: ct2.netns, to: gateway, port: hostPort });
  to("published, from ct1 itself", { from: ct1.netns, to: gateway, port: hostPort });
  to("loopback of ct2", { from: ct2.netns, to: loopback, port: hostPort, reachable: false });
}
// The rest depends on where this host stands: addresses and names of the world, a machine beyond the uplink.
for (const to of config.getObject<string[]>("world") ?? [])
  new linuxnet.Expect(`to ${to}`, { from: ct1.netns, to }, all);
const outside = config.getObject<linuxnet.ExpectFrom>("outside");
for (const to of outside ? addresses.ct1 : [])
  new linuxnet.Expect(`no way in to ${to}`, { from: outside ?? {}, to, port: 80, reachable: false }, all);

export const urls = published.map(({ url }) => url);
