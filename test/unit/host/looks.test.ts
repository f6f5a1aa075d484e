// What is asked of a namespace that a script has just set: in the same process, where nothing can change it any more.
import { expect } from "vitest";
import { type Command, ip, type Step, sh } from "../../../provider/kernel/command.ts";
import { linkFact, type Sight } from "../../../provider/kernel/links.ts";
import { routesFact } from "../../../provider/kernel/routes.ts";
import type { Machine } from "../../support/machine.ts";
import { test } from "../../support/test.ts";

const names = Array.from({ length: 20 }, (_, index) => `n${index}`);
const options = { owner: "linuxnet:test/dev/Any/any@00000000", onFailure: "undo" as const };
const step = (command: Command, more: Partial<Step> = {}): Step => ({ what: "set", do: command, ...more });

/** Namespaces, each with a link of its own, and what writes down each time that one is entered. */
async function prepared(machine: Machine): Promise<void> {
  const fake = '#!/bin/sh\necho "$1" >>/run/entered\nexec /run/real "$@"\n';
  await machine.sh(`for n in ${names.join(" ")}; do ip netns add $n; ip -n $n link add b0 type bridge; done
    cp $(command -v nsenter) /run/real; cat >/run/fake <<'END'\n${fake}\nEND
    chmod 755 /run/fake; : >/run/entered; mount --bind /run/fake $(command -v nsenter)`);
}

async function tidied(machine: Machine): Promise<void> {
  await machine.sh(`umount $(command -v nsenter); rm -f /run/fake /run/real /run/entered
    for n in ${names.join(" ")}; do ip netns del $n; done; umount /run/netns; rmdir /run/netns`);
}

const entered = (machine: Machine) => machine.sh("sort /run/entered | uniq -c | awk '{ print $1 }' | sort -u");
const setting = names.flatMap((netns, index) => [
  step(ip(["addr", "replace", `10.0.${index}.1/24`, "dev", "b0"], netns), { apart: true }),
  step(ip(["link", "set", "dev", "b0", "up"], netns), { apart: true }),
]);
const facts = Object.fromEntries(names.map((netns) => [netns, linkFact("b0", netns)]));
const addresses = (seen: object) =>
  names.map((netns) => (seen as Record<string, Sight>)[netns]?.link?.addresses.join(" "));
const wanted = names.map((_, index) => `10.0.${index}.1/24`);

test("each namespace is entered once, and every answer is its own", async ({ machine }) => {
  await prepared(machine);
  const routes = routesFact("n7", 4);
  const { report, answers } = await machine.host.apply(setting, options, { ...facts, routes });
  expect(report.failures).toEqual([]);
  expect(await entered(machine)).toBe("1");
  const { routes: seen, ...links } = answers;
  expect(addresses(links)).toEqual(wanted);
  expect(JSON.stringify(seen)).toContain("10.0.7.0/24");
  await tidied(machine);
});

test("what cannot be asked there, or is changed afterwards, is asked at the end", async ({ machine }) => {
  await prepared(machine);
  const none = { none: linkFact("b9", "n3"), six: routesFact("n4", 6) };
  const first = await machine.host.apply(setting, options, { ...facts, ...none });
  expect([first.answers.none, addresses(first.answers)]).toMatchObject([{ link: undefined, netns: true }, wanted]);
  const later = step(sh(`for n in ${names.join(" ")}; do ip -n $n addr flush dev b0; done`));
  const second = await machine.host.apply([...setting, later], options, facts);
  expect(addresses(second.answers)).toEqual(names.map(() => ""));
  await tidied(machine);
});

test("of batches that speak IPv6 alone both families are asked, and of a single one in the same round trip", async ({
  machine,
}) => {
  await prepared(machine);
  await machine.host.apply(setting, options, {});
  const six = names.map((netns) => step(ip(["route", "replace", "fd09::/64", "dev", "b0"], netns, 6), { apart: true }));
  const { report, answers } = await machine.host.apply(six, options, facts);
  expect([report.failures, addresses(answers)]).toEqual([[], wanted]);
  const before = machine.host.session.roundTrips;
  const one = await machine.host.apply(setting.slice(0, 2), options, facts);
  expect([addresses(one.answers), machine.host.session.roundTrips - before]).toEqual([wanted, 1]);
  await tidied(machine);
});

test("of a link that is taken away there is asked afterwards", async ({ machine }) => {
  await prepared(machine);
  const removal = names.flatMap((netns) => [
    step(ip(["link", "set", "dev", "b0", "down"], netns), { apart: true }),
    step(ip(["link", "del", "dev", "b0"], netns), { apart: true }),
  ]);
  const { report, answers } = await machine.host.apply(removal, options, facts);
  expect(report.failures).toEqual([]);
  expect(Object.values(answers)).toEqual(names.map(() => ({ link: undefined, netns: true })));
  await tidied(machine);
});

test("where one namespace cannot be set, all are asked once more", async ({ machine }) => {
  await prepared(machine);
  await machine.sh("ip -n n5 link del b0");
  const { report, answers } = await machine.host.apply(setting, options, facts);
  expect(report.failures).toEqual([expect.objectContaining({ cause: expect.stringContaining("Cannot find device") })]);
  expect(answers.n5).toMatchObject({ link: undefined, netns: true });
  expect(answers.n0?.link?.addresses).toEqual(["10.0.0.1/24"]);
  await tidied(machine);
});
