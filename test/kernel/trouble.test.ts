// A host in trouble: what stands in the way is told with what to do, the host is as it was, and the next up converges.
import { afterAll, describe, expect } from "vitest";
import { Host } from "../../provider/host/host.ts";
import { plainLaunch } from "../../provider/host/shell.ts";
import { canary } from "../support/corpus.ts";
import { long, part } from "../support/long.ts";
import type { Machine } from "../support/machine.ts";
import { make, Subject } from "../support/subject.ts";
import { test } from "../support/test.ts";

type Bag = Record<string, unknown>;

/** What is made in trouble, each on top of what `ground` has made before. */
const wanted: Record<string, Bag> = {
  Netns: { name: "ct9", sysctls: { "net.ipv4.ip_unprivileged_port_start": "80" } },
  Bridge: { name: "lab9", addresses: ["10.99.0.1/24"] },
  VethPair: { name: "v9", bridge: "lab0", peer: { name: "eth0", netns: "ct1", addresses: ["10.9.0.2/24"] } },
  NatRule: { type: "masquerade", source: "10.9.0.0/24", notOutInterface: "lab0" },
  PortPublish: { hostPort: 8080, targetAddress: "10.9.0.2", targetPort: 80, protocol: "udp" },
  ResolvConf: { netns: "ct1", nameservers: ["10.9.0.1"] },
  Process: { netns: "ct1", command: ["sleep", "1000"] },
};

interface Trouble {
  /** Brings it about, and ends it, in bash. */
  begin: string;
  end: string;
  /** What each kind says of it; `goes` where it does not stand in its way. */
  says: Record<string, RegExp | "goes">;
}

/** Puts a program in the place of a tool; the tool itself is at /media/real-TOOL. */
function instead(tool: string, text: string): Pick<Trouble, "begin" | "end"> {
  const file = `$(readlink -f "$(command -v ${tool})")`;
  return {
    begin: `cp ${file} /media/real-${tool}; printf '%s\\n' '#!/bin/sh' '${text}' >/media/instead; chmod 755 /media/instead; mount --bind /media/instead ${file}`,
    end: `umount ${file}`,
  };
}

/** Takes tools away: the folders that they are in are laid over by ones without them. */
const missing = (...tools: string[]) => ({
  begin: `for d in /usr/bin /usr/sbin; do mkdir -p /media/up$d /media/work$d; mount -t overlay -o lowerdir=$d,upperdir=/media/up$d,workdir=/media/work$d overlay $d
    for t in ${tools.join(" ")}; do rm -f $d/$t; done; done`,
  end: "for d in /usr/bin /usr/sbin; do umount -l $d; rm -rf /media/up$d /media/work$d; done",
});

const readOnly = /Read-only file system.*as it was.*Make that folder writable/;
const full = /No space left.*as it was.*Free some space/;
const install = (what: string) => new RegExp(`Install.*${what}`);

