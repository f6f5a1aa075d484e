import { setTimeout as sleep } from "node:timers/promises";
import { expect, test } from "vitest";
import { Ordered } from "../../../provider/cli/capturing/order.ts";

test("what comes late is put before what happened after it; nothing is kept at the end", async () => {
  const got: number[] = [];
  const ordered = new Ordered<{ at: number }>(({ at }) => got.push(at), 60);
  for (const at of [30, 10, 20]) ordered.take({ at });
  expect(got).toEqual([]);
  while (got.length < 3) await sleep(5);
  expect(got).toEqual([10, 20, 30]);
  ordered.take({ at: 50 });
  ordered.take({ at: 40 });
  ordered.end();
  expect(got).toEqual([10, 20, 30, 40, 50]);
});
