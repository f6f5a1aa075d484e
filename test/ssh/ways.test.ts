// Each way to a host that a connection can name, and that no start-up file or banner gets into the session's way.
import { expect } from "vitest";
import type { Connection } from "../../provider/kernel/connection.ts";
import type { Hosts, LabHost } from "../support/hosts.ts";
import { test } from "../support/hosts-test.ts";
import { Subject } from "../support/subject.ts";

interface Way {
  /** What is set up on the host or on the client side. */
  before?(lab: Hosts, host: LabHost): Promise<unknown>;
  /** Whether the host stands behind another one (default false). */
  jump?: boolean;
  through(lab: Hosts): Connection | Promise<Connection>;
}

const inner = "10.98.0.2";
const unknown = (lab: Hosts) => lab.machine.sh("rm /root/.ssh/known_hosts");
const noKey = (lab: Hosts) => lab.machine.sh("rm /root/.ssh/id_ed25519");

const ways: Record<string, Way> = {
  "the user's own key": { through: () => ({ user: "root" }) },
  "sudo without a password": { through: () => ({ user: "lab" }) },
  "sudo without a password, and one that is not needed": {
    through: () => ({ user: "lab", sudoPassword: "not needed" }),
  },
  "sudo as root": { through: () => ({ user: "root", sudo: true }) },
  "a password, for ssh and for sudo": { through: ({ keys }) => ({ user: "labpw", password: keys.password }) },
  "a password, with no key at all": {
    before: noKey,
    through: ({ keys }) => ({ user: "labpw", password: keys.password }),
  },
  "a password for sudo alone": {
    through: ({ keys }) => ({ user: "labpw", privateKey: keys.spare.text, sudoPassword: keys.password }),
  },
  "a key's text": { before: noKey, through: ({ keys }) => ({ user: "root", privateKey: keys.spare.text }) },
  "a key's text with the line ends of Windows": {
    before: noKey,
    through: ({ keys }) => ({ user: "root", privateKey: keys.spare.text.trimEnd().replaceAll("\n", "\r\n") }),
  },
  "a key with a passphrase": {
    before: noKey,
    through: ({ keys }) => ({ user: "lab", privateKey: keys.locked.text, privateKeyPassword: keys.passphrase }),
  },
  "the user's own key with a passphrase": {
    before: (lab) => lab.machine.sh(`cat ${lab.keys.locked.path} >/root/.ssh/id_ed25519`),
    through: ({ keys }) => ({ user: "lab", privateKeyPassword: keys.passphrase }),
  },
  "an agent": {
    before: noKey,
    through: async (lab) => ({
      user: "labpw",
      agentSocketPath: (await lab.agent(lab.keys.spare)).socket,
      sudoPassword: lab.keys.password,
    }),
  },
  "a pinned host key": { before: unknown, through: ({ keys }) => ({ user: "root", hostKey: keys.hosts[0] }) },
  "another port": {
    before: async (lab, host) => {
      await host.restartSshd("Port 2222\n");
      await lab.machine.sh("sed 's/10.99.0.1,/[10.99.0.1]:2222,/' -i /root/.ssh/known_hosts");
    },
    through: () => ({ user: "root", port: 2222 }),
  },
  "an alias of the user's ssh config": {
    before: (lab) => lab.configure("Host classroom\n  HostName 10.99.0.1\n  User lab\n  HostKeyAlias 10.99.0.1\n"),
    through: () => ({ host: "classroom" }),
  },
  "another ssh config": {
    before: (lab) => lab.machine.sh("printf 'Host other\\n HostName 10.99.0.1\\n User root\\n' >/media/lab/config"),
    through: () => ({ host: "other", sshConfigFile: "/media/lab/config" }),
  },
  "an ssh config that is in the way": {
    before: (lab) =>
      lab.configure(
        "Host *\n  RemoteCommand echo no\n  RequestTTY force\n  LogLevel DEBUG\n  ControlMaster auto\n  ControlPath /tmp/c-%C\n  StrictHostKeyChecking no\n  LocalForward 2222 localhost:22\n  ForwardAgent yes\n  PermitLocalCommand yes\n  LocalCommand echo local\n",
      ),
    through: () => ({ user: "root" }),
  },
  "a jump host": {
    jump: true,
    through: () => ({ host: inner, user: "root", proxy: { host: "10.99.0.1", user: "lab" } }),
  },
  "a jump host, both with passwords": {
    jump: true,
    before: noKey,
    through: ({ keys: { password } }) => ({
      host: inner,
      user: "labpw",
      password,
      proxy: { host: "10.99.0.1", user: "labpw", password },
    }),
  },
  "a jump host, both with keys and pinned": {
    jump: true,
    before: (lab) => Promise.all([noKey(lab), unknown(lab)]),
    through: ({ keys: { spare, locked, passphrase, hosts } }) => ({
      host: inner,
      user: "lab",
      privateKey: spare.text,
      hostKey: hosts[1],
      proxy: {
        host: "10.99.0.1",
        user: "labpw",
        privateKey: locked.text,
        privateKeyPassword: passphrase,
        hostKey: hosts[0],
      },
    }),
  },
  "a jump host of the user's ssh config": {
    jump: true,
    before: (lab) => lab.configure(`Host inner\n  HostName ${inner}\n  User root\n  ProxyJump root@10.99.0.1\n`),
    through: () => ({ host: "inner" }),
  },
};

