import { describe, expect } from "vitest";
import { sh } from "../../provider/kernel/command.ts";
import { iptablesChanges, iptablesFact, iptablesTeardown } from "../../provider/kernel/iptables.ts";
import { localnetOffStep, localnetStep } from "../../provider/kernel/iptables-localnet.ts";
import { publishRules } from "../../provider/kernel/iptables-publish.ts";
import { forwardRules, natRules } from "../../provider/kernel/iptables-rules.ts";
import { readSave } from "../../provider/kernel/iptables-save.ts";
import { test } from "../support/test.ts";
import { apply, converge, destroy, get, look, makeLab } from "./iptables-lab.ts";

const nat = "linuxnet:p/s/NatRule/out@01234567";
const web = "linuxnet:p/s/PortPublish/web@01234567";
const rule = (name: string) => `linuxnet:p/s/ForwardRule/${name}@01234567`;

const masquerade = { type: "masquerade", source: "172.18.0.0/16", outInterface: "up0" } as const;
const publish = {
  hostPort: 8080,
  targetAddress: "172.18.0.11",
  targetPort: 80,
  targetDevice: "br0",
  gatewayAddress: "172.18.0.1/16",
};
const world = "http://203.0.113.1:7000/";

describe.each(["nft", "legacy"] as const)("iptables-%s", (backend) => {
  for (const policy of ["ACCEPT", "DROP"]) {
    test(`masquerade and publish with FORWARD ${policy}`, async ({ machine }) => {
      await makeLab(machine, backend);
      await machine.sh(`iptables -P FORWARD ${policy}`);
      await machine.baseline();
      expect(await get(machine, world, "ct1", "nothing")).toBe("nothing");
      await converge(machine, nat, natRules(masquerade));
      expect(await get(machine, world, "ct1")).toBe("203.0.113.2");

      await converge(machine, web, publishRules(publish));
      await apply(machine, web, [localnetStep("br0", web)]);
      for (const url of ["http://203.0.113.2:8080/", "http://172.18.0.1:8080/"])
        for (const from of ["host", "ct1", "ct2"] as const) expect(await get(machine, url, from)).not.toBe("nothing");
      expect(await get(machine, "http://203.0.113.2:8080/", "world")).toBe("203.0.113.1");
      expect(await get(machine, "http://203.0.113.2:8080/", "ct2")).toBe("172.18.0.1");
      expect(await get(machine, "http://127.0.0.1:8080/")).toBe("172.18.0.1");

      await machine.world("ip route add 172.18.0.0/16 via 203.0.113.2");
      expect(await get(machine, "http://172.18.0.11/", "world", "nothing")).toBe("nothing");
      expect(await get(machine, "http://172.18.0.11/", "ct2")).toBe("172.18.0.12");

      await apply(machine, web, [localnetOffStep("br0", web)]);
      await destroy(machine, web);
      expect(await get(machine, "http://203.0.113.2:8080/", "world", "nothing")).toBe("nothing");
      await destroy(machine, nat);
    });
  }

  test("dnat for one address, and masquerade of what comes in by one link", async ({ machine }) => {
    await makeLab(machine, backend);
    await machine.sh("iptables -P FORWARD DROP");
    await machine.baseline();
    const to = { toAddress: "172.18.0.11", toPorts: 80, protocol: "tcp" } as const;
    const five = { type: "dnat", destination: "203.0.113.2/32", destinationPorts: 5000, ...to } as const;
    await converge(machine, web, natRules(five));
    expect(await get(machine, "http://203.0.113.2:5000/", "world")).toBe("203.0.113.1");
    expect(await get(machine, "http://203.0.113.2:5000/")).toBe("203.0.113.2");
    await converge(machine, web, natRules({ ...five, destination: undefined, destinationPorts: "6000-6001" }));
    expect(await get(machine, "http://203.0.113.2:6001/", "world")).toBe("203.0.113.1");
    expect(await get(machine, "http://203.0.113.2:5000/", "world", "nothing")).toBe("nothing");
    await converge(machine, nat, natRules({ type: "masquerade", inInterface: "br0", outInterface: "up0" }));
    expect(await get(machine, world, "ct1")).toBe("203.0.113.2");
    await converge(machine, nat, natRules({ ...masquerade, type: "snat", toAddress: "203.0.113.2" }));
    expect(await get(machine, world, "ct1")).toBe("203.0.113.2");
    await destroy(machine, nat);
    await destroy(machine, web);
  });

  test("what is not published is reached where a ForwardRule says so", async ({ machine }) => {
    await makeLab(machine, backend);
    await machine.world("ip route add 172.18.0.0/16 via 203.0.113.2");
    const straight = "http://172.18.0.11/";
    expect(await get(machine, straight, "world")).toBe("203.0.113.1");
    await converge(machine, nat, natRules({ ...masquerade, outInterface: undefined, notOutInterface: "br0" }));
    expect(await get(machine, straight, "world", "nothing")).toBe("nothing");
    const accept = { action: "accept", destination: "172.18.0.11/32", protocol: "tcp", destinationPorts: 80 } as const;
    await converge(machine, rule("b"), forwardRules(accept));
    expect(await get(machine, straight, "world")).toBe("203.0.113.1");
    await converge(machine, rule("c"), forwardRules({ action: "reject", source: "203.0.113.0/24", states: ["new"] }));
    expect(await get(machine, straight, "world")).toBe("203.0.113.1");
    await converge(machine, rule("a"), forwardRules({ action: "drop", source: "203.0.113.0/24", states: ["new"] }));
    expect(await get(machine, straight, "world", "nothing")).toBe("nothing");
    await converge(machine, rule("a"), forwardRules({ action: "drop", source: "203.0.113.0/24", priority: 1 }));
    expect(await get(machine, straight, "world")).toBe("203.0.113.1");
    for (const name of ["a", "b", "c"]) await destroy(machine, rule(name));
    await destroy(machine, nat);
  });

  test("IPv6, and the refusal of ::1", async ({ machine }) => {
    await makeLab(machine, backend);
    const target = { ...publish, targetAddress: "fd00:18::11", gatewayAddress: "fd00:18::1/64", localhost: false };
    await converge(machine, nat, natRules({ ...masquerade, source: ["172.18.0.0/16", "fd00:18::/64"] }));
    await converge(machine, web, publishRules(target));
    expect(await get(machine, "http://[2001:db8:203::1]:7000/", "ct1")).toBe("2001:db8:203::2");
    expect(await get(machine, "http://[2001:db8:203::2]:8080/", "world")).toBe("2001:db8:203::1");
    expect(await get(machine, "http://[2001:db8:203::2]:8080/")).toBe("2001:db8:203::2");
    expect(await get(machine, "http://[2001:db8:203::2]:8080/", "ct2")).toBe("fd00:18::1");
    expect(() => publishRules({ ...target, localhost: true })).toThrow("::1");
    await destroy(machine, web);
    await destroy(machine, nat);
  });

  test("a publish on 127.0.0.1 is for this host alone", async ({ machine }) => {
    await makeLab(machine, backend);
    await converge(machine, web, publishRules({ ...publish, hostAddress: "127.0.0.1" }));
    await apply(machine, web, [localnetStep("br0", web)]);
    expect(await get(machine, "http://127.0.0.1:8080/")).toBe("172.18.0.1");
    await machine.sh(
      "ip -n ct2 route add 127.0.0.1/32 via 172.18.0.1 table local; ip -n ct2 route del local 127.0.0.0/8 table local; ip -n ct2 route del local 127.0.0.1 table local || :",
    );
    await machine.sh("ip netns exec ct2 sh -c 'echo 1 >/proc/sys/net/ipv4/conf/all/route_localnet'");
    for (const from of ["world", "ct2"] as const) {
      expect(await get(machine, "http://203.0.113.2:8080/", from, "nothing")).toBe("nothing");
      expect(await get(machine, "http://127.0.0.1:8080/", from, "nothing")).toBe("nothing");
    }
    await apply(machine, web, [localnetOffStep("br0", web)]);
    await destroy(machine, web);
    await machine.sh("ip netns exec ct2 sh -c 'echo 0 >/proc/sys/net/ipv4/conf/all/route_localnet'");
    await machine.sh(
      "ip -n ct2 link set lo down; ip -n ct2 link set lo up; ip -n ct2 route del 127.0.0.1/32 via 172.18.0.1 table local || :",
    );
  });

  test("drift is seen and repaired, and others' rules stay", async ({ machine }) => {
    await makeLab(machine, backend);
    await machine.sh(
      "iptables -A FORWARD -p udp -j ACCEPT; iptables -t nat -A POSTROUTING -s 10.9.0.0/16 -j MASQUERADE",
    );
    await machine.baseline();
    const wanted = natRules(masquerade);
    await converge(machine, nat, wanted);
    await machine.sh("iptables -t nat -F LINUXNET-POST");
    expect(await converge(machine, nat, wanted)).toEqual([expect.stringContaining("is missing in LINUXNET-POST")]);
    await machine.sh("iptables -I FORWARD -j ACCEPT");
    expect(await converge(machine, nat, wanted)).toEqual([expect.stringContaining("does not come first in FORWARD")]);
    await machine.sh("iptables -D FORWARD -j ACCEPT; iptables -t nat -D POSTROUTING 2");
    expect(await converge(machine, nat, wanted)).toEqual([expect.stringContaining("is not reached from POSTROUTING")]);
    const [first] = (await machine.sh("iptables -S LINUXNET-FWD")).split("\n").slice(1);
    await machine.sh(`iptables ${first}`);
    expect(await converge(machine, nat, wanted)).toEqual([expect.stringContaining("is out of place")]);
    await machine.sh(
      `iptables -R LINUXNET-FWD 1 ${`${first}`.replace("-A LINUXNET-FWD", "").replace("172.18.0.0/16", "172.18.0.0/15")}`,
    );
    expect(await converge(machine, nat, wanted)).toHaveLength(2);
    await converge(machine, nat, natRules({ ...masquerade, source: "172.18.0.0/17" }));
    await destroy(machine, nat);
  });
});

