import { describe, expect } from "vitest";
import { sh } from "../../provider/kernel/command.ts";
import { failEverywhere, stepsOf } from "../support/faults.ts";
import type { Machine } from "../support/machine.ts";
import { make, Subject } from "../support/subject.ts";
import { test } from "../support/test.ts";

const serving = {
  command: ["python3", "-m", "http.server", "80"],
  cwd: "/usr/share/common-licenses",
  ready: { tcp: 80 },
};

const shop = {
  networks: { shop: { subnet: "10.5.0.0/24" }, inner: { internal: true } },
  containers: {
    web: { network: "shop", publish: ["8080:80", "127.0.0.1:8081:80"], ...serving },
    client: { network: ["shop", "inner"], links: { server: "web" } },
    side: { netns: "web" },
    lost: { network: "inner" },
  },
  expect: [
    { from: "client", to: "server", port: 80 },
    { from: "web", to: "203.0.113.1" },
    { from: "lost", to: "203.0.113.1", reachable: false },
  ],
};

type Containers = Record<string, { netns: string; addresses: string[]; gateway: string }>;
const containersOf = (lab: Subject) => lab.outputs.containers as Containers;

async function links(machine: Machine): Promise<Record<string, number>> {
  const all = JSON.parse(await machine.sh("ip -j link show")) as { ifname: string; ifindex: number }[];
  return Object.fromEntries(all.map(({ ifname, ifindex }) => [ifname, ifindex]));
}

