import { expect, test } from "vitest";
import type { Reply } from "../../../provider/kernel/command.ts";
import {
  type ImpairedEnd,
  impairmentChanges,
  impairmentFact,
  netemFact,
  qdiscWords,
} from "../../../provider/kernel/impairment.ts";
import { type Impairment, impairment } from "../../../provider/kernel/impairment-shape.ts";

/** As iproute2 6.1 prints it; netem's was recorded from the same tc that was handed the kernel's answer for such a qdisc. */
const tbf = (options = {}) => ({
  kind: "tbf",
  handle: "8003:",
  dev: "v0",
  root: true,
  refcnt: 2,
  options: { rate: 1250000, burst: 12500, lat: 50000, ...options },
});
const netem = (options: object) => ({
  kind: "netem",
  handle: "8001:",
  dev: "v0",
  root: true,
  refcnt: 2,
  options: { limit: 10000, ...options, ecn: false, gap: 0 },
});
const all = {
  delay: { delay: 0.05, jitter: 0.01, correlation: 0 },
  "loss-random": { loss: 0.01, correlation: 0 },
  duplicate: { duplicate: 0.025, correlation: 0 },
  reorder: { reorder: 0.25, correlation: 0 },
  corrupt: { corrupt: 0.003, correlation: 0 },
  rate: { rate: 1250000, packetoverhead: 0, cellsize: 0, celloverhead: 0 },
};
const wanted = { delay: "50ms", jitter: "10ms", loss: 1, duplicate: 2.5, reorder: 25, corrupt: 0.3, rate: "10mbit" };

const reply = (printed: unknown[]): Reply => ({ code: 0, stdout: JSON.stringify(printed), stderr: "" });
const seen = (...printed: unknown[]) => impairmentFact("v0").parse(reply(printed));
const changes = (what: Impairment | undefined, printed?: unknown, more: Partial<ImpairedEnd> = {}, has = true) =>
  impairmentChanges("impairment", { name: "v0", impairment: what, ...more }, printed ? seen(printed) : undefined, has);
const texts = (list: ReturnType<typeof changes>) =>
  list.flatMap(({ steps }) =>
    steps.flatMap((step) => [step.do, ...(step.undo ?? [])].map((one) => "text" in one && one.text)),
  );

test("values become canonical", () => {
  expect(impairment.parse({ delay: "1000ms", jitter: "0.5s", rate: "1000Kbit", loss: 0 })).toEqual({
    delay: "1s",
    jitter: "500ms",
    rate: "1mbit",
    loss: 0,
  });
  expect(impairment.parse({ rate: "1.5mbit" })).toEqual({ rate: "1500kbit" });
});

test.each([
  [{}, "at least one of"],
  [{ jitter: "1ms" }, "needs a delay"],
  [{ reorder: 3 }, "needs a delay"],
  [{ loss: 101 }, "0 to 100"],
  [{ loss: "1%" }, "a number from 0 to 100"],
  [{ loss: Number.NaN }, "a number from 0 to 100"],
  [{ rate: "10" }, "in bit, kbit, mbit or gbit"],
  [{ rate: "10mbps" }, "in bit, kbit, mbit or gbit"],
  [{ rate: "0mbit" }, "at least 1kbit"],
  [{ rate: 10 }, 'such as "10mbit"'],
  [{ delay: "50" }, "with its unit"],
  [{ delay: "0s" }, "longer than nothing"],
  ["slow", "must be an object"],
])("%j is refused", (value, rule) => {
  expect(
    impairment
      .safeParse(value)
      .error?.issues.map(({ message }) => message)
      .join(),
  ).toContain(rule);
});

test("a rate alone is a tbf, all else a netem", () => {
  expect(qdiscWords({ rate: "10mbit" }, 1500)?.join(" ")).toBe("tbf rate 10mbit burst 12500 latency 50ms");
  expect(qdiscWords({ rate: "64kbit" }, 1500)?.join(" ")).toBe("tbf rate 64kbit burst 1518 latency 1875ms");
  expect(qdiscWords(wanted, 1500)?.join(" ")).toBe(
    "netem limit 10000 delay 50000us 10000us loss 1% duplicate 2.5% corrupt 0.3% reorder 25% rate 10mbit",
  );
  expect(qdiscWords({ loss: 1e-7 }, 1500)?.join(" ")).toBe("netem limit 1000 loss 0.0000001%");
  expect(qdiscWords({ loss: 0, rate: "1gbit" }, 1500)?.[0]).toBe("tbf");
});

