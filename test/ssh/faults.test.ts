// A session that cannot be opened: one sentence that names the host, in time, nothing on the host, and the next attempt works.
import { expect } from "vitest";
import type { Connection } from "../../provider/kernel/connection.ts";
import type { Hosts, LabHost } from "../support/hosts.ts";
import { test, within } from "../support/hosts-test.ts";
import { failures, Subject } from "../support/subject.ts";

interface Fault {
  /** What is wrong on the host or on the client side. */
  cause?(host: LabHost, lab: Hosts): Promise<unknown>;
  /** The connection, but for host and user (root). */
  through?(lab: Hosts): Connection;
  /** Whether the host cannot be looked at while it stands so (default false). */
  blind?: boolean;
  /** What the sentence says. */
  says: string[];
  /** What puts it right, on the host or on the client side. */
  mend?(host: LabHost, lab: Hosts): Promise<unknown>;
  /** The connection that works. */
  instead?(lab: Hosts): Connection;
}

const known = "/root/.ssh/known_hosts";
const hide = (tool: string) => (host: LabHost) =>
  host.sh(`for dir in /usr/bin /usr/sbin; do [ ! -e $dir/${tool} ] || mv $dir/${tool} $dir/${tool}.hidden; done`);
const show = (tool: string) => (host: LabHost) =>
  host.sh(
    `for dir in /usr/bin /usr/sbin; do [ ! -e $dir/${tool}.hidden ] || mv $dir/${tool}.hidden $dir/${tool}; done`,
  );
const strange = (type: string) => `ssh-keygen -q -t ${type} -N '' -f /media/lab/strange </dev/null`;

const faults: Record<string, Fault> = {
  "an unknown host name": {
    through: () => ({ host: "nosuch.invalid" }),
    says: ["there is no host of this name"],
    instead: () => ({}),
  },
  "sshd does not run": {
    cause: (host) => host.stopSshd(),
    says: ["it refuses the connection"],
    mend: (host) => host.restartSshd(),
  },
  "packets are dropped": {
    cause: (host) => host.dropPackets(),
    says: ["it does not answer"],
    mend: (host) => host.passPackets(),
  },
  "sshd is silent": {
    cause: async (host) => host.sh(`kill -STOP ${await host.sshdPid()}`),
    says: ["it does not answer"],
    mend: async (host) => host.sh(`kill -CONT ${await host.sshdPid()}`),
  },
  "an unknown host key": {
    cause: (_host, lab) => lab.machine.sh(`: >${known}`),
    says: ["its host key is not known", "Pin it with connection.hostKey"],
    instead: ({ keys }) => ({ hostKey: keys.hosts[0] }),
  },
  "an unknown host key, for a password": {
    cause: (_host, lab) => lab.machine.sh(`: >${known}`),
    through: ({ keys }) => ({ user: "labpw", password: keys.password }),
    says: ["its host key is not known", "Pin it with connection.hostKey"],
    instead: ({ keys }) => ({ user: "labpw", password: keys.password, hostKey: keys.hosts[0] }),
  },
  "a changed host key": {
    cause: (host, lab) =>
      lab.machine.sh(
        `${strange("ed25519")}; echo "${host.address} $(cut -d ' ' -f 1,2 /media/lab/strange.pub)" >${known}`,
      ),
    says: ["its host key is not the one that is known", "ssh-keygen -R"],
    instead: ({ keys }) => ({ hostKey: keys.hosts[0] }),
  },
  "a host key that is not the pinned one": {
    through: () => ({ hostKey: `ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAA${"I".padEnd(44, "A")}` }),
    says: ["its host key is not the one that is known", "connection.hostKey"],
    instead: ({ keys }) => ({ hostKey: keys.hosts[0] }),
  },
  "a wrong key": {
    through: ({ keys }) => ({ privateKey: keys.wrong.text }),
    says: ["it does not let this user in", "Check connection.user"],
    instead: ({ keys }) => ({ privateKey: keys.spare.text }),
  },
  "a wrong password": {
    through: () => ({ user: "labpw", password: "not this one" }),
    says: ["it does not let this user in", "Check connection.user"],
    instead: ({ keys }) => ({ user: "labpw", password: keys.password }),
  },
  "a key that is none": {
    through: () => ({
      privateKey: "-----BEGIN OPENSSH PRIVATE KEY-----\nnonsense\n-----END OPENSSH PRIVATE KEY-----\n",
    }),
    says: ["the private key cannot be read"],
    instead: ({ keys }) => ({ privateKey: keys.spare.text }),
  },
  "a key with a passphrase, and none given": {
    through: ({ keys }) => ({ privateKey: keys.locked.text }),
    says: ["the private key's passphrase is wrong or missing", "Set connection.privateKeyPassword"],
    instead: ({ keys }) => ({ privateKey: keys.locked.text, privateKeyPassword: keys.passphrase }),
  },
  "a wrong passphrase": {
    through: ({ keys }) => ({ privateKey: keys.locked.text, privateKeyPassword: "not this one" }),
    says: ["the private key's passphrase is wrong or missing"],
    instead: ({ keys }) => ({ privateKey: keys.locked.text, privateKeyPassword: keys.passphrase }),
  },
  "the user's own key with a passphrase": {
    cause: (_host, lab) => lab.machine.sh(`cat ${lab.keys.locked.path} >/root/.ssh/id_ed25519`),
    says: ["it does not let this user in"],
    instead: ({ keys }) => ({ privateKeyPassword: keys.passphrase }),
  },
  "no agent": {
    through: () => ({ agentSocketPath: "/tmp/linuxnet-no-agent" }),
    says: ["no ssh-agent listens at /tmp/linuxnet-no-agent", "Start the agent"],
    instead: () => ({}),
  },
  "sudo wants a password": {
    through: ({ keys }) => ({ user: "labpw", privateKey: keys.spare.text }),
    says: ["sudo wants a password", "Set connection.sudoPassword"],
    instead: ({ keys }) => ({ user: "labpw", privateKey: keys.spare.text, sudoPassword: keys.password }),
  },
  "a wrong password for sudo": {
    through: ({ keys }) => ({ user: "labpw", privateKey: keys.spare.text, sudoPassword: "not this one" }),
    says: ["sudo does not take the password"],
    instead: ({ keys }) => ({ user: "labpw", privateKey: keys.spare.text, sudoPassword: keys.password }),
  },
  "sudo is allowed for single tools": {
    through: () => ({ user: "labfew" }),
    says: ["sudo allows this user single tools only", "`labfew ALL=(root) NOPASSWD: /bin/sh`"],
    instead: () => ({ user: "lab" }),
  },
  "sudo is not allowed": {
    through: () => ({ user: "labno" }),
    says: ["sudo wants a password"],
    instead: () => ({ user: "lab" }),
  },
  "no sudo": {
    cause: hide("sudo"),
    through: () => ({ user: "lab" }),
    says: ["it has no sudo", "install sudo"],
    mend: show("sudo"),
  },
  "not root, and sudo is not wanted": {
    through: () => ({ user: "lab", sudo: false }),
    says: ["the session is not root's"],
    instead: () => ({ user: "lab" }),
  },
  "no ip": {
    cause: hide("ip"),
    blind: true,
    says: ["ip is missing", "apt-get install iproute2"],
    mend: show("ip"),
  },
  "not Linux": {
    cause: (host) => host.sh("echo 'echo FreeBSD' >/usr/local/sbin/uname; chmod 755 /usr/local/sbin/uname"),
    says: ["this is FreeBSD, not Linux"],
    mend: (host) => host.sh("rm /usr/local/sbin/uname"),
  },
  "a log-in that is refused by its shell": {
    cause: (host) => host.sh("sed -i 's|^\\(lab:.*\\):/bin/bash$|\\1:/usr/sbin/nologin|' /etc/passwd"),
    through: () => ({ user: "lab" }),
    says: ["the session could not be opened"],
    instead: () => ({ user: "root" }),
  },
};

