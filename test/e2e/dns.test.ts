// Networks that resolve names, as a program of a user: containers come and go while others ask.
import { expect } from "vitest";
import { asked, worldResolver } from "../kernel/dns-lab.ts";
import { succeeded } from "../support/stack.ts";
import { test } from "../support/test.ts";

const program = (more: string) => `
import * as linuxnet from "pulumi-linuxnet";
const shop = new linuxnet.Network("shop", { subnets: ["10.5.0.0/24", "fd00:5::/64"], dns: { domain: "lab.example" } });
const inner = new linuxnet.Network("inner", { subnet: "10.6.0.0/24", internal: true, dns: true });
const other = new linuxnet.Network("other", { subnet: "10.7.0.0/24", dns: true });
const web = new linuxnet.Container("web", {
  network: shop, hostname: "front", aliases: ["www", "all"],
  command: ["python3", "-m", "http.server", "80"], ready: { tcp: 80 },
});
const client = new linuxnet.Container("client", { network: [shop, inner], aliases: ["all"] });
const vault = new linuxnet.Container("vault", { network: inner });
const far = new linuxnet.Container("far", { network: other });
const own = new linuxnet.Container("own", { network: shop, dns: ["203.0.113.1"] });
${more}
new linuxnet.Expect("by name", { from: client, to: "web", port: 80 }, { dependsOn: [web, client] });
export const names = Object.fromEntries(Object.entries({ web, client, vault, far, own }).map(([name, { netns }]) => [name, netns]));
export const v6 = web.addresses.apply((all) => all[1].split("/")[0]);
`;
const added = 'new linuxnet.Container("added", { network: shop, aliases: ["all"] });';

test("containers know each other by name while others come and go, and no question is lost", async ({
  machine,
  open,
}) => {
  await worldResolver(machine);
  await machine.sh("echo 'nameserver 203.0.113.1' >/etc/resolv.conf");
  await machine.baseline();
  const stack = await open(program(""));
  succeeded(await stack.up());
  const { names, v6 } = (await stack.outputs()) as { names: Record<string, string>; v6: string };
  const look = (who: string, question: string) =>
    machine.sh(`ip netns exec ${names[who]} getent ${question} | awk '{ print $1 }' | sort -u | tr '\n' ' '`);
  expect(await look("client", "ahostsv4 web")).toBe("10.5.0.2");
  expect(await look("client", "ahostsv6 WWW.shop")).toBe(v6);
  expect(await look("client", "ahostsv4 front.lab.example")).toBe("10.5.0.2");
  expect(await look("client", "ahostsv4 up.test")).toBe("192.0.2.7");
  // Its resolver knows the first network; the names of the second one are in its hosts file.
  expect(await look("client", "ahostsv4 vault")).toMatch(/^10\.6\.0\.\d+$/);
  expect(await look("own", "ahostsv4 up.test")).toBe("192.0.2.7");
  for (const [who, question] of [
    ["far", "web"],
    ["vault", "web"],
    ["vault", "up.test"],
    ["own", "web"],
  ] as const)
    await expect(look(who, `ahostsv4 ${question}`)).resolves.toBe("");
  const before = (await asked(machine)).length;
  await machine.sh(`ip netns exec ${names.vault} getent ahosts nosuch.example || :`);
  expect((await asked(machine)).length).toBe(before);

  await machine.sh(
    `ip netns exec ${names.client} sh -c 'n=0 bad=0; until [ -e /run/enough ]; do n=$((n+1)); [ "$(dig +tries=1 +time=2 +short web.shop A)" = 10.5.0.2 ] || bad=$((bad+1)); done; echo $n $bad >/run/count' </dev/null >/dev/null 2>&1 &`,
  );
  const pid = await machine.sh("pgrep -of 'dnsmasq.*=10.5.0.1 '");
  stack.write(program(added));
  succeeded(await stack.up());
  expect(await machine.sh(`ip netns exec ${names.client} dig +short all A | wc -l`)).toBe("3");
  stack.write(program(""));
  succeeded(await stack.up());
  expect(await machine.sh(`ip netns exec ${names.client} dig +short all A | wc -l`)).toBe("2");
  await machine.sh("touch /run/enough; until [ -s /run/count ]; do sleep 0.05; done");
  const [count, bad] = (await machine.sh("cat /run/count")).split(" ").map(Number);
  expect(count).toBeGreaterThan(10);
  expect(bad).toBe(0);
  expect(await machine.sh("pgrep -of 'dnsmasq.*=10.5.0.1 '")).toBe(pid);
  succeeded(await stack.preview("--expect-no-changes"));
  succeeded(await stack.destroy());
  await machine.expectClean();
});
