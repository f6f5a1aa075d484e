// A host that cannot be reached, is another one, or has started anew: what refresh, destroy and up make of it.
import { afterEach, expect, vi } from "vitest";
import type { LabHost } from "../support/hosts.ts";
import { test, within } from "../support/hosts-test.ts";
import { Subject } from "../support/subject.ts";

const args = { name: "lab0", addresses: ["10.9.0.1/24"] };
const told = (work: Promise<unknown>) =>
  within(
    60,
    "the answer",
    work.then(
      () => "no error",
      (error: Error) => error.message,
    ),
  );

/** A bridge on the first host; the session with it is over. */
async function madeOn(host: LabHost) {
  const connection = { ...host.login };
  const subject = new Subject(host, "Bridge", "lab0");
  await subject.up({ ...args, connection });
  host.host.session.close();
  return { subject, all: { ...args, connection } };
}

afterEach(() => void vi.unstubAllEnvs());

test("unreachable at refresh is an error and no deletion; at destroy, it says how to forget the host", async ({
  start,
}) => {
  const lab = await start();
  const [host] = lab.hosts as [LabHost];
  const { subject } = await madeOn(host);
  await host.stopSshd();
  for (const work of [subject.refresh(), subject.destroy()]) {
    const message = await told(work);
    expect(message).toContain('Bridge "lab0" on 10.99.0.1: ');
    expect(message).toContain("it refuses the connection");
    expect(message).toContain("LINUXNET_FORGET_HOST=10.99.0.1 makes refresh and destroy forget what was there.");
    expect(message).not.toContain("\n");
  }
  expect(subject.exists).toBe(true);
  await host.restartSshd();
  expect(await subject.refresh()).toEqual([]);
  await subject.destroy();
});

test("a session that was lost while nothing ran is opened again", async ({ start }) => {
  const lab = await start();
  const [host] = lab.hosts as [LabHost];
  const subject = new Subject(host, "Bridge", "lab0");
  await subject.up(args);
  await host.cutConnections();
  expect(await subject.refresh()).toEqual([]);
  await host.restartSshd();
  await host.cutConnections();
  await subject.up({ ...args, mtu: 1400 });
  expect(await host.sh("cat /sys/class/net/lab0/mtu")).toBe("1400");
  await host.cutConnections();
  await subject.destroy();
});

test("a lost host is forgotten on purpose, and only by its name", async ({ start }) => {
  const lab = await start();
  const [host] = lab.hosts as [LabHost];
  const { subject, all } = await madeOn(host);
  await host.stopSshd();
  vi.stubEnv("LINUXNET_FORGET_HOST", "10.99.0.2");
  expect(await told(subject.refresh())).toContain("it refuses the connection");
  vi.stubEnv("LINUXNET_FORGET_HOST", "10.99.0.1");
  expect(await subject.refresh()).toBe("gone");
  await host.restartSshd();
  await subject.up(all);
  vi.unstubAllEnvs();
  await subject.destroy();
});

test("another machine behind the same address is refused, until the old one is forgotten", async ({ start }) => {
  const lab = await start();
  const [host] = lab.hosts as [LabHost];
  const { subject, all } = await madeOn(host);
  await host.kill();
  await host.boot("0123456789abcdef0123456789abcdef");
  await host.baseline();
  for (const work of [() => subject.refresh(), () => subject.up({ ...all, mtu: 1400 }), () => subject.destroy()]) {
    const message = await told(work());
    expect(message).toContain('Bridge "lab0" on 10.99.0.1: ');
    expect(message).toContain("another machine");
    expect(message).toContain("LINUXNET_FORGET_HOST=10.99.0.1");
  }
  expect(subject.exists).toBe(true);
  await host.expectClean();
  vi.stubEnv("LINUXNET_FORGET_HOST", "10.99.0.1");
  expect(await subject.refresh()).toBe("gone");
  vi.unstubAllEnvs();
  await subject.up(all);
  await subject.destroy();
});

test("a host that was rebooted has lost what stood on it, and up builds it again", async ({ start }) => {
  const lab = await start();
  const [host] = lab.hosts as [LabHost];
  const { subject, all } = await madeOn(host);
  await host.kill();
  await host.boot();
  await host.baseline();
  expect(await subject.refresh()).toBe("gone");
  await subject.up(all);
  expect(await subject.refresh()).toEqual([]);
  await subject.destroy();
});

test("a reboot under an open session is found out", async ({ start }) => {
  const lab = await start();
  const [host] = lab.hosts as [LabHost];
  const subject = new Subject(host, "Bridge", "lab0");
  await subject.up(args);
  await host.kill();
  await host.boot();
  await host.baseline();
  expect(await within(60, "refresh", subject.refresh())).toBe("gone");
  await subject.up(args);
  await subject.destroy();
});
