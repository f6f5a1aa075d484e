import { describe, expect } from "vitest";
import { cutEverywhere, failEverywhere } from "../support/faults.ts";
import { make, Subject } from "../support/subject.ts";
import { test } from "../support/test.ts";

const sysctls = { "net.ipv4.ip_unprivileged_port_start": "80", "net.ipv6.conf.all.forwarding": "1" };
const args = { name: "blue", sysctls };

describe("a namespace", () => {
  test("is made with its owner, settings and lo, told in the outputs, and gone after", async ({ machine }) => {
    const blue = await make(machine, "Netns", "blue", args);
    const inode = Number(await machine.sh("stat -L -c %i /run/netns/blue"));
    expect(blue.outputs).toMatchObject({ name: "blue", path: "/run/netns/blue", inode, loopback: true, sysctls });
    expect(await machine.sh("ip -n blue -j link show lo")).toContain(`"ifalias":"${blue.sealed}"`);
    expect(await machine.sh("ip netns exec blue ping -c 1 -W 1 ::1")).toContain("1 received");
    expect(await machine.sh("ip netns exec blue cat /proc/sys/net/ipv4/ip_unprivileged_port_start")).toBe("80");
    expect(await blue.refresh()).toEqual([]);
    expect(blue.preview(args)).toEqual({ changes: false, properties: [], replaces: [] });
    await blue.destroy();
  });

  test("is taken up by a program that has lost its state, and not made anew", async ({ machine }) => {
    const first = await make(machine, "Netns", "blue", args);
    const again = await make(machine, "Netns", "blue", args);
    expect(again.outputs).toEqual(first.outputs);
    await again.destroy();
  });

  test("without lo, and with lo taken down again", async ({ machine }) => {
    const blue = await make(machine, "Netns", "blue", { name: "blue", loopback: false });
    expect(await machine.sh("ip -n blue -o link show lo")).toContain("state DOWN");
    await machine.sh("ip -n blue link set lo up");
    expect(await blue.refresh()).toEqual(["loopback"]);
    expect(await blue.up({ name: "blue", loopback: false })).toMatchObject({ properties: ["loopback"], replaces: [] });
    expect(await machine.sh("ip -n blue -o link show lo")).toContain("state DOWN");
    await blue.destroy();
  });

  test("leaves the mount of /run/netns as it was found, and names of others", async ({ machine }) => {
    await machine.sh("ip netns add other");
    await machine.baseline();
    const blue = await make(machine, "Netns", "blue", args);
    await blue.destroy();
  });

  test("leaves the mount to another that came meanwhile", async ({ machine }) => {
    const blue = await make(machine, "Netns", "blue", args);
    await machine.sh("ip netns add other");
    await blue.destroy();
    expect(await machine.sh("ip netns list")).toContain("other");
    await machine.sh("ip netns del other");
    const red = await make(machine, "Netns", "red", { name: "red" });
    await red.destroy();
    await machine.sh("umount /run/netns 2>/dev/null; rmdir /run/netns 2>/dev/null; rm -rf /run/linuxnet");
  });

  test("renamed is another one; a change of a setting is made in place", async ({ machine }) => {
    const blue = await make(machine, "Netns", "blue", args);
    const { inode } = blue.outputs;
    const changed = { ...args, sysctls: { ...sysctls, "net.ipv4.ip_unprivileged_port_start": "0" } };
    expect(await blue.up(changed)).toEqual({ changes: true, properties: ["sysctls"], replaces: [] });
    expect(blue.outputs.inode).toBe(inode);
    expect(await blue.up({ name: "red" })).toMatchObject({ replaces: ["name"] });
    expect(await machine.sh("ip netns list")).toBe("red");
    await blue.destroy();
  });
});

describe("drift", () => {
  test("of a setting is told with its value, and repaired alone", async ({ machine }) => {
    const blue = await make(machine, "Netns", "blue", args);
    await machine.sh("ip netns exec blue sh -c 'echo 99 >/proc/sys/net/ipv4/ip_unprivileged_port_start'");
    expect(await blue.refresh()).toEqual(["sysctls"]);
    expect(blue.outputs.sysctls).toEqual({ ...sysctls, "net.ipv4.ip_unprivileged_port_start": "99" });
    expect(await blue.up(args)).toMatchObject({ changes: true, properties: ["sysctls"] });
    expect(await machine.sh("ip netns exec blue cat /proc/sys/net/ipv4/ip_unprivileged_port_start")).toBe("80");
    await blue.destroy();
  });

  test("to nothing is told as gone, and made anew", async ({ machine }) => {
    const blue = await make(machine, "Netns", "blue", args);
    await machine.sh("ip netns del blue");
    expect(await blue.refresh()).toBe("gone");
    await blue.up(args);
    expect(await blue.refresh()).toEqual([]);
    await blue.destroy();
  });

  test("of the owner's mark by hand is no reason to touch it", async ({ machine }) => {
    const blue = await make(machine, "Netns", "blue", args);
    await machine.sh("ip -n blue link set lo alias 'mine now'");
    expect(await blue.refresh()).toBe("gone");
    await expect(blue.up(args)).rejects.toThrow(/namespace blue is there already/);
    await machine.sh("ip netns del blue; umount /run/netns; rmdir /run/netns; rm -r /run/linuxnet");
  });
});