describe("a lab", () => {
  test("is made whole, works, and is gone after", async ({ machine }) => {
    const lab = await make(machine, "Lab", "lab", shop);
    const { web, client, side } = containersOf(lab);
    expect(web).toMatchObject({ addresses: ["10.5.0.3/24"], gateway: "10.5.0.1" });
    expect(side?.netns).toBe(web?.netns);
    expect(client?.addresses).toHaveLength(2);
    expect(await machine.world("curl -s -m 3 http://203.0.113.2:8080/")).toContain("Directory listing");
    expect(await machine.sh("curl -s -m 3 http://127.0.0.1:8081/")).toContain("Directory listing");
    expect(await lab.refresh()).toEqual([]);
    expect((await lab.up(shop)).changes).toBe(false);
    await lab.destroy();
  });

  test("ports that are published no more lose their flows, in one look for all; the others' go on", async ({
    machine,
  }) => {
    const one = { network: "shop", ...serving };
    const labOf = (publish: string[]) => ({ networks: shop.networks, containers: { web: { ...one, publish } } });
    const lab = await make(machine, "Lab", "lab", labOf(["8080:80", "8081:80", "8082:80"]));
    const flowsTo = (port: number) => machine.sh(`conntrack -L 2>/dev/null | grep -c ' dport=${port} ' || :`);
    for (const port of [8080, 8081, 8082]) {
      expect(await machine.world(`curl -s -m 3 http://203.0.113.2:${port}/`)).toContain("Directory listing");
      expect(await flowsTo(port)).toBe("1");
    }
    await lab.up(labOf(["8080:80"]));
    expect(await Promise.all([8080, 8081, 8082].map(flowsTo))).toEqual(["1", "0", "0"]);
    await lab.destroy();
    expect(await flowsTo(8080)).toBe("0");
  });

  test("is repaired object by object; what nobody touched goes on", async ({ machine }) => {
    const quiet = { ...shop, expect: [] };
    const lab = await make(machine, "Lab", "lab", quiet);
    const { client, web } = containersOf(lab);
    const before = await links(machine);
    await machine.sh(`ip netns del ${client?.netns}; ip -n ${web?.netns} link set eth0 mtu 1400`);
    await machine.sh("nft delete element inet linuxnet all4 '{ tcp . 8080 }'");
    await lab.refresh();
    const drift = (lab.outputs.drift as string[]).join("\n");
    expect(drift).toContain(`containers.client: namespace ${client?.netns} is missing`);
    expect(drift).toContain("containers.web.publish[0]: nftables rules are missing or changed");
    expect(drift).not.toContain("containers.lost");
    await lab.up(quiet);
    expect(await lab.refresh()).toEqual([]);
    expect(containersOf(lab)).toMatchObject({ client: { addresses: client?.addresses } });
    const after = await links(machine);
    const own = (name: string) => name.startsWith("web") || name.startsWith("lost") || name.startsWith("shop");
    for (const [name, index] of Object.entries(before).filter(([one]) => own(one))) expect(after[name]).toBe(index);
    await lab.destroy();
  });

  test("tells what drifted of a network by its property", async ({ machine }) => {
    const lab = await make(machine, "Lab", "lab", { networks: { shop: { bridgeName: "shop0" } } });
    await machine.sh("ip link set shop0 mtu 1400");
    expect(await lab.refresh()).toEqual(["networks"]);
    expect(lab.outputs.networks).toMatchObject({ shop: { mtu: 1400 } });
    await lab.up({ networks: { shop: { bridgeName: "shop0" } } });
    expect(await machine.sh("cat /sys/class/net/shop0/mtu")).toBe("1500");
    await lab.destroy();
  });

  test("changes what changes, and nothing else", async ({ machine }) => {
    const lab = await make(machine, "Lab", "lab", { ...shop, expect: [] });
    const before = await links(machine);
    const { lost: _gone, ...containers } = shop.containers;
    const more = { ...containers, web: { ...containers.web, publish: ["8082:80"] }, added: { network: "shop" } };
    await lab.up({ networks: shop.networks, containers: more });
    expect(await machine.world("curl -s -m 3 http://203.0.113.2:8082/")).toContain("Directory listing");
    await expect(machine.world("curl -s -m 2 http://203.0.113.2:8080/")).rejects.toThrow();
    expect(await lab.refresh()).toEqual([]);
    const after = await links(machine);
    const stays = Object.entries(before).filter(([name]) => !name.startsWith("lost"));
    for (const [name, index] of stays) expect([name, after[name]]).toEqual([name, index]);
    expect(Object.keys(after).filter((name) => name.startsWith("lost"))).toEqual([]);
    await lab.destroy();
  });

  test("makes again what a change needs and was taken away, though it did not change itself", async ({ machine }) => {
    const containers = { web: { network: "shop" }, client: { network: "shop" } };
    const lab = await make(machine, "Lab", "lab", { networks: shop.networks, containers });
    const bridge = (lab.outputs.networks as Record<string, { bridgeName: string }>).shop?.bridgeName;
    await machine.sh(`ip link del ${bridge}`);
    const more = { ...containers, added: { network: "shop" } };
    await lab.up({ networks: shop.networks, containers: more });
    const { added, web } = containersOf(lab);
    await machine.sh(`ip netns exec ${added?.netns} ping -c 1 -W 2 ${web?.addresses[0]?.split("/")[0]}`);
    expect(await lab.refresh()).toEqual([]);
    await lab.destroy();
  });

  test("moves to another bridge, and a port to another container", async ({ machine }) => {
    const two = { network: "shop", ...serving };
    const lab = await make(machine, "Lab", "lab", {
      networks: { shop: { subnet: "10.5.0.0/24", bridgeName: "one0" } },
      containers: { a: { ...two, publish: ["8080:80"] }, b: two },
    });
    const pid = await machine.sh("pgrep -x python3 | sort");
    await lab.up({
      networks: { shop: { subnet: "10.5.0.0/24", bridgeName: "two0" } },
      containers: { a: two, b: { ...two, publish: ["8080:80"] } },
    });
    expect(await machine.sh("pgrep -x python3 | sort")).toBe(pid);
    expect(await machine.world("curl -s -m 3 http://203.0.113.2:8080/")).toContain("Directory listing");
    expect(await links(machine)).not.toHaveProperty("one0");
    expect(await lab.refresh()).toEqual([]);
    await lab.destroy();
  });

  test("that cannot be made whole is taken back whole", async ({ machine }) => {
    const wrong = { ...shop.containers, bad: { network: "shop", sysctls: { "net.ipv4.no_such": "1" } } };
    await expect(make(machine, "Lab", "lab", { ...shop, containers: wrong })).rejects.toThrow("The host is as it was");
    await machine.expectClean();
    const holds = { ...shop, expect: [{ from: "web", to: "lost", within: "1s" }] };
    await expect(make(machine, "Lab", "lab", holds)).rejects.toThrow("expect[0]: ");
    await machine.expectClean();
  });

  test("stays when something does not hold after a change", async ({ machine }) => {
    const lab = await make(machine, "Lab", "lab", shop);
    const holds = { ...shop, expect: [{ from: "web", to: "lost", within: "1s" }] };
    await expect(lab.up(holds)).rejects.toThrow("What was set stands");
    expect(await machine.world("curl -s -m 3 http://203.0.113.2:8080/")).toContain("Directory listing");
    await lab.destroy();
  });

  test("leaves alone what stands under a name of its own", async ({ machine }) => {
    await machine.sh("ip link add shop0 type bridge");
    await machine.baseline();
    const lab = { networks: { shop: { bridgeName: "shop0" } }, containers: { a: { network: "shop" } } };
    await expect(make(machine, "Lab", "lab", lab)).rejects.toThrow("networks.shop: a link shop0 is there already");
    await machine.expectClean();
  });

  test("is taken up by a program that has lost its state", async ({ machine }) => {
    const lab = await make(machine, "Lab", "lab", { ...shop, expect: [] });
    const before = await links(machine);
    lab.forget();
    await lab.up({ ...shop, expect: [] });
    expect(await links(machine)).toEqual(before);
    await lab.destroy();
  });

  test("resolves names, and gives a container its files", async ({ machine }) => {
    const lab = await make(machine, "Lab", "lab", {
      networks: { chat: { subnet: "10.6.0.0/24", dns: { domain: "lab.example" } } },
      containers: {
        ann: { network: "chat" },
        bob: { network: "chat", aliases: ["robert"], dnsSearch: ["example.org"] },
      },
    });
    const ann = containersOf(lab).ann?.netns;
    expect(await machine.sh(`ip netns exec ${ann} getent hosts robert`)).toContain("10.6.0.3");
    expect(await machine.sh(`ip netns exec ${ann} getent hosts bob.chat`)).toContain("10.6.0.3");
    expect(await lab.refresh()).toEqual([]);
    await lab.destroy();
  });
});

describe("a small lab", () => {
  const small = { networks: { net: { subnet: "10.7.0.0/24" } }, containers: { a: { network: "net" } } };

  test("that was cut off is made whole by the next up", async ({ machine }) => {
    const lab = new Subject(machine, "Lab", "lab");
    const steps = await stepsOf(machine, "Lab", lab, small);
    const cut = { what: "be cut off", do: sh("pkill -9 -P $$; kill -9 $$") };
    const options = { owner: lab.sealed, onFailure: "undo" } as const;
    for (const count of [4, steps.length - 5]) {
      await machine.host.apply([...steps.slice(0, count), cut, ...steps.slice(count)], options, {});
      await lab.up(small);
      expect(await lab.refresh()).toEqual([]);
      await lab.destroy();
      await machine.expectClean();
    }
  });

  test("that fails at any step is taken back", async ({ machine }) => {
    expect(await failEverywhere(machine, "Lab", "lab", small)).toBeGreaterThan(15);
  });
});
