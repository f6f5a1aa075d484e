import { expect } from "vitest";
import type { Machine } from "../support/machine.ts";
import { make, Subject } from "../support/subject.ts";
import { test } from "../support/test.ts";

const args = { netns: "web", nameservers: ["10.0.0.1"] };
const path = "/etc/netns/web/resolv.conf";
const header = (more = "") =>
  expect.stringMatching(new RegExp(`^# linuxnet:test/dev/ResolvConf/dns@[0-9a-f]{8}${more} manages this file`));

async function lines(machine: Machine, file = path): Promise<string[]> {
  return (await machine.sh(`cat ${file}`)).split("\n");
}

test("files for a namespace that is not there, and no trace after", async ({ machine }) => {
  const dns = await make(machine, "ResolvConf", "dns", {
    ...args,
    search: ["lab.example", "example"],
    options: ["ndots:2"],
    hosts: { db: ["10.0.0.2", "fd00::2"], web: "10.0.0.3" },
  });
  expect(dns.outputs.path).toBe(path);
  expect(await lines(machine)).toEqual([
    header(),
    "nameserver 10.0.0.1",
    "search lab.example example",
    "options ndots:2",
  ]);
  expect((await lines(machine, "/etc/netns/web/hosts")).slice(3)).toEqual([
    "10.0.0.2 db",
    "fd00::2 db",
    "10.0.0.3 web",
  ]);
  expect(await machine.sh(`stat -c %a ${path} /etc/netns/web/hosts /etc/netns/web`)).toBe("644\n644\n755");
  expect(await dns.refresh()).toEqual([]);
  await machine.sh("rm -r /etc/netns");
  await dns.destroy();
});

test("files go with their resource", async ({ machine }) => {
  const dns = await make(machine, "ResolvConf", "dns", { ...args, hosts: {} });
  await dns.destroy();
});

test("a running program sees the change, and what is not the property's is told", async ({ machine }) => {
  await machine.sh("ip netns add web");
  const before = await machine.snapshot();
  const dns = await make(machine, "ResolvConf", "dns", { ...args, hosts: { db: "10.0.0.2" } });
  await machine.sh(
    "mkfifo /run/go; ip netns exec web sh -c 'cat /run/go; cat /etc/resolv.conf >/run/seen' >/dev/null 2>&1 &",
  );
  await expect.poll(() => machine.sh("grep -l cat /proc/[0-9]*/cmdline | wc -l")).not.toBe("0");
  expect((await dns.up({ ...args, nameservers: ["10.0.0.9"], hosts: { db: "10.0.0.2" } })).properties).toEqual([
    "nameservers",
  ]);
  await machine.sh("echo >/run/go; until grep -qs nameserver /run/seen; do sleep 0.05; done");
  expect(await machine.sh("cat /run/seen")).toContain("nameserver 10.0.0.9");

  await machine.sh(
    `sed -i 's/10.0.0.9/10.0.0.8/; $asearch evil' ${path}; sed -i s/10.0.0.2/10.0.0.3/ /etc/netns/web/hosts`,
  );
  expect(await dns.refresh()).toEqual(["hosts", "nameservers", "search"]);
  expect(dns.outputs).toMatchObject({ nameservers: ["10.0.0.8"], search: ["evil"], hosts: { db: "10.0.0.3" } });
  await dns.up({ ...args, hosts: { db: "10.0.0.2" } });
  expect(await dns.refresh()).toEqual([]);

  await machine.sh(`echo 'sortlist 10.0.0.0' >>${path}; chmod 600 /etc/netns/web/hosts`);
  expect(await dns.refresh()).toEqual(["drift"]);
  expect(dns.outputs.drift).toEqual([`${path} was edited: sortlist 10.0.0.0`, "/etc/netns/web/hosts has the mode 600"]);
  await dns.up(args);
  expect(await machine.sh("ls -A /etc/netns /etc/netns/web")).not.toContain("hosts");
  await dns.destroy();
  expect((await machine.snapshot()).files).toEqual(before.files);
  await machine.sh("rm /run/go /run/seen; ip netns del web; umount /run/netns; rmdir /run/netns");
});