describe("what iptables-nft makes by itself", () => {
  const wanted = natRules(masquerade);

  test("goes with our last rule, also where there is no nft", async ({ machine }) => {
    await machine.sh("mount --bind /dev/null /usr/sbin/nft");
    await converge(machine, nat, wanted);
    await converge(machine, rule("a"), forwardRules({ action: "drop" }));
    await destroy(machine, nat);
    expect(await machine.sh("iptables -S FORWARD")).toContain("LINUXNET-FWD");
    await destroy(machine, rule("a"));
    await machine.sh("umount /usr/sbin/nft");
  });

  test("stays when another uses it by then, or has had it before", async ({ machine }) => {
    await machine.sh("iptables -A INPUT -p udp -j ACCEPT; ip6tables -P FORWARD DROP");
    await machine.baseline();
    await converge(machine, rule("a"), forwardRules({ action: "drop", families: [4, 6] }));
    await destroy(machine, rule("a"));
    await machine.expectClean();
    await converge(machine, nat, wanted);
    await machine.sh("iptables -t nat -A PREROUTING -p udp -j ACCEPT");
    await destroy(machine, nat);
    expect(await machine.sh("iptables-save -t nat")).toContain("-A PREROUTING -p udp -j ACCEPT");
    await machine.sh("nft delete table ip nat");
  });

  test("goes after a run that was cut off between chain and rule", async ({ machine }) => {
    const changes = iptablesChanges({ owner: nat }, wanted, await look(machine));
    const hooks = changes.flatMap(({ steps }) => steps).filter(({ what }) => what.startsWith("hook"));
    await apply(machine, nat, hooks);
    await destroy(machine, nat);
  });

  test("goes when a later step fails", async ({ machine }) => {
    const steps = iptablesChanges({ owner: nat }, wanted, await look(machine)).flatMap((change) => change.steps);
    const failing = { what: "fail", do: sh("exit 3") };
    await expect(apply(machine, nat, [...steps, failing])).rejects.toThrow('"left":[]');
  });
});

