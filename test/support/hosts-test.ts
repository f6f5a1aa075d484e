import { test as base } from "vitest";
import { Hosts, type HostsOptions } from "./hosts.ts";

/**
 * A test with hosts of its own: `test("...", async ({ start }) => { const lab = await start(1); ... })`. After the test each
 * host has to be as it was before it, or as it was at its last `baseline()`: a leak fails the test.
 */
export const test = base.extend("start", async ({ task }, { onCleanup }) => {
  const labs: Hosts[] = [];
  onCleanup(async () => {
    try {
      if (task.result?.state === "fail" || task.result?.errors?.length) return;
      for (const lab of labs) await lab.expectClean();
    } finally {
      for (const lab of labs) await lab.stop();
    }
  });
  return async (count = 1, options?: HostsOptions): Promise<Hosts> => {
    const lab = await Hosts.start(count, options);
    labs.push(lab);
    return lab;
  };
});

/** Fails, saying what took so long, when a promise is not settled in time: a bound that a user would still accept. */
export async function within<T>(seconds: number, what: string, promise: Promise<T>): Promise<T> {
  const late = Promise.withResolvers<never>();
  const timer = setTimeout(() => late.reject(new Error(`${what} took more than ${seconds} s`)), seconds * 1000);
  try {
    return await Promise.race([promise, late.promise]);
  } finally {
    clearTimeout(timer);
  }
}
