// What a tunnel does to links of others, what it refuses, and what is left when it is cut off.
import { describe, expect } from "vitest";
import { cutEverywhere, failEverywhere } from "../support/faults.ts";
import { link } from "../support/link.ts";
import { make, Subject } from "../support/subject.ts";
import { args, test } from "./vxlan-lab.ts";

type Bag = Record<string, unknown>;

describe("a link of another's", () => {
  test("is refused and untouched", async ({ lab }) => {
    await lab.sh("ip link add vx0 type bridge");
    await lab.baseline();
    const tunnel = new Subject(lab, "Vxlan", "one");
    await expect(tunnel.up(args)).rejects.toThrow(
      /^Vxlan "vx0" on the machine: a link vx0 is there already and nothing of linuxnet's owns it\. Nothing was changed\./,
    );
    await expect(tunnel.up({ ...args, adopt: true })).rejects.toThrow(
      /vx0 is there and is no vxlan\. Nothing was changed/,
    );
    await tunnel.destroyAs(args);
    await lab.expectClean();
  });

  test("is taken over with adopt, and stays when it is let go", async ({ lab }) => {
    const mac = (await make(lab, "Vxlan", "one", args).then(async (made) => {
      const { macAddress } = made.outputs;
      await made.destroy();
      return macAddress;
    })) as string;
    await lab.sh(`ip link add vx0 address ${mac} mtu 1450 type vxlan id 42 dstport 4789 local 10.9.0.1
      bridge fdb append 00:00:00:00:00:00 dev vx0 dst 10.9.0.2; ip link set vx0 master lab0 up`);
    await lab.baseline();
    const tunnel = await make(lab, "Vxlan", "one", { ...args, adopt: true });
    expect((await link(lab, "vx0")).ifalias).toBe(`${tunnel.sealed}+adopted`);
    expect(await tunnel.refresh()).toEqual([]);
    await tunnel.destroy();
  });
});

describe("is refused, with the host as it was:", () => {
  const refusals: [what: string, change: Bag, message: RegExp][] = [
    ["an address that the host does not have", { local: "10.9.0.77" }, /this host does not have the address 10.9.0.77/],
    ["a bridge that does not exist", { bridge: "nope" }, /there is no bridge nope/],
    ["a bridge that is none", { bridge: "up0" }, /no bridge/],
    ["a namespace that does not exist", { bridge: undefined, netns: "nope" }, /there is no namespace nope/],
  ];
  test(refusals.map(([what]) => what).join(", "), async ({ lab }) => {
    for (const [what, change, message] of refusals)
      await expect(new Subject(lab, "Vxlan", "one").up({ ...args, ...change }), what).rejects.toThrow(message);
  });

  test("a network that another link has already", async ({ lab }) => {
    await lab.sh("ip link add vx1 type vxlan id 42 dstport 4789 local 10.9.0.1");
    await lab.baseline();
    await expect(new Subject(lab, "Vxlan", "one").up(args)).rejects.toThrow(
      /cannot create vxlan vx0: .*VNI already exists\. The host is as it was\./,
    );
    await lab.expectClean();
  });
});

describe("whatever happens half-way:", () => {
  test("a script that is cut off after any step is resumed, and leaves nothing", async ({ lab }) => {
    expect(await cutEverywhere(lab, "Vxlan", "one", args)).toBeGreaterThanOrEqual(5);
  });

  test("a script that fails after any step leaves nothing", async ({ lab }) => {
    expect(await failEverywhere(lab, "Vxlan", "one", args)).toBeGreaterThanOrEqual(5);
  });
});