const troubles: Record<string, Trouble> = {
  "/run is read-only": {
    begin: "mount -o remount,ro /run",
    end: "mount -o remount,rw /run",
    says: { Netns: readOnly, VethPair: readOnly, NatRule: readOnly, Process: readOnly },
  },
  "/etc is read-only": {
    begin: "mount -o remount,ro /etc",
    end: "mount -o remount,rw /etc",
    says: { ResolvConf: readOnly, Netns: "goes", Bridge: "goes" },
  },
  "/run is full": {
    begin: "mount -o remount,size=60k /run; dd if=/dev/zero of=/run/fill bs=1k 2>/dev/null; :",
    end: "rm /run/fill; mount -o remount,size=100% /run",
    says: { Bridge: full, NatRule: full, PortPublish: full, Process: full },
  },
  "/run has no inodes left": {
    begin: `mount -o remount,nr_inodes=$(($(stat -f -c '%c - %d' /run) + 3)) /run; mkdir /run/fill; i=0
      while 2>/dev/null >/run/fill/$i; do i=$((i + 1)); done`,
    end: "rm -r /run/fill; mount -o remount,nr_inodes=100000 /run",
    says: { VethPair: full, NatRule: full, Process: full },
  },
  "ip is missing": { ...missing("ip"), says: { Netns: install("iproute2"), NatRule: install("iproute2") } },
  "nft and iptables are missing": {
    ...missing("nft", "iptables", "ip6tables", "iptables-save", "ip6tables-save"),
    says: { NatRule: install("iptables"), Bridge: "goes", Process: "goes" },
  },
  "sysctl is missing": { ...missing("sysctl"), says: { Netns: "goes", NatRule: "goes" } },
  "ip is too old to speak JSON": {
    ...instead(
      "ip",
      'case " $* " in *" -j "*) echo "Option \\"-j\\" is unknown, try \\"ip -help\\"." >&2; exit 255;; esac; exec /media/real-ip "$@"',
    ),
    says: { Netns: /-j.*is unknown/, VethPair: /-j.*is unknown/ },
  },
  "nft is too old to speak JSON": {
    ...instead(
      "nft",
      'case " $* " in *" -j "*) echo "Error: JSON support not compiled-in" >&2; exit 1;; esac; exec /media/real-nft "$@"',
    ),
    says: { NatRule: /./ },
  },
  "ip prints nonsense": {
    ...instead("ip", "echo nonsense"),
    says: { Netns: /cannot (set|mark) .*as it was/, Bridge: /nonsense/ },
  },
  "nft prints nonsense": {
    ...instead("nft", "echo nonsense"),
    says: { NatRule: /nonsense/, Bridge: /nonsense/ },
  },
  "ip says that it has done what it has not": {
    ...instead("ip", 'case " $* " in *" -j "*) exec /media/real-ip "$@";; esac; cat >/dev/null'),
    says: {
      Netns: /did not take effect|cannot/,
      Bridge: /did not take effect|cannot/,
      VethPair: /did not take effect|cannot/,
    },
  },
  "nft says that it has done what it has not": {
    ...instead("nft", 'case " $* " in *" -f "*) cat >/dev/null; exit 0;; esac; exec /media/real-nft "$@"'),
    says: { NatRule: /did not take effect|cannot/, PortPublish: /did not take effect|cannot/ },
  },
};

/** A namespace, and a bridge with an address. */
async function ground(machine: Machine): Promise<Subject[]> {
  await machine.sh("echo 0 >/proc/sys/net/ipv6/conf/default/disable_ipv6; ip netns add ct1");
  await machine.baseline();
  const bridge = await make(machine, "Bridge", "ground", { name: "lab0", addresses: ["10.9.0.1/24"] });
  await machine.sh("ip link set lab0 addrgenmode none");
  await machine.baseline();
  return [bridge];
}

let survived = 0;

afterAll(() =>
  console.log(`tried: ${survived} operations on a host in trouble, by ${Object.keys(troubles).length} faults`),
);

describe.each(Object.entries(troubles))("where %s", (_what, { begin, end, says }) => {
  const looked = part(Object.entries(says), 1);
  test(looked.map(([kind]) => kind).join(", "), async ({ machine }) => {
    // A folder that was made smaller once says how large it is.
    await machine.sh(begin);
    await machine.sh(end);
    const under = await ground(machine);
    for (const [kind, said] of looked) {
      const subject = new Subject(machine, kind, `of ${kind}`);
      const args = wanted[kind] as Bag;
      await machine.endSession();
      await machine.sh(begin);
      const { message } = await subject.up(args).then(
        () => new Error("goes"),
        (error: Error) => error,
      );
      await machine.sh(end);
      expect(message, kind).toMatch(said === "goes" ? /^goes$/ : said);
      expect(message).not.toMatch(/\n|\bat \/|undefined/);
      if (said !== "goes") await machine.expectClean();
      // On a host without what any work takes it has ended by itself.
      if (machine.host.session.open) await machine.endSession();
      // What went without something is seen to lack it.
      if (said === "goes") await subject.refresh();
      await subject.up(args);
      expect(await subject.refresh(), kind).toEqual([]);
      await subject.destroy();
      await machine.expectClean();
      survived += 1;
    }
    for (const one of under) await one.destroy();
    await machine.baseline();
  });
});