for (const [what, { cause, blind = false, through, says, mend, instead }] of Object.entries(faults)) {
  test(what, async ({ start }) => {
    const lab = await start();
    const [host] = lab.hosts as [LabHost];
    const plain = { host: host.address, user: "root" };
    const args = { name: "lab0", addresses: ["10.9.0.1/24"] };
    const subject = (connection: Connection) => new Subject(lab.reach(connection), "Bridge", "lab0");

    await cause?.(host, lab);
    if (!blind) await host.baseline();
    const connection = { ...plain, ...through?.(lab) };
    const attempt = subject(connection);
    const error = await within(
      20,
      what,
      attempt.up({ ...args, connection }).catch((thrown: unknown) => thrown),
    );
    expect(error).toBeInstanceOf(Error);
    const { message } = error as Error;
    expect(message.startsWith(`Bridge "lab0" on ${connection.host}: `), message).toBe(true);
    for (const part of says) expect(message).toContain(part);
    expect(message).toContain("Nothing was changed.");
    expect(message).not.toContain("\n");
    expect(message.length).toBeLessThan(500);
    for (const secret of [lab.keys.password, lab.keys.passphrase, "not this one"])
      expect(message).not.toContain(secret);
    if (!blind) await host.expectClean();

    await mend?.(host, lab);
    if (blind) await host.expectClean();
    const better = { ...plain, ...(instead ?? through)?.(lab) };
    const next = instead ? subject(better) : attempt;
    await within(30, `after ${what}`, next.up({ ...args, connection: better }));
    expect(await host.sh("ip -o link show type bridge")).toContain("lab0");
    expect(await next.refresh()).toEqual([]);
    await next.destroy();
  });
}

test.for<[string, Connection | Record<string, unknown>]>([
  ["an option as host", { host: "-oProxyCommand=touch /tmp/x" }],
  ["an option as user", { host: "h1", user: "-oProxyCommand=touch /tmp/x" }],
  ["an option as a path", { host: "h1", sshConfigFile: "-F/tmp/x" }],
  ["a backslash at the end of a socket", { host: "h1", agentSocketPath: "/run/agent\\" }],
  ["an option as a socket", { host: "h1", agentSocketPath: "-oProxyCommand=x" }],
  ["an option as jump host", { host: "h1", proxy: { host: "-oProxyCommand=x" } }],
  ["a control character in the host", { host: "h1\nProxyCommand x" }],
  ["a control character in the user", { host: "h1", user: "ro\u0000ot" }],
  ["a control character in a path", { host: "h1", sshConfigFile: "/tmp/x\n" }],
  ["a command in the user", { host: "h1", user: "$(id)" }],
  ["a command in the host key", { host: "h1", hostKey: "ssh-ed25519 AAAA`id`" }],
  ["a line break in the password", { host: "h1", password: "a\nb" }],
  ["a port that is none", { host: "h1", port: 0 }],
])("%s is refused before anything runs", ([, connection]) => {
  const found = failures("Bridge", { name: "lab0", connection });
  expect(found.map(({ property }) => property.split(".")[0])).toEqual(["connection"]);
  expect(found[0]?.reason).not.toContain("\n");
});