test("a removed file is gone, and made again; a change of the namespace moves it", async ({ machine }) => {
  const dns = await make(machine, "ResolvConf", "dns", args);
  await machine.sh(`rm ${path}`);
  expect(await dns.refresh()).toBe("gone");
  await dns.up(args);
  expect((await dns.up({ ...args, netns: "other" })).replaces).toEqual(["netns"]);
  expect(await machine.sh("ls /etc/netns")).toBe("other");
  dns.forget();
  await dns.up({ ...args, netns: "other" });
  await machine.sh("rm -r /etc/netns/other");
  await dns.destroy();
});

test("a stranger's file is not touched, unless it is adopted: then it comes back as it was", async ({ machine }) => {
  await machine.sh(`mkdir -p /etc/netns/web; printf 'nameserver 1.2.3.4\\n\\377\\000x' >${path}; chmod 640 ${path}`);
  await machine.baseline();
  const before = await machine.sh(`stat -c '%i %a %Y' ${path}; sha256sum ${path}`);
  const dns = new Subject(machine, "ResolvConf", "dns");
  await expect(dns.up(args)).rejects.toThrow(
    /resolv.conf is there already and nothing of linuxnet's owns it.*adopt: true/,
  );
  await dns.up({ ...args, adopt: true, hosts: {} });
  expect((await lines(machine))[0]).toEqual(header("\\+adopted"));
  await dns.up({ ...args, adopt: true, nameservers: ["10.0.0.7"] });
  expect((await lines(machine))[0]).toEqual(header("\\+adopted"));

  const other = new Subject(machine, "ResolvConf", "other");
  await expect(other.up({ ...args, adopt: true })).rejects.toThrow(/belongs to linuxnet:test\/dev\/ResolvConf\/dns@/);
  await dns.destroy();
  expect(await machine.sh(`stat -c '%i %a %Y' ${path}; sha256sum ${path}`)).toBe(before);
});

test("the host's own file is not written through a link", async ({ machine }) => {
  await machine.sh(`mkdir -p /etc/netns/web; ln -s /etc/resolv.conf ${path}; ln -s /etc /etc/netns/evil`);
  await machine.baseline();
  const dns = new Subject(machine, "ResolvConf", "dns");
  await expect(dns.up({ ...args, adopt: true })).rejects.toThrow("is no plain file, or reached through a link");
  await expect(dns.up({ ...args, netns: "evil", adopt: true })).rejects.toThrow("reached through a link");
});

test("a disk that is full or read-only: one sentence, and the host as it was", async ({ machine }) => {
  const dns = new Subject(machine, "ResolvConf", "dns");
  await machine.sh(
    "mount -t tmpfs -o size=4k,nr_inodes=3 tmpfs /etc/netns 2>/dev/null || { mkdir /etc/netns; mount -t tmpfs -o size=4k,nr_inodes=3 tmpfs /etc/netns; }",
  );
  await machine.baseline();
  await expect(dns.up(args)).rejects.toThrow(
    /^ResolvConf "web" on the machine: cannot (make|write) \/etc\/netns\/web.*: No space left on device. The host is as it was. Free some space/,
  );
  await machine.sh("mount -o remount,ro /etc/netns");
  await machine.baseline();
  await expect(dns.up(args)).rejects.toThrow(/Read-only file system. The host is as it was. Make that folder writable/);
});

test("an update that fails leaves the file byte for byte", async ({ machine }) => {
  await machine.sh("mkdir /etc/netns; mount -t tmpfs -o size=8k tmpfs /etc/netns");
  await machine.baseline();
  const dns = await make(machine, "ResolvConf", "dns", args);
  await machine.sh(`echo 'options edited' >>${path}; chmod 600 ${path}`);
  const before = await machine.sh(`stat -c '%i %a' ${path}; sha256sum ${path}; ls -A /etc/netns`);
  await machine.exec("head -c 100000 /dev/zero >/etc/netns/fill");
  await expect(dns.up({ ...args, nameservers: ["10.0.0.2"], hosts: { a: "10.0.0.1" } })).rejects.toThrow(
    "No space left",
  );
  await machine.sh("rm /etc/netns/fill");
  expect(await machine.sh(`stat -c '%i %a' ${path}; sha256sum ${path}; ls -A /etc/netns`)).toBe(before);
  await dns.destroy();
});
