// Steps with several commands that fail half-way: each takes back its own part.
import { expect } from "vitest";
import { sh } from "../../provider/kernel/command.ts";
import { localnetStep } from "../../provider/kernel/iptables-localnet.ts";
import { ensureChain } from "../../provider/kernel/iptables-script.ts";
import type { Machine } from "../support/machine.ts";
import { test } from "../support/test.ts";

const owner = "linuxnet:test/dev/PortPublish/one@00000000";
const place = { family: 4 } as const;

/** Runs a fragment as a script does, in which each command of the given words fails. */
function failing(machine: Machine, text: string, words: string) {
  const limit = `limit() { case "$*" in *${words}*) echo injected >&2; return 1;; esac; "$@"; }`;
  return machine.exec(
    `sh <<'SCRIPT'\n${limit}\ntext=$( {\n( set -e\n${text}\n)\n} 2>&1 ); code=$?; echo "$text"; exit $code\nSCRIPT`,
  );
}

test("a chain whose jump cannot be made goes again", async ({ machine }) => {
  const { code, stdout } = await failing(machine, ensureChain(place, "LINUXNET-FWD", false), "'-I FORWARD'");
  expect(code).not.toBe(0);
  expect(stdout).toContain("injected");
  await machine.expectClean(1);
});

test("a jump that cannot be moved stays", async ({ machine }) => {
  await machine.sh("iptables -A FORWARD -s 10.1.0.0/16 -j ACCEPT");
  await machine.baseline();
  const late =
    "iptables -N LINUXNET-FWD; iptables -A LINUXNET-FWD -j DROP; iptables -A FORWARD -m comment --comment linuxnet -j LINUXNET-FWD";
  await machine.sh(late);
  const rules = await machine.sh("iptables -S");
  expect((await failing(machine, ensureChain(place, "LINUXNET-FWD", true), "'-I FORWARD'")).code).not.toBe(0);
  expect(await machine.sh("iptables -S")).toBe(rules);
  await machine.sh("iptables -D FORWARD 2; iptables -F LINUXNET-FWD; iptables -X LINUXNET-FWD");
});

test("route_localnet that cannot be set leaves no note", async ({ machine }) => {
  const file = "/proc/sys/net/ipv4/conf/up0/route_localnet";
  await machine.sh(`echo 0 >/run/zero; mount --bind /run/zero ${file}; mount -o remount,ro,bind ${file}`);
  const options = { owner, onFailure: "undo" } as const;
  const { report } = await machine.host.apply(
    [localnetStep("up0", owner), { what: "go on", do: sh(":") }],
    options,
    {},
  );
  expect(report).toMatchObject({ failures: [{ what: "set route_localnet on up0" }], left: [] });
  await machine.sh(`umount ${file}; rm /run/zero`);
  await machine.expectClean(1);
});