test("what stands as wanted is left alone", () => {
  expect(changes({ rate: "10mbit" }, tbf())).toEqual([]);
  expect(changes(wanted, netem(all))).toEqual([]);
  expect(changes({ delay: "1.234567891s" }, netem({ delay: { delay: 1.23457, jitter: 0, correlation: 0 } }))).toEqual(
    [],
  );
  expect(changes({ loss: 100 / 3 }, netem({ "loss-random": { loss: 0.333333 } }))).toEqual([]);
  expect(changes(undefined, { kind: "noqueue", handle: "0:", dev: "v0", root: true, options: {} })).toEqual([]);
  expect(changes(undefined)).toEqual([]);
  expect(changes({ loss: 0 })).toEqual([]);
});

test("a tbf that drops packets of a larger MTU is set anew", () => {
  expect(changes({ rate: "10mbit" }, tbf(), { mtu: 65535 })).toHaveLength(1);
  expect(changes({ rate: "10mbit" }, tbf({ burst: 65000 }), { mtu: 65535 })).toEqual([]);
});

test("drift is told in the property's own shape, and each change knows its inverse", () => {
  const [change] = changes({ rate: "20mbit" }, netem(all), { netns: "blue" });
  expect(change).toMatchObject({ property: "impairment", actual: wanted });
  expect(texts(change ? [change] : [])).toEqual([
    "limit tc -n 'blue' 'qdisc' 'replace' 'dev' 'v0' 'root' 'tbf' 'rate' '20mbit' 'burst' '25000' 'latency' '50ms'",
    expect.stringContaining(
      "'replace' 'dev' 'v0' 'root' 'netem' 'limit' '10000' 'delay' '50000us' '10000us' 'loss' '1%'",
    ),
  ]);
  expect(texts(changes(undefined, tbf()))).toEqual([
    "limit tc 'qdisc' 'del' 'dev' 'v0' 'root'",
    expect.stringContaining("'tbf' 'rate' '10mbit'"),
  ]);
  expect(texts(changes({ rate: "10mbit" }))[1]).toBe("limit tc 'qdisc' 'del' 'dev' 'v0' 'root'");
});

test("a rate within netem is not a rate by tbf", () => {
  expect(changes({ rate: "10mbit" }, netem({ rate: all.rate }))).toHaveLength(1);
});

test("netem is asked for only where it is needed, and refused by name", () => {
  expect(netemFact({ rate: "10mbit" }, undefined).command).toEqual({ kind: "sh", text: ":" });
  const fact = netemFact(undefined, { loss: 1 });
  expect(fact.command).toMatchObject({ text: expect.stringContaining("unshare -n tc") });
  expect(fact.parse({ code: 2, stdout: "", stderr: "Error: Specified qdisc kind is unknown.\n" })).toBe(false);
  expect(fact.parse({ code: 0, stdout: "", stderr: "" })).toBe(true);
  expect(() => changes({ loss: 1 }, undefined, {}, false)).toThrow("this kernel has no netem (sch_netem)");
  expect(changes({ rate: "10mbit" }, undefined, {}, false)).toHaveLength(1);
});

test("a queueing discipline of another kind is not replaced", () => {
  const htb = { kind: "htb", handle: "1:", dev: "v0", root: true, options: {} };
  expect(() => changes({ rate: "10mbit" }, htb)).toThrow("v0 has a queueing discipline htb that is not linuxnet's");
  expect(changes(undefined, htb)).toEqual([]);
});

test("links, roots and absences are told apart", () => {
  const child = { ...tbf(), root: undefined, parent: "1:1" };
  expect(seen(child, { ...tbf(), dev: "v1" })).toBeUndefined();
  const gone = 'Cannot open network namespace "x": No such file or directory';
  expect(impairmentFact("v0", "x").parse({ code: 1, stdout: "", stderr: gone })).toBeUndefined();
  expect(impairmentFact("v0").parse({ code: 127, stdout: "", stderr: "tc: not found" })).toBeUndefined();
  expect(() => impairmentFact("v0").parse({ code: 1, stdout: "", stderr: "Operation not permitted" })).toThrow();
});
