// A question that fails is no evidence that something is not there: nothing is told of what could not be looked at.
import { expect, test } from "vitest";
import { type Facts, unasked } from "../../../provider/kernel/command.ts";
import { Unseen } from "../../../provider/kernel/failure.ts";
import { lives } from "../../support/lives.ts";
import { checked, definitionOf, testOwner } from "../../support/subject.ts";

/** Questions of which a failure is an answer, or is told in another way. */
const told: Record<string, string> = {
  rules4: "why iptables does not work is told where it is needed",
  rules6: "as rules4",
  guard: "why nft does not work is told by the plan",
  mount: "mountpoint(1) says by its exit code that it is none",
  systemd: "the exit code says whether systemd runs there",
  listeners: "whoever listens is found out by the publish itself",
  tcp: "as listeners",
  udp: "as listeners",
  localnet: "which links have it on is a matter of the undoing alone",
};

// A Lab asks what its parts ask.
const kinds = Object.keys(lives).filter((kind) => kind !== "Lab");

test.for(kinds)("%s: what cannot be looked at is not told to be absent", (kind) => {
  const owner = testOwner(kind, "subject");
  const context = { owner, adopt: false, claims: new Set<string>(), previous: undefined, state: undefined };
  const facts: Facts = definitionOf(kind).facts(checked(kind, lives[kind]?.args ?? {}), context);
  const asked = Object.entries(facts).filter(([name, { command }]) => command !== unasked && !(name in told));
  expect(asked.length).toBeGreaterThan(0);
  for (const [name, { parse }] of asked)
    for (const code of [1, 124, 137])
      expect(() => parse({ code, stdout: "", stderr: "injected" }), `${name}, code ${code}`).toThrow(Unseen);
});
