// Questions that are asked together, answered by a real machine.
import { expect } from "vitest";
import { type Fact, ip, type Reply, sh } from "../../../provider/kernel/command.ts";
import { linkFact, linksFact } from "../../../provider/kernel/links.ts";
import { inodeFact } from "../../../provider/kernel/netns.ts";
import { routesFact } from "../../../provider/kernel/routes.ts";
import { sysctlFact } from "../../../provider/kernel/sysctl.ts";
import { test } from "../../support/test.ts";

const raw = (text: string): Fact<Reply> => ({ command: sh(text), parse: (reply) => reply });

test("each question gets its own answer, also where its neighbours have none", async ({ machine }) => {
  await machine.sh("ip netns add blue; ip netns exec blue ip link set lo up");
  const seen = await machine.host.observe({
    up0: linkFact("up0"),
    none: linkFact("none0"),
    lo: linkFact("lo"),
    last: linkFact("none1"),
    blue: linkFact("lo", "blue"),
    blueNone: linkFact("none2", "blue"),
    red: linkFact("lo", "red"),
    redToo: linkFact("eth0", "red"),
    routes: routesFact(undefined, 4),
    routes6: routesFact(undefined, 6),
    blueRoutes: routesFact("blue", 4),
    forwarding: sysctlFact(["net.ipv4.ip_forward", "net.no.such"]),
    inode: inodeFact("/run/netns/blue"),
    noInode: inodeFact("/run/netns/red"),
  });
  expect(seen.up0.link).toMatchObject({ name: "up0", kind: "veth", mtu: 1500, up: true });
  expect(seen.up0.link?.addresses).toEqual(["203.0.113.2/24", "2001:db8:203::2/64"]);
  expect(seen.none).toEqual({ link: undefined, netns: true });
  expect(seen.last).toEqual({ link: undefined, netns: true });
  expect(seen.lo.link).toMatchObject({ name: "lo", ifindex: 1 });
  expect(seen.blue.link).toMatchObject({ name: "lo", up: true });
  expect(seen.blueNone).toEqual({ link: undefined, netns: true });
  expect(seen.red).toEqual({ link: undefined, netns: false });
  expect(seen.redToo).toEqual({ link: undefined, netns: false });
  expect(seen.routes).toContainEqual(expect.objectContaining({ to: "default", via: "203.0.113.1", dev: "up0" }));
  expect(seen.routes6).toContainEqual(expect.objectContaining({ to: "default", via: "2001:db8:203::1" }));
  expect(seen.blueRoutes).toEqual([]);
  expect(seen.forwarding).toEqual({ "net.ipv4.ip_forward": "0" });
  expect(seen.inode).toBe(Number(await machine.sh("stat -L -c %i /run/netns/blue")));
  expect(seen.noInode).toBeUndefined();
  await machine.sh("ip netns del blue; umount /run/netns; rmdir /run/netns");
});

test("equal questions are asked once", async ({ machine }) => {
  const once = raw("echo x >>/run/asked; wc -l </run/asked");
  const seen = await machine.host.observe({ a: once, b: { ...once }, c: raw("echo other") });
  expect(seen.a.stdout.trim()).toBe("1");
  expect(seen.b.stdout.trim()).toBe("1");
  expect(seen.c.stdout.trim()).toBe("other");
});

test("what is asked at the same moment travels together", async ({ machine }) => {
  await machine.host.observe({ warm: raw(":") });
  const before = machine.host.session.roundTrips;
  await Promise.all(
    Array.from({ length: 50 }, (_, n) => machine.host.observe({ n: linkFact(`none${n}`), lo: linkFact("lo") })),
  );
  expect(machine.host.session.roundTrips - before).toBe(1);
});

test("output, errors and codes are kept apart", async ({ machine }) => {
  const seen = await machine.host.observe({
    code: raw("echo out; echo err >&2; exit 7"),
    silent: raw(":"),
    unended: raw("printf 'no newline'"),
    blank: raw("printf '\\n\\n'"),
    marks: raw("printf 'fact-000000000000000000000000 0 0\\n'"),
    exits: raw("exit 0"),
    stdin: raw("cat"),
    after: raw("echo still here"),
  });
  expect(seen.code).toEqual({ code: 7, stdout: "out\n", stderr: "err" });
  expect(seen.silent).toEqual({ code: 0, stdout: "", stderr: "" });
  expect(seen.unended.stdout).toBe("no newline");
  expect(seen.blank.stdout).toBe("\n\n");
  expect(seen.marks.stdout).toBe("fact-000000000000000000000000 0 0\n");
  expect(seen.exits.code).toBe(0);
  expect(seen.stdin).toEqual({ code: 0, stdout: "", stderr: "" });
  expect(seen.after.stdout).toBe("still here\n");
});

test("a tool that fails otherwise is an error, and no absence", async ({ machine }) => {
  const broken: Fact<unknown> = { ...linkFact("lo"), command: ip(["addr", "show", "dev", "lo", "nonsense", "words"]) };
  await expect(machine.host.observe({ broken })).rejects.toThrow("cannot look at the host");
});

test("a machine without iproute2 says so, and is not taken for an empty one", async ({ machine }) => {
  await machine.sh("mount --bind /dev/null $(command -v ip)");
  const answer = machine.host.observe({ links: linksFact(), lo: linkFact("lo") });
  await expect(answer).rejects.toThrow("ip is missing");
  await machine.sh("umount $(command -v ip)");
});

test("dozens of links are one answer", async ({ machine }) => {
  await machine.sh("for n in $(seq 40); do echo link add name b$n type bridge; done | ip -batch -");
  const seen = await machine.host.observe({ links: linksFact() });
  expect(seen.links).toHaveLength(42);
  await machine.sh("for n in $(seq 40); do echo link del b$n; done | ip -batch -");
});

test("a tool that was ended on its way has not said that there is nothing", async ({ machine }) => {
  const fake = "echo 'Device \"none0\" does not exist.' >&2; echo 'Command failed -:1' >&2; kill -KILL $$";
  await machine.sh(
    `printf '#!/bin/sh\\n%s\\n' '${fake.replaceAll("'", "'\\''")}' >/run/fake; chmod 755 /run/fake; mount --bind /run/fake $(command -v ip)`,
  );
  expect(await machine.host.observe({ none: linkFact("none0") })).toEqual({ none: { link: undefined, netns: true } });
  await expect(machine.host.observe({ none: linkFact("none0"), lo: linkFact("lo") })).rejects.toThrow(
    "cannot look at the host",
  );
  await machine.sh("umount $(command -v ip); rm /run/fake");
});

test("a tool that is not there has not said that there is nothing", async ({ machine }) => {
  const bare = { ...inodeFact("/run/netns/red"), command: sh("timeout 10 /no/such/stat") };
  await expect(machine.host.observe({ bare })).rejects.toThrow("cannot look at /run/netns/red");
});
