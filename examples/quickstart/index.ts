// Two containers on one bridge, a web server in the first, published on the host. Settings of the stack: `port` (default
// 8080) and `subnet` (default 10.88.77.0/24, at least a /27).
import * as pulumi from "@pulumi/pulumi";
import * as linuxnet from "pulumi-linuxnet";

const config = new pulumi.Config();
const hostPort = config.getNumber("port") ?? 8080;
const subnet = config.get("subnet") ?? "10.88.77.0/24";

const [network = "", prefix = "24"] = subnet.split("/");
const host = (number: number) => network.replace(/\d+$/, (last) => `${Number(last) + number}`);
const gateway = host(1);

const bridge = new linuxnet.Bridge("lab0", { name: "lab0", addresses: [`${gateway}/${prefix}`] });

const addresses = { ct1: host(11), ct2: host(12) };
const links = Object.entries(addresses).map(([name, address]) => {
  const netns = new linuxnet.Netns(name, { name: `lab-${name}` });
  new linuxnet.ResolvConf(name, {
    netns: netns.name,
    nameservers: config.getObject<string[]>("nameservers") ?? ["1.1.1.1"],
  });
  return new linuxnet.VethPair(name, {
    name: `lab-${name}`,
    bridge: bridge.name,
    // A container may reach itself by the published port: the packet goes out by the port that it came in by.
    hairpin: true,
    peer: { name: "eth0", netns: netns.name, addresses: [`${address}/${prefix}`], gateway },
  });
});

const out = new linuxnet.NatRule(
  "out",
  { type: "masquerade", source: subnet, outInterface: config.get("uplink") ?? "uplink" },
  { dependsOn: [bridge] },
);

const page = "Hello from ct1, a container made of a namespace and a cable.\n";
const server = new linuxnet.Process(
  "web",
  {
    netns: "lab-ct1",
    command: ["python3", "-u", "-c", serverProgram(page)],
    ready: { tcp: 80 },
  },
  { dependsOn: links },
);

const published = new linuxnet.PortPublish(
  "web",
  { hostPort, targetAddress: addresses.ct1, targetPort: 80 },
  { dependsOn: [bridge, server] },
);

// What must hold. An `up` fails, and a `preview` tells of it, when it does not.
const all = { dependsOn: [...links, out, published] };
new linuxnet.Expect("straight", { from: "lab-ct2", to: addresses.ct1, port: 80 }, all);
new linuxnet.Expect("published", { from: "host", to: "127.0.0.1", port: hostPort }, all);
// A namespace has a 127.0.0.1 of its own.
new linuxnet.Expect("of its own", { from: "lab-ct2", to: "127.0.0.1", port: hostPort, reachable: false }, all);

export const containers = Object.entries(addresses).map(([name, address]) => ({
  name,
  netns: `lab-${name}`,
  address,
  gateway,
}));
export const url = published.url;

/** A web server of the standard library that says one thing. */
function serverProgram(text: string): string {
  return [
    "from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer",
    "class Page(BaseHTTPRequestHandler):",
    "    def do_GET(self):",
    `        body = ${JSON.stringify(text)}.encode()`,
    "        self.send_response(200)",
    "        self.send_header('Content-Type', 'text/plain')",
    "        self.send_header('Content-Length', str(len(body)))",
    "        self.end_headers()",
    "        self.wfile.write(body)",
    "ThreadingHTTPServer(('', 80), Page).serve_forever()",
  ].join("\n");
}
