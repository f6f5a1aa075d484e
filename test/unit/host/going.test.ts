// Links that several parts of a script delete: together, where that is possible, and each by itself where it is not.
import { expect } from "vitest";
import { goTogether } from "../../../provider/host/going.ts";
import type { ScriptOptions } from "../../../provider/host/script.ts";
import { ip, type Step, sh } from "../../../provider/kernel/command.ts";
import type { Machine } from "../../support/machine.ts";
import { test } from "../../support/test.ts";

const links = ["v1", "v2", "v3"];
const removal = (name: string): Step => ({ what: `delete ${name}`, do: ip(["link", "del", "dev", name]) });
const noted = (name: string): Step => ({ what: `note ${name}`, do: sh(`echo ${name} >>/run/log`) });

async function prepared(machine: Machine): Promise<string> {
  for (const name of links) await machine.sh(`ip link add ${name} type bridge`);
  await machine.host.observe({});
  return `${machine.host.preflight?.identity}`;
}

/** Deletes all, each by an operation of its own, at the same moment; tells what of each has failed. */
async function deleteAll(machine: Machine, on: string | undefined): Promise<string[]> {
  const options = (name: string): ScriptOptions => ({ owner: `linuxnet:a/b/C/${name}@1`, onFailure: "go-on", on });
  const all = links.map((name) => machine.host.apply([removal(name), noted(name)], options(name), {}));
  return (await Promise.all(all)).flatMap(({ report }) =>
    report.failures.map(({ what, cause }) => `${what}: ${cause}`),
  );
}

const standing = (machine: Machine) => machine.sh("ip -br link | grep -o '^v[0-9]' || :");
const log = (machine: Machine) => machine.sh("sort /run/log | tr '\\n' ' '; rm -f /run/log");

/** How often the kernel was asked to delete a link, by what stands in for `ip` and writes down what it is told. */
async function watched(machine: Machine, act: () => Promise<unknown>): Promise<string[]> {
  const fake =
    '#!/bin/sh\ncase "$*" in *-batch*) tee -a /run/told | /run/real "$@" ;; *) exec /run/real "$@" ;; esac\n';
  await machine.sh(`cp $(command -v ip) /run/real; cat >/run/fake <<'END'\n${fake}\nEND
    chmod 755 /run/fake; : >/run/told; mount --bind /run/fake $(command -v ip)`);
  await act();
  const told = await machine.sh("umount $(command -v ip); cat /run/told; rm -f /run/fake /run/real /run/told");
  return told.split("\n").filter((line) => line.startsWith("link del"));
}

test("links that several operations delete go by one request, and what follows is done", async ({ machine }) => {
  const identity = await prepared(machine);
  const told = await watched(machine, async () => expect(await deleteAll(machine, identity)).toEqual([]));
  expect(told).toEqual([expect.stringMatching(/^link del group \d+$/)]);
  expect([await standing(machine), await log(machine)]).toEqual(["", "v1 v2 v3"]);
});

test("where one of them is gone already, each goes by itself, and that one is told of", async ({ machine }) => {
  const identity = await prepared(machine);
  await machine.sh("ip link del v2");
  expect(await deleteAll(machine, identity)).toEqual(['delete v2: Cannot find device "v2"']);
  expect([await standing(machine), await log(machine)]).toEqual(["", "v1 v2 v3"]);
});

test("on another machine than the one that was looked at none goes", async ({ machine }) => {
  await prepared(machine);
  await expect(deleteAll(machine, "another machine")).rejects.toThrow("started anew on the way");
  expect(await standing(machine)).toBe(links.join("\n"));
  await machine.sh("ip link del v1; ip link del v2; ip link del v3");
});

test("a group that has a link of others is left alone", async ({ machine }) => {
  const on = await prepared(machine);
  await machine.sh("ip link add v9 group 7 type bridge");
  const lines = goTogether(
    [
      { link: "v1", on },
      { link: "v2", on },
    ],
    7,
  );
  const script = ['limit() { "$@"; }', `identity='${on}'`, ...lines, 'echo "gone=$gone"'].join("\n");
  expect(await machine.sh(script)).toBe("gone=");
  expect(await standing(machine)).toBe([...links, "v9"].join("\n"));
  await machine.sh("for one in v1 v2 v3 v9; do ip link del $one; done");
});
