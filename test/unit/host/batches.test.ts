// Batches of several namespaces, which share one deadline, run for real in a machine of the test's own.
import { expect } from "vitest";
import { readReport } from "../../../provider/host/report.ts";
import { compile, ends, type ScriptOptions, together } from "../../../provider/host/script.ts";
import { ip, type Reply, type Step, sh } from "../../../provider/kernel/command.ts";
import { linkFact } from "../../../provider/kernel/links.ts";
import type { Machine } from "../../support/machine.ts";
import { test } from "../../support/test.ts";

const undo: ScriptOptions = { owner: "linuxnet:test/dev/Any/any@00000000", onFailure: "undo" };
const goOn: ScriptOptions = { ...undo, onFailure: "go-on" };

/** Makes a bridge in a namespace, and logs when it is taken back. */
function link(netns: string | undefined, name: string): Step {
  const undo = [sh(`echo -${netns ?? "host"}/${name} >>/run/log`), ip(["link", "del", "dev", name], netns)];
  return {
    what: `create ${name} in ${netns}`,
    do: ip(["link", "add", "name", name, "type", "bridge"], netns),
    undo,
  };
}

async function prepared(machine: Machine): Promise<void> {
  await machine.sh("for n in a b c; do ip netns add $n; done");
}

async function tidied(machine: Machine): Promise<void> {
  await machine.sh("rm -f /run/log; for n in a b c; do ip netns del $n; done; umount /run/netns; rmdir /run/netns");
}

const log = (machine: Machine) => machine.sh("cat /run/log 2>/dev/null | tr '\\n' ' '");
const standing = (machine: Machine) =>
  machine.sh(
    "for n in a b c; do ip -n $n -br link | awk -v n=$n '$1 != \"lo\" { print n\"/\"$1 }'; done | tr '\\n' ' '",
  );

test("the one that fails is named, what came before is taken back, what comes after is not begun", async ({
  machine,
}) => {
  await prepared(machine);
  const steps = [
    link(undefined, "b0"),
    link("a", "b1"),
    link("b", "b1"),
    link("b", "lo"),
    link("b", "b2"),
    link("c", "b1"),
  ];
  const { report } = await machine.host.apply(steps, undo, {});
  expect(report).toEqual({
    failures: [{ what: "create lo in b", cause: expect.stringContaining("File exists"), code: expect.any(Number) }],
    left: [],
  });
  expect(await log(machine)).toBe("-b/b1 -a/b1 -host/b0");
  expect(await standing(machine)).toBe("");
  await tidied(machine);
});

test("with go-on all are tried, and each failure is named", async ({ machine }) => {
  await prepared(machine);
  const steps = [link("a", "lo"), link("a", "b1"), link("no", "b1"), link("b", "b1"), link("b", "lo"), link("c", "b1")];
  const { report } = await machine.host.apply(steps, goOn, {});
  expect(report.failures.map(({ what }) => what)).toEqual(["create lo in a", "create b1 in no", "create lo in b"]);
  expect(report.failures[1]?.cause).toContain("cannot open /run/netns/no");
  expect(await standing(machine)).toBe("a/b1 b/b1 c/b1");
  await tidied(machine);
});

test.for([undo, goOn])("one that does not end is ended and named ($onFailure)", async (options, { machine }) => {
  await prepared(machine);
  const fake = '#!/bin/sh\ncase "$*" in --net=/run/netns/b*) exec sleep 60 ;; esac\nexec /run/real "$@"\n';
  await machine.sh(`cp $(command -v nsenter) /run/real; cat >/run/fake <<'END'\n${fake}\nEND
    chmod 755 /run/fake; mount --bind /run/fake $(command -v nsenter)`);
  const steps = [link("a", "b1"), link("b", "b1"), link("c", "b1")];
  const request = together([compile(steps, options)], "part");
  const script = request.script.replaceAll("timeout -k 1 12 sh", "timeout -k 1 1 sh");
  const [reply] = await machine.host.session.send([{ script, deadline: 60 }]);
  const failure = { what: "create b1 in b", cause: "it did not end within its deadline", code: 124 };
  expect(readReport(ends(reply as Reply, "part", 1)[0] as Reply, steps)).toEqual({ failures: [failure], left: [] });
  expect(await standing(machine)).toBe(options === undo ? "" : "a/b1");
  await machine.sh("umount $(command -v nsenter); rm -rf /run/fake /run/real /run/linuxnet");
  await tidied(machine);
});

test("a look that is ended on its way has not said that there is nothing", async ({ machine }) => {
  await prepared(machine);
  const fake = '#!/bin/sh\ncase "$*" in --net=/run/netns/b*) kill -KILL $PPID ;; esac\nexec /run/real "$@"\n';
  await machine.sh(`cp $(command -v nsenter) /run/real; cat >/run/fake <<'END'\n${fake}\nEND
    chmod 755 /run/fake; mount --bind /run/fake $(command -v nsenter)`);
  const facts = { a: linkFact("lo", "a"), c: linkFact("lo", "c") };
  expect((await machine.host.observe(facts)).c.link?.name).toBe("lo");
  await expect(machine.host.observe({ ...facts, b: linkFact("lo", "b") })).rejects.toThrow("cannot look at the host");
  await machine.sh("umount $(command -v nsenter); rm -rf /run/fake /run/real");
  await tidied(machine);
});
