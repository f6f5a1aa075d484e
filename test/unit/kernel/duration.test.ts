import fc from "fast-check";
import { expect, test } from "vitest";
import { duration, formatDuration, parseDuration } from "../../../provider/kernel/duration.ts";

test.each([
  ["50ms", 0.05],
  ["1m30s", 90],
  ["1.5h", 5400],
  ["0", 0],
  ["300ns", 3e-7],
  ["2µs", 2e-6],
  [".5s", 0.5],
])("%s is %d seconds", (text, seconds) => {
  expect(parseDuration(text)).toBe(seconds);
});

test.each(["", "5", "-5s", "+5s", "1 s", "s", "1d", "5S", "1e3s", "5s ", "5s\n", "1..2s", "999999999h"])(
  "%j is no duration",
  (text) => expect(parseDuration(text)).toBeUndefined(),
);

test.each([
  ["1000ms", "1s"],
  ["90s", "1m30s"],
  ["3600s", "1h"],
  ["0.25s", "250ms"],
  ["1500us", "1.5ms"],
])("%s is written %s", (text, canonical) => {
  expect(duration.parse(text)).toBe(canonical);
});

test("what is written is read back to the nanosecond", () => {
  const nanoseconds = fc.integer({ min: 1, max: 1e15 });
  fc.assert(
    fc.property(nanoseconds, (count) => {
      const read = parseDuration(formatDuration(count / 1e9)) ?? 0;
      expect(Math.round(read * 1e9)).toBe(count);
    }),
  );
});

test("nothing is refused where a duration is needed", () => {
  expect(duration.safeParse("0s").error?.issues[0]?.message).toBe("must be longer than nothing");
});
