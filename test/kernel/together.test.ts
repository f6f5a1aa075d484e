// Resources that change our nftables table at the same moment, as the engine lets them.
import { expect } from "vitest";
import { make } from "../support/subject.ts";
import { test } from "../support/test.ts";

test("twenty rules made at the same moment all stand, in the order of their priorities, and go together", async ({
  machine,
}) => {
  const numbers = Array.from({ length: 10 }, (_, index) => index);
  const all = await Promise.all([
    ...numbers.map((n) => make(machine, "NatRule", `nat${n}`, { type: "masquerade", source: `10.50.${n}.0/24` })),
    ...numbers.map((n) =>
      make(machine, "ForwardRule", `rule${n}`, { action: "drop", source: `10.60.${n}.0/24`, priority: 5 - n }),
    ),
  ]);
  const chain = await machine.sh("nft list chain inet linuxnet user_forward");
  const order = [...chain.matchAll(/10\.60\.(\d)\.0/g)].map(([, n]) => Number(n));
  expect(order).toEqual(numbers.toReversed());
  for (const one of all) expect(await one.refresh()).toEqual([]);
  await Promise.all(all.map((one) => one.destroy()));
});

test("the same subnet may be translated by two rules", async ({ machine }) => {
  const one = await make(machine, "NatRule", "one", {
    type: "masquerade",
    source: "10.50.0.0/24",
    outInterface: "up0",
  });
  const other = await make(machine, "NatRule", "other", {
    type: "masquerade",
    source: "10.50.0.0/24",
    outInterface: "lo",
  });
  await one.destroy();
  expect(await other.refresh()).toEqual([]);
  await other.destroy();
});
