// `linuxnet explain` of examples with several hosts: a script for each, typed there. In the long run only: `npm run test:long`.
import { describe, expect } from "vitest";
import { expectAll, explain, type } from "./explain-lab.ts";
import { setPath, test } from "./hosts-lab.ts";

describe("typed by hand on each host", () => {
  for (const name of ["overlay", "classroom"])
    test(`the example ${name} does what it promises`, async ({ start, open }) => {
      const lab = await start(2);
      const stack = await open(lab, name);
      const list = lab.hosts.map(({ name: host, address }) => ({ host, user: "root", address }));
      if (name === "overlay") await stack.configure("hosts", JSON.stringify(list));
      else
        for (const [index, host] of list.entries())
          for (const [key, value] of Object.entries(host)) await setPath(stack, `hosts[${index}].${key}`, value);
      const scripts = await explain(stack);
      await lab.expectClean();
      expect(
        scripts
          .map(({ host }) => host)
          .filter((host) => host !== "this machine")
          .toSorted(),
      ).toEqual(["h1", "h2"]);
      const placeOf = (host: string) => lab.hosts.find((one) => one.name === host) ?? lab.machine;
      for (const one of scripts) await type(placeOf(one.host), one);
      for (const { host, expected } of scripts) if (expected.length > 0) await expectAll(placeOf(host), expected);
      expect(scripts.flatMap(({ expected }) => expected).length).toBeGreaterThan(0);
      for (const host of lab.hosts) await host.baseline();
      await lab.machine.baseline();
    });
});
