// What a distance to the host multiplies: how often something is sent and awaited. Counted by the session.
import { expect } from "vitest";
import type { Hosts, LabHost } from "../support/hosts.ts";
import { test, within } from "../support/hosts-test.ts";
import { Subject } from "../support/subject.ts";

const twenty = Array.from({ length: 20 }, (_, index) => `lab${index}`);

/** Twenty bridges in the hands of one provider process, all at once. */
async function bridges(host: LabHost): Promise<Subject[]> {
  const subjects = twenty.map((name) => new Subject(host, "Bridge", name));
  await Promise.all(
    subjects.map((subject, index) => subject.up({ name: twenty[index], addresses: [`10.9.${index}.1/24`] })),
  );
  return subjects;
}

async function trips(host: LabHost, work: () => Promise<unknown>): Promise<number> {
  const before = host.host.session.roundTrips;
  await work();
  return host.host.session.roundTrips - before;
}

const single: Record<string, Record<string, unknown>> = {
  Netns: { name: "blue" },
  Bridge: { name: "lab0", addresses: ["10.9.0.1/24"] },
  VethPair: { name: "v0", addresses: ["10.9.1.1/24"], peer: { name: "v1", netns: "red" } },
  NatRule: { type: "masquerade", source: "10.9.0.0/24", outInterface: "ens3" },
  ForwardRule: { action: "drop", source: "10.9.0.0/24" },
  PortPublish: { hostPort: 8080, targetAddress: "10.9.9.2", targetPort: 80 },
  ResolvConf: { netns: "red", nameservers: ["10.9.0.1"] },
};

for (const [kind, args] of Object.entries(single)) {
  test(`creating one ${kind} costs at most two round trips`, async ({ start }) => {
    const lab = await start();
    const [host] = lab.hosts as [LabHost];
    await host.sh(
      "ip netns add red; ip link add fixed0 type bridge; ip addr add 10.9.9.1/24 dev fixed0; ip link set fixed0 up",
    );
    await host.baseline();
    const subject = new Subject(host, kind, "one");
    expect(await trips(host, () => subject.up(args))).toBeLessThanOrEqual(2);
    expect(await trips(host, () => subject.refresh())).toBe(1);
    expect(await trips(host, () => subject.destroy())).toBeLessThanOrEqual(2);
  });
}

test("twenty independent resources cost at most six round trips in all", async ({ start }) => {
  const lab = await start();
  const [host] = lab.hosts as [LabHost];
  let subjects: Subject[] = [];
  expect(await trips(host, async () => (subjects = await bridges(host)))).toBeLessThanOrEqual(6);
  expect(await trips(host, () => Promise.all(subjects.map((subject) => subject.refresh())))).toBeLessThanOrEqual(2);
  expect(await trips(host, () => Promise.all(subjects.map((subject) => subject.destroy())))).toBeLessThanOrEqual(6);
});

/** How often someone has logged in to the host. */
const logins = (host: LabHost) => host.sh("grep -c '^Accepted publickey for ' /var/log/sshd.log || :").then(Number);

test("MaxSessions 1: twenty resources need one session and one log-in", async ({ start }) => {
  const lab = await start();
  const [host] = lab.hosts as [LabHost];
  await host.restartSshd("MaxSessions 1\n");
  const subjects = await bridges(host);
  await Promise.all(subjects.map((subject) => subject.refresh()));
  await Promise.all(subjects.map((subject) => subject.destroy()));
  expect(await logins(host)).toBe(1);
});

/** Connects and does not log in: with MaxStartups 1:100:1 no one else can. */
async function occupy(lab: Hosts, host: LabHost): Promise<() => Promise<unknown>> {
  const pid = await lab.machine.spawn([
    "bash",
    "-c",
    `until { exec 3<>/dev/tcp/${host.address}/22; } 2>/dev/null && read -r <&3; do sleep 0.05; done; exec sleep 600`,
  ]);
  await lab.client(`until ss -Htn dst ${host.address} | grep -q ESTAB; do sleep 0.02; done`);
  return () => lab.machine.sh(`kill ${pid}`);
}

test("MaxStartups 1:100:1 with twenty resources waiting: they wait together, and get in", async ({ start }) => {
  const lab = await start();
  const [host] = lab.hosts as [LabHost];
  await host.restartSshd("MaxStartups 1:100:1\nLogLevel DEBUG\n");
  const leave = await occupy(lab, host);
  const up = bridges(host);
  await host.sh("until grep -q 'drop connection\\|beginning MaxStartups' /var/log/sshd.log; do sleep 0.02; done");
  await leave();
  const subjects = await within(60, "up", up);
  await Promise.all(subjects.map((subject) => subject.destroy()));
  expect(await logins(host)).toBe(1);
});

test("MaxStartups 1:100:1 and never free: one sentence for each, in time", async ({ start }) => {
  const lab = await start();
  const [host] = lab.hosts as [LabHost];
  await host.restartSshd("MaxStartups 1:100:1\n");
  const leave = await occupy(lab, host);
  const message = await within(
    60,
    "up",
    bridges(host).then(
      () => "no error",
      (error: Error) => error.message,
    ),
  );
  expect(message).toContain("on 10.99.0.1: the session could not be opened: it ended the connection before the log-in");
  await host.expectClean();
  await leave();
  const subjects = await bridges(host);
  await Promise.all(subjects.map((subject) => subject.destroy()));
});
