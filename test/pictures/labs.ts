const serving = `{ command: ["python3", "-m", "http.server", "80"], cwd: "/usr/share/common-licenses", ready: { tcp: 80 } }`;

/** A shop: a published web server and its client, and a database in a network without a way out. */
export const three = `
import * as linuxnet from "pulumi-linuxnet";
const shop = new linuxnet.Network("shop", { subnet: "10.5.0.0/24", dns: true });
const inner = new linuxnet.Network("inner", { subnet: "10.6.0.0/24", internal: true });
const web = new linuxnet.Container("web", { network: [shop, inner], publish: ["8080:80"], ...${serving} });
const client = new linuxnet.Container("client", { network: shop });
const db = new linuxnet.Container("db", { network: inner });
new linuxnet.Expect("page", { from: client, to: web, port: 80 }, { dependsOn: [web, client] });
new linuxnet.Expect("closed", { from: client, to: db, reachable: false }, { dependsOn: [client, db] });
`;

/** The shop of a week later: the client is gone, a cache has come, and the port is another. */
export const changed = three
  .replace('"8080:80"', '"8088:80"')
  .replace(/^new linuxnet.Expect.*$/gm, "")
  .replace(/^const client.*$/m, 'new linuxnet.Container("cache", { network: inner });');

/** Two classrooms. */
export const thirty = `
import * as linuxnet from "pulumi-linuxnet";
const names = (from, count) => Array.from({ length: count }, (_, index) => from + "-" + (index + 1));
const room = (network, count) => Object.fromEntries(names(network, count).map((name) => [name, { network }]));
const containers = { ...room("red", 18), ...room("blue", 12) };
containers["red-1"] = { network: "red", publish: ["8080:80"], ...${serving} };
containers["blue-1"] = { network: "blue", publish: ["8081:80"], ...${serving} };
new linuxnet.Lab("school", {
  networks: { red: { subnet: "10.7.0.0/24", dns: true }, blue: { subnet: "10.8.0.0/24" } },
  containers,
  expect: [{ from: "red-2", to: "red-1", port: 80 }, { from: "blue-2", to: "blue-1", port: 80 }],
});
`;
