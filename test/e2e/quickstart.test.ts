// `npm start` and `npm run down` as a user calls them: the page from everywhere, drift and its repair, other ports and subnets.
import { describe, expect } from "vitest";
import { cloneTest as test } from "../support/clone.ts";
import { differing, identities } from "../support/identity.ts";
import { type Machine, machineAddress, worldAddress } from "../support/machine.ts";
import { fetched, reaches } from "../support/probes.ts";
import { expectQuickstart, page, quickstart } from "../support/quickstart.ts";
import { succeeded } from "../support/stack.ts";
import { Transfer } from "../support/transfer.ts";

const hash = (machine: Machine) => machine.sh("sha256sum /etc/resolv.conf");

describe("the quickstart", () => {
  test("comes up with `npm start`, answers from everywhere, and goes with `npm run down`", async ({
    machine,
    clone,
  }) => {
    const resolvConf = await hash(machine);

    const { stdout } = succeeded(await clone.run("npm", "start"));
    expect(stdout).toMatch(/^container +address +reaches gateway +reaches the other +published at$/m);
    expect(stdout).toMatch(/^ct1 +10\.88\.77\.11 +yes +yes +http:\/\/127\.0\.0\.1:8080\/$/m);
    expect(stdout).toMatch(/^ct2 +10\.88\.77\.12 +yes +yes$/m);
    await expectQuickstart(machine);
    expect(await hash(machine)).toBe(resolvConf);
    expect(await machine.sh("ip netns exec lab-ct1 cat /etc/resolv.conf")).toContain("nameserver 1.1.1.1");

    const preview = succeeded(await clone.pulumi("preview", "--diff", "--expect-no-changes"));
    expect(preview.stdout).toMatch(/^Resources:\n {4}14 unchanged$/m);

    const before = await identities(machine);
    const second = succeeded(await clone.start());
    expect(second.stdout).toMatch(/^Resources:\n {4}14 unchanged$/m);
    expect(differing(before, await identities(machine))).toEqual([]);

    succeeded(await clone.run("npm", "run", "down"));
    await machine.expectClean();
    expect(clone.hasState).toBe(false);
    expect((await clone.down()).stdout).toBe("Nothing is up.\n");
  });

  test("drift is told by property and repaired, what it spared runs on; another checkout removes it", async ({
    machine,
    clone,
  }) => {
    succeeded(await clone.start());
    const before = await identities(machine);
    const inside = await Transfer.begin(machine, "host", "lab-ct1", "10.88.77.11", 9001);
    const outward = await Transfer.begin(machine, "lab-ct1", "world", worldAddress, 9002);

    await machine.sh("ip link set lab0 mtu 1400; ip netns del lab-ct2");
    const { stdout } = succeeded(await clone.pulumi("refresh", "--yes", "--skip-preview", "--diff"));
    expect(stdout).toMatch(/Bridge: \(update\)\n(?: {8}.*\n)+ {6}~ mtu +: 1500 => 1400\n(?: {8}.*\n)+/);
    expect(stdout).toMatch(/- pulumi-nodejs:dynamic\/linuxnet:Netns: \(delete\)\n.*\n.*Netns::ct2/);
    await inside.goesOn();

    succeeded(await clone.start());
    await inside.goesOn();
    await outward.goesOn();
    expect(differing(before, await identities(machine))).toEqual([
      "link lab-ct2",
      "link lab-ct2/eth0",
      "netns lab-ct2",
    ]);
    await expectQuickstart(machine);
    succeeded(await clone.pulumi("preview", "--diff", "--expect-no-changes"));

    await inside.end();
    await outward.end();
    clone.move();
    succeeded(await clone.down());
    await machine.expectClean();
    expect(clone.hasState).toBe(false);
  });
});

describe("a setting of the quickstart", () => {
  test("is asked for where the default is taken, and can be changed on a lab that is up", async ({
    machine,
    clone,
  }) => {
    await machine.sh(
      "ip link add other0 type bridge; ip link set other0 addrgenmode none; ip addr add 10.88.77.254/24 dev other0; ip link set other0 up",
    );
    const holder = await machine.spawn(["python3", "-m", "http.server", "8080"]);
    await machine.sh("until ss -Htln sport = :8080 | grep -q .; do sleep 0.02; done");
    await machine.baseline();

    const occupied = await clone.start();
    expect(occupied.code).not.toBe(0);
    expect(occupied.stdout).toContain(
      "the subnet of 10.88.77.1/24 overlaps 10.88.77.0/24, which this host uses on other0. Nothing was changed. Choose another subnet",
    );

    const busy = await clone.start("--config", "subnet=10.99.7.32/27");
    expect(busy.code).not.toBe(0);
    expect(busy.stdout).toContain(`port 8080/tcp is in use by python3 (pid ${holder})`);
    expect(busy.stdout).toContain("`pulumi config set port 8081`");

    succeeded(await clone.start("--config", "port=8081"));
    const first = { ...quickstart, port: 8081, server: "10.99.7.43", gateway: "10.99.7.33" };
    await expectQuickstart(machine, first);
    const before = await identities(machine);

    const { stdout } = succeeded(await clone.start("--config", "port=8082", "--config", "subnet=10.99.8.0/24"));
    expect(stdout).not.toMatch(/replac|\bdelet/);
    expect(differing(before, await identities(machine))).toEqual([]);
    await expectQuickstart(machine, { ...quickstart, port: 8082, server: "10.99.8.11", gateway: "10.99.8.1" });
    expect(await fetched(machine, "world", `http://${machineAddress}:8081/`, 1)).toBeUndefined();
    expect(await reaches(machine, "host", first.server, 1)).toBe(false);
    expect(await fetched(machine, "host", "http://127.0.0.1:8080/")).not.toBe(page);

    succeeded(await clone.down());
  });
});
