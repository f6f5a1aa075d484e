// A session that ends while something runs: the host finishes or takes back by itself, and the next look finds how it is.
import { expect } from "vitest";
import { stepDeadline } from "../../provider/host/batches.ts";
import type { LabHost } from "../support/hosts.ts";
import { test, within } from "../support/hosts-test.ts";
import { Subject } from "../support/subject.ts";

const bridge = { name: "lab0", addresses: ["10.9.0.1/24"] };
const cable = {
  name: "v0",
  addresses: ["10.9.1.1/24"],
  impairment: { rate: "10mbit" },
  peer: { name: "v1", netns: "blue" },
};

/** Holds each change that a tool of the host is to make: it begins, waits for the word, then does it or what the word is. */
async function hold(host: LabHost, tool: "ip" | "tc"): Promise<void> {
  const text = `#!/bin/sh
case " $* " in *" -j "* | *" show "*) ;; *)
  : >/tmp/begun
  until [ -e /tmp/go ]; do sleep 0.02; done
  . /tmp/go ;;
esac
exec /sbin/${tool} "$@"
`;
  await host.exec(`cat >/usr/local/sbin/${tool}; chmod 755 /usr/local/sbin/${tool}`, text);
}

const begun = (host: LabHost) => host.sh("until [ -e /tmp/begun ]; do sleep 0.02; done");
const go = (host: LabHost, word = ":") => host.sh(`echo '${word}' >/tmp/go`);
const free = (host: LabHost) => host.sh("rm -f /usr/local/sbin/ip /usr/local/sbin/tc /tmp/begun /tmp/go");

/** Waits until no script runs on the host any more. */
const settled = (host: LabHost) => host.sh("flock -w 60 /var/cache/ldconfig true");

test("a connection that is cut mid-script is opened again, and what stands is taken up", async ({ start }) => {
  const lab = await start();
  const [host] = lab.hosts as [LabHost];
  const subject = new Subject(host, "Bridge", "lab0");
  await hold(host, "ip");
  const up = subject.up(bridge);
  await begun(host);
  await host.cutConnections();
  await go(host);
  await within(60, "up", up);
  await free(host);
  expect(await subject.refresh()).toEqual([]);
  await subject.destroy();
});

test("sshd gone mid-script: the script runs to its end, and the next up finds its work", async ({ start }) => {
  const lab = await start();
  const [host] = lab.hosts as [LabHost];
  const subject = new Subject(host, "Bridge", "lab0");
  await hold(host, "ip");
  const up = subject.up(bridge).catch((error: Error) => error.message);
  await begun(host);
  await host.stopSshd();
  await host.cutConnections();
  await go(host);
  const message = await within(60, "up", up);
  expect(message).toContain('Bridge "lab0" on 10.99.0.1: ');
  expect(message).toContain("it refuses the connection");
  await settled(host);
  const made = await host.sh("cat /sys/class/net/lab0/ifindex");

  await free(host);
  await host.restartSshd();
  await subject.up(bridge);
  expect(await host.sh("cat /sys/class/net/lab0/ifindex")).toBe(made);
  expect(await subject.refresh()).toEqual([]);
  await subject.destroy();
});

test("sshd gone mid-script: what fails then is taken back without the client", async ({ start }) => {
  const lab = await start();
  const [host] = lab.hosts as [LabHost];
  await host.sh("ip netns add blue");
  await host.baseline();
  const subject = new Subject(host, "VethPair", "cable");
  await hold(host, "tc");
  const up = subject.up(cable).catch((error: Error) => error.message);
  await begun(host);
  expect(await host.sh("ip -o link show v0")).toContain("v0");
  await host.stopSshd();
  await host.cutConnections();
  await within(60, "up", up);
  await go(host, "echo injected >&2; exit 1");
  await settled(host);
  await free(host);
  await host.expectClean();

  await host.restartSshd();
  await subject.up(cable);
  expect(await subject.refresh()).toEqual([]);
  await subject.destroy();
});

test("the client gone mid-script: the script runs to its end", async ({ start }) => {
  const lab = await start();
  const [host] = lab.hosts as [LabHost];
  const subject = new Subject(host, "Bridge", "lab0");
  await hold(host, "ip");
  const up = subject.up(bridge).catch((error: Error) => error.message);
  await begun(host);
  await lab.dropPackets(0);
  host.host.session.close();
  await go(host);
  await settled(host);
  expect(await host.sh("ip -o addr show lab0")).toContain("10.9.0.1/24");
  await free(host);
  await host.passPackets();
  await within(60, "up", up);
  await subject.up(bridge);
  expect(await subject.refresh()).toEqual([]);
  await subject.destroy();
});

test("a step that hangs meets its deadline, and all is taken back", async ({ start }) => {
  const lab = await start();
  const [host] = lab.hosts as [LabHost];
  await host.sh("ip netns add blue");
  await host.baseline();
  const subject = new Subject(host, "VethPair", "cable");
  await hold(host, "tc");
  const up = subject.up(cable).catch((error: Error) => error.message);
  const message = await within(stepDeadline * 6, "up", up);
  expect(message).toContain('VethPair "v0" on 10.99.0.1: cannot ');
  expect(message).toContain("it did not end within its deadline");
  expect(message).toContain(
    "All before it is taken back. How far it came is not known: a note of it stays under /run/linuxnet",
  );
  expect(await host.sh("ip -o link show type veth")).not.toContain("v0");
  // The kernel may do yet what a tool was ended in: the note of what that can be stays until the next attempt.
  expect(await host.sh("cat /run/linuxnet/claims/*")).toBe("link:v0");
  await free(host);
  await subject.up(cable);
  await subject.destroy();
});

test("a power loss mid-script: an error in time, and up builds on the empty host", async ({ start }) => {
  const lab = await start();
  const [host] = lab.hosts as [LabHost];
  const subject = new Subject(host, "Bridge", "lab0");
  await hold(host, "ip");
  const up = subject.up(bridge).catch((error: Error) => error.message);
  await begun(host);
  await host.kill();
  const message = await within(60, "up", up);
  expect(message).toContain('Bridge "lab0" on 10.99.0.1: ');
  expect(message).toContain("How far that came is not known; the next operation looks.");
  expect(message).not.toContain("Nothing was changed.");
  await host.boot();
  await host.baseline();
  await subject.up(bridge);
  expect(await subject.refresh()).toEqual([]);
  await subject.destroy();
});

test("a full disk is told, and nothing is changed", async ({ start }) => {
  const lab = await start();
  const [host] = lab.hosts as [LabHost];
  await host.sh("mount -o remount,size=1m /run; cat /dev/zero >/run/fill 2>/dev/null || :");
  await host.baseline();
  const subject = new Subject(host, "Bridge", "lab0");
  const message = await within(
    30,
    "up",
    subject.up(bridge).catch((error: Error) => error.message),
  );
  expect(message).toContain('Bridge "lab0" on 10.99.0.1: ');
  expect(message).toContain("No space left on device");
  expect(message).toContain("Free some space");
  expect(message).not.toContain("\n");
  await host.expectClean();
  await host.sh("rm /run/fill");
  await subject.up(bridge);
  await subject.destroy();
});