test("two owners at once, in a namespace, and looked at without privileges", async ({ machine }) => {
  await machine.sh("ip netns add box");
  await machine.baseline();
  const host = machine.host;
  const facts = { rules: iptablesFact(4, "box") };
  const { rules } = await host.observe(facts);
  const names = ["d", "a", "c", "b"];
  const steps = (name: string) =>
    iptablesChanges({ owner: rule(name) }, forwardRules({ action: "accept", source: "10.0.0.0/8" }), [rules]);
  await Promise.all(
    names.map((name) =>
      apply(
        machine,
        rule(name),
        steps(name).flatMap((change) => change.steps),
      ),
    ),
  );
  const listed = await machine.sh("ip netns exec box iptables -S LINUXNET-FWD");
  expect([...listed.matchAll(/ForwardRule\/(.)@/g)].map(([, name]) => name)).toEqual(["a", "b", "c", "d"]);
  expect(await machine.sh("iptables-save")).toBe("");
  for (const name of names) {
    const now = await host.observe(facts);
    await apply(machine, rule(name), iptablesTeardown({ owner: rule(name) }, [now.rules]));
  }
  const gone = await host.observe({ rules: iptablesFact(4, "nobox") });
  expect(iptablesTeardown({ owner: nat }, [gone.rules])).toEqual([]);
  const denied = await machine.exec("setpriv --reuid 65534 --clear-groups iptables-save");
  const view = readSave(denied, 4);
  expect(() => iptablesTeardown({ owner: nat }, [view])).toThrow("you must be root");
});