describe("a namespace of another's", () => {
  test("is refused and untouched, and taken over with adopt, and released", async ({ machine }) => {
    await machine.sh("ip netns add blue; ip -n blue link add dum type bridge");
    await machine.baseline();
    const blue = new Subject(machine, "Netns", "blue");
    await expect(blue.up(args)).rejects.toThrow(
      /^Netns "blue" on the machine: namespace blue is there already and nothing of linuxnet's owns it\. Nothing was changed\. .*adopt: true/,
    );
    await machine.expectClean();
    await blue.up({ name: "blue", loopback: false, adopt: true });
    expect(await blue.refresh()).toEqual([]);
    await blue.destroy();
  });

  test("that belongs to another program of ours is refused, also with adopt, and named", async ({ machine }) => {
    const other = await make(machine, "Netns", "other", { name: "blue" });
    const blue = new Subject(machine, "Netns", "blue");
    const owner = /belongs to linuxnet:test\/dev\/Netns\/other@[0-9a-f]{8}/;
    await expect(blue.up({ name: "blue", adopt: true })).rejects.toThrow(owner);
    await other.destroy();
  });
});

describe("a namespace named by pid", () => {
  test("belongs to its process: only the name comes and goes", async ({ machine }) => {
    const pid = await machine.spawn(["unshare", "--net", "sleep", "1000"]);
    await machine.sh(
      `until [ "$(readlink /proc/${pid}/ns/net)" != "$(readlink /proc/self/ns/net)" ]; do sleep 0.01; done`,
    );
    await machine.baseline();
    const box = await make(machine, "Netns", "box", { name: "box", pid });
    const inode = Number(await machine.sh(`stat -L -c %i /proc/${pid}/ns/net`));
    expect(box.outputs).toMatchObject({ inode, pid });
    expect(await machine.sh("ip -n box -j link show lo")).not.toContain("ifalias");
    expect(await box.refresh()).toEqual([]);
    await box.destroy();
    await machine.expectClean();
    await machine.sh(`kill ${pid}`);
    await machine.baseline();
  });

  test("whose process is gone is still ours to take away", async ({ machine }) => {
    const pid = await machine.spawn(["unshare", "--net", "sleep", "1000"]);
    await machine.sh(
      `until [ "$(readlink /proc/${pid}/ns/net)" != "$(readlink /proc/self/ns/net)" ]; do sleep 0.01; done`,
    );
    const box = await make(machine, "Netns", "box", { name: "box", pid });
    await machine.sh(`kill ${pid}; while [ -d /proc/${pid} ]; do sleep 0.01; done`);
    expect(await box.refresh()).not.toBe("gone");
    await box.destroy();
  });

  test("of no process is refused", async ({ machine }) => {
    const box = new Subject(machine, "Netns", "box");
    await expect(box.up({ name: "box", pid: 999_999 })).rejects.toThrow("there is no process 999999");
  });

  test("that is the host's own is refused", async ({ machine }) => {
    const pid = await machine.spawn(["sleep", "1000"]);
    await machine.baseline();
    const box = new Subject(machine, "Netns", "box");
    await expect(box.up({ name: "box", pid })).rejects.toThrow(
      `process ${pid} has no network namespace of its own: it is in the host's. Nothing was changed.`,
    );
    await machine.expectClean();
    await machine.sh(`kill ${pid}; while [ -d /proc/${pid} ]; do sleep 0.01; done`);
    await machine.baseline();
  });
});

describe("whatever happens half-way:", () => {
  test("a script that is cut off after any step is resumed, and leaves nothing", async ({ machine }) => {
    expect(await cutEverywhere(machine, "Netns", "blue", args)).toBeGreaterThanOrEqual(4);
  });

  test("a script that fails after any step leaves nothing", async ({ machine }) => {
    expect(await failEverywhere(machine, "Netns", "blue", args)).toBeGreaterThanOrEqual(4);
  });

  test("a setting that the kernel refuses takes the namespace away again", async ({ machine }) => {
    const bad = { name: "blue", sysctls: { "net.ipv4.ip_unprivileged_port_start": "many" } };
    await expect(make(machine, "Netns", "blue", bad)).rejects.toThrow(
      /cannot set .*: .*Invalid argument\. The host is as it was/,
    );
  });

  test("a setting that the kernel refuses takes those before it back", async ({ machine }) => {
    const blue = await make(machine, "Netns", "blue", args);
    const bad = { "net.ipv4.ip_unprivileged_port_start": "0", "net.ipv6.conf.all.forwarding": "many" };
    await expect(blue.up({ ...args, sysctls: bad })).rejects.toThrow(/Invalid argument\. The host is as it was/);
    expect(await blue.refresh()).toEqual([]);
    await blue.destroy();
  });

  test("a setting that the kernel does not have takes the namespace away again", async ({ machine }) => {
    const bad = { name: "blue", sysctls: { "net.ipv4.no_such": "1" } };
    await expect(make(machine, "Netns", "blue", bad)).rejects.toThrow(/net\.ipv4\.no_such/);
  });

  test("deleting what is not there is a success", async ({ machine }) => {
    const blue = await make(machine, "Netns", "blue", args);
    await machine.sh("ip netns del blue");
    await blue.destroy();
    const never = new Subject(machine, "Netns", "never");
    await never.destroyAs({ name: "never", loopback: true });
  });

  test("a full disk is told, with nothing done", async ({ machine }) => {
    await machine.sh("mount -o remount,size=40k /run; dd if=/dev/zero of=/run/fill bs=1k 2>/dev/null; :");
    await machine.baseline();
    await expect(make(machine, "Netns", "blue", args)).rejects.toThrow(
      /No space left.*The host is as it was\. Free some space/,
    );
    await machine.expectClean();
    await machine.sh("rm /run/fill; mount -o remount,size=100% /run");
    await machine.baseline();
  });
});