async function lifecycle(lab: Hosts, connection: Connection, host: LabHost): Promise<void> {
  const all = { name: "lab0", addresses: ["10.9.0.1/24"], connection: { host: "10.99.0.1", ...connection } };
  const over = lab.reach(all.connection);
  const subject = new Subject(over, "Bridge", "lab0");
  await subject.up(all);
  expect(await host.sh("ip -o addr show lab0")).toContain("10.9.0.1/24");
  expect(await subject.refresh()).toEqual([]);
  await subject.up({ ...all, mtu: 1400 });
  await subject.destroy();
  over.host.session.close();
}

for (const [what, { before, jump = false, through }] of Object.entries(ways)) {
  test(`by ${what}`, async ({ start }) => {
    const lab = await start(jump ? 2 : 1, { jump });
    const [first] = lab.hosts as [LabHost];
    await before?.(lab, first);
    const connection = await through(lab);
    await lifecycle(lab, connection, lab.hosts.at(-1) as LabHost);
    // What was made for the secrets is gone with the session.
    const left = "ps -e -o comm= | grep -x 'ssh\\|ssh-add' || :";
    await lab.machine.sh(`for i in $(seq 100); do [ -z "$(${left})" ] || sleep 0.05; done`);
    expect(await lab.machine.sh(left)).toBe("");
  });
}

test("a banner, and start-up files that talk, change nothing", async ({ start }) => {
  const lab = await start();
  const [host] = lab.hosts as [LabHost];
  const noise =
    "echo 'hello out'; echo 'hello err' >&2; printf 'no line end'; alias ip=false; PATH=/nowhere; umask 077; cd /tmp";
  await host.exec(
    "for home in /root /home/*; do for file in .bashrc .profile .bash_profile .ssh/environment; do cat >$home/$file; done; done",
    `${noise}\n`,
  );
  await host.exec(
    "tee /etc/bash.bashrc /etc/profile.d/noise.sh >/root/.bashrc; cat /root/.bashrc >/root/.profile",
    `${noise}\n`,
  );
  await host.exec(
    "for home in /root /home/*; do cp /etc/bash.bashrc $home/.bashrc; printf 'echo rc; echo rc >&2\\n' >$home/.ssh/rc; done",
  );
  await host.exec(
    "cat >/etc/issue.net; cp /etc/issue.net /etc/motd",
    "linuxnet-00 0 0\nlast login: never\npassword:\n",
  );
  await host.restartSshd("Banner /etc/issue.net\nPrintMotd yes\n");
  for (const connection of [{ user: "root" }, { user: "lab" }, { user: "labpw", password: lab.keys.password }])
    await lifecycle(lab, connection, host);
});

test("hosts side by side: the same resource on each, by one provider", async ({ start }) => {
  const lab = await start(3);
  await Promise.all(lab.hosts.map((host) => lifecycle(lab, { host: host.address, user: "lab" }, host)));
});