// Five seconds for each rule, and for each that is taken back: in the long run only.
if (long)
  test("a lock of iptables that another holds is told; one of ours whose holder was killed is free", async ({
    machine,
  }) => {
    await machine.sh(
      "for t in iptables ip6tables; do for e in '' -save -restore; do ln -sf /usr/sbin/$t-legacy$e /etc/alternatives/$t$e; done; done",
    );
    await machine.sh(
      "for t in filter nat raw; do iptables-legacy -t $t -S; ip6tables-legacy -t $t -S; done >/dev/null; touch /run/xtables.lock",
    );
    await machine.baseline();
    const rule = new Subject(machine, "NatRule", "out");
    const args = { ...wanted.NatRule, backend: "iptables" };
    const other = await machine.spawn(["flock", "/run/xtables.lock", "sleep", "100"]);
    await expect(rule.up(args)).rejects.toThrow(/xtables.lock.*as it was\. Wait for the other/);
    await machine.sh(`pkill -9 -P ${other}; kill -9 ${other} 2>/dev/null || :`);
    const ours = await machine.spawn(["flock", "-o", "/var/cache/ldconfig", "sleep", "100"]);
    await machine.sh(`until ! flock -n /var/cache/ldconfig true; do sleep 0.02; done; kill -9 ${ours}; pkill -9 sleep`);
    await rule.up(args);
    expect(await rule.refresh()).toEqual([]);
    await rule.destroy();
  });

test("another locale, umask 077, and a PATH and an environment of somebody's own change nothing", async ({
  machine,
}) => {
  const under = await ground(machine);
  const fake = `mkdir /media/evil; for t in ip nft iptables flock timeout stat cat grep sed awk sysctl nsenter; do printf '#!/bin/sh\\n>${canary}\\n' >/media/evil/$t; done; chmod 755 /media/evil/*`;
  await machine.sh(fake);
  const odd =
    "umask 077; cd /media; PATH=/media/evil:$PATH LC_ALL=tr_TR.UTF-8 LANG=fr_FR LANGUAGE=de IFS=/ ENV=/media/evil/cat TZ=Asia/Tokyo CDPATH=/ GREP_OPTIONS=-v POSIXLY_CORRECT=1; export PATH LC_ALL LANG LANGUAGE IFS ENV TZ CDPATH GREP_OPTIONS POSIXLY_CORRECT";
  const host = new Host(
    plainLaunch("the odd machine", machine.enter(["/bin/sh", "-c", `${odd}; exec /bin/sh "$@"`, "sh"])),
  );
  const made = await Promise.all(
    Object.entries(wanted)
      .filter(([kind]) => kind !== "PortPublish")
      .map(([kind, args]) => make({ host }, kind, `odd ${kind}`, args)),
  );
  for (const one of made) expect(await one.refresh()).toEqual([]);
  expect(
    await machine.sh(`stat -c %a /etc/netns /etc/netns/ct1 /etc/netns/ct1/resolv.conf; ls ${canary} 2>/dev/null || :`),
  ).toBe("755\n755\n644");
  for (const one of made.toReversed()) await one.destroy();
  host.session.close();
  for (const one of under) await one.destroy();
  await machine.sh("rm -r /media/evil");
  await machine.baseline();
});

test("a namespace of a lab that programs keep busy goes too, and they are told, the first five by name", async ({
  machine,
}) => {
  const networks = { shop: { subnet: "10.9.0.0/24" } };
  const containers = { web: { network: "shop" }, idle: { network: "shop" } };
  const lab = await make(machine, "Lab", "big", { networks, containers });
  const { web } = lab.outputs.containers as Record<string, { netns: string }>;
  const pids = await Promise.all([1, 2, 3, 4, 5, 6].map(() => machine.spawn(["sleep", "1000"], web?.netns)));
  await lab.destroy();
  expect(lab.warnings).toHaveLength(1);
  expect(lab.warnings[0]).toMatch(
    new RegExp(`: namespace ${web?.netns} has no name any more, .*: (sleep \\(pid \\d+\\)(, )?){5} and 1 more\\.$`),
  );
  await machine.sh(`kill ${pids.join(" ")}; while pgrep -x sleep >/dev/null; do sleep 0.02; done`);
});

test("a namespace that a program keeps busy goes by its name at once, and the program is left alone and told", async ({
  machine,
}) => {
  const netns = await make(machine, "Netns", "busy", { name: "ct9" });
  const pid = await machine.spawn(["sleep", "1000"], "ct9");
  await netns.destroy();
  expect(await machine.sh("ip netns list")).toBe("");
  expect(netns.warnings).toEqual([
    `Netns "ct9" on ${machine.host.name}: namespace ct9 has no name any more, but lives on until what runs in it ends: sleep (pid ${pid}).`,
  ]);
  await machine.sh(`kill ${pid}; while kill -0 ${pid} 2>/dev/null; do sleep 0.02; done`);
});
