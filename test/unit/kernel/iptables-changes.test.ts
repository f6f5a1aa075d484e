import { describe, expect, test } from "vitest";
import { iptablesChanges, iptablesTeardown } from "../../../provider/kernel/iptables.ts";
import { forwardRules } from "../../../provider/kernel/iptables-rules.ts";
import { readSave } from "../../../provider/kernel/iptables-save.ts";

const owner = "linuxnet:p/s/ForwardRule/b@01234567";
const wanted = forwardRules({ action: "drop", destination: "10.0.0.2/32" });
const view = (...rules: string[]) => {
  const head = ["*filter", ":FORWARD ACCEPT [0:0]", ":LINUXNET-FWD - [0:0]"];
  const jump = "-A FORWARD -m comment --comment linuxnet -j LINUXNET-FWD";
  return readSave({ code: 0, stdout: [...head, jump, ...rules, "COMMIT"].join("\n"), stderr: "" }, 4);
};
const empty = readSave({ code: 0, stdout: "", stderr: "" }, 4);
const whats = (seen: ReturnType<typeof view>, who = owner) =>
  iptablesChanges({ owner: who }, wanted, [seen]).flatMap(({ steps }) => steps.map(({ what }) => what));

/** The line that stands when an owner's rule does. */
function standing(who: string): string {
  const [, step] = iptablesChanges({ owner: who }, wanted, [empty]).flatMap(({ steps }) => steps);
  const comment = /'--comment' '([^']*)'/.exec(JSON.stringify(step))?.[1];
  return `-A LINUXNET-FWD -d 10.0.0.2/32 -m comment --comment "${comment}" -j DROP`;
}

describe("changes", () => {
  const hook = "hook chain LINUXNET-FWD into FORWARD with iptables";
  const add = 'add iptables rule "-d 10.0.0.2/32 -j DROP" to LINUXNET-FWD';
  const remove = 'remove iptables rule "-d 10.0.0.2/32 -j DROP" from LINUXNET-FWD';
  const tidy = "tidy table filter of iptables";
  const mine = standing(owner);
  const others = standing(owner.replace("/b@", "/a@"));

  test("nothing when all stands, everything when nothing does", () => {
    expect(whats(empty)).toEqual([hook, add]);
    expect(whats(view(mine))).toEqual([]);
    expect(whats(view(others))).toEqual([add]);
    expect(whats(view(others, mine))).toEqual([]);
  });

  test("doubled, misplaced and altered rules", () => {
    expect(whats(view(mine, others))).toEqual([]);
    expect(whats(view(mine, others), owner.replace("/b@", "/a@"))).toEqual([remove, add]);
    expect(whats(view(mine, mine))).toEqual([remove, remove, add]);
    const altered = mine.replace("10.0.0.2/32", "10.0.0.3/32");
    expect(whats(view(altered))).toEqual([add, remove.replace("10.0.0.2", "10.0.0.3"), tidy]);
  });

  test("a renamed resource takes up its rule", () => {
    const changes = iptablesChanges({ owner: owner.replace("/b@", "/c@"), former: owner }, wanted, [view(mine)]);
    expect(changes.flatMap(({ steps }) => steps.map(({ what }) => what))).toEqual([add, remove, tidy]);
  });

  test("a jump behind a rule that lets through is late; behind Docker's, a drop or our own accept it is not", () => {
    const behind = (rule: string) => ({
      ...view(mine),
      rules: [...view(`-A FORWARD ${rule}`).rules.slice(1), ...view(mine).rules],
    });
    expect(whats(behind("-i eth0 -j ACCEPT"))).toEqual([hook]);
    for (const rule of ["-j DOCKER-USER", "-s 192.0.2.1/32 -j DROP", '-m comment --comment "linuxnet: x" -j ACCEPT'])
      expect(whats(behind(rule))).toEqual([]);
  });

  test("every step that adds can be taken back", () => {
    const steps = iptablesChanges({ owner }, wanted, [empty]).flatMap(({ steps }) => steps);
    expect(steps.map(({ undo = [] }) => undo.length)).toEqual([1, 1]);
  });

  test("a tool that is missing is a refusal, a namespace that is gone is none", () => {
    const missing = readSave(
      { code: 127, stdout: "", stderr: "timeout: failed to run command 'iptables-save': No such file or directory" },
      4,
    );
    expect(() => iptablesChanges({ owner }, wanted, [missing])).toThrow("Debian package iptables");
    expect(() => iptablesTeardown({ owner }, [missing])).toThrow("Debian package iptables");
    const gone = readSave(
      { code: 1, stdout: "", stderr: "nsenter: cannot open /run/netns/x: No such file or directory" },
      4,
      "x",
    );
    expect(iptablesTeardown({ owner }, [gone])).toEqual([]);
  });

  test("teardown takes the owner's rules alone", () => {
    const steps = iptablesTeardown({ owner }, [view(mine, others)]);
    expect(steps.map(({ what }) => what)).toEqual([remove, tidy]);
    expect(iptablesTeardown({ owner }, [view(others)])).toEqual([]);
  });
});
