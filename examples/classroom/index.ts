// The same lab on every host of a list:
//
//   pulumi config set --path 'hosts[0].host' pc1
//   pulumi config set --path 'hosts[0].user' root
//   pulumi config set --path 'hosts[1].host' pc2
//   pulumi config set --path --secret 'hosts[1].password' ...
//   pulumi up --continue-on-error
//
// A host that is down fails alone: the others stand, and a later `up` completes it.
import * as pulumi from "@pulumi/pulumi";
import * as linuxnet from "pulumi-linuxnet";

const config = new pulumi.Config();
const hosts = config.requireSecretObject<linuxnet.ConnectionArgs[]>("hosts");
const names = (config.getObject<{ host: string }[]>("hosts") ?? []).map(({ host }) => host);
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

/** Where each host's page is. */
export const pages = Object.fromEntries(
  names.map((host, index) => [
    host,
    lab(
      host,
      hosts.apply((all) => all[index] ?? {}),
    ),
  ]),
);
