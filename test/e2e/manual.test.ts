// The lab "one container by hand": its way out, what the forgotten default route does, and an address changed in place.
import { readFileSync } from "node:fs";
import { describe, expect } from "vitest";
import { cloneTest as test } from "../support/clone.ts";
import { differing, identities } from "../support/identity.ts";
import { machineAddress, worldAddress } from "../support/machine.ts";
import { fetched, reaches } from "../support/probes.ts";
import { checkout, succeeded } from "../support/stack.ts";
import { at, Transfer } from "../support/transfer.ts";
import { openOutside } from "./examples-lab.ts";

const program = readFileSync(`${checkout}/examples/manual/index.ts`, "utf8");
const gateway = '    gateway: "192.168.1.1",\n';

/** The program with other addresses of the container, and without the default route. */
const withAddresses = (...addresses: string[]) => program.replace('["192.168.1.2/24"]', JSON.stringify(addresses));
const routeless = (text: string) => text.replace(gateway, "");

/** The lines of a diff that change something. */
const changed = (diff: string) =>
  diff
    .split("\n")
    .filter((line) => /^ +[-+~] (\w+|\[\d+\]) *:/.test(line))
    .map((line) => line.trim().replace(/ +:/, ":"));

describe("the lab by hand", () => {
  test("reaches its gateway and the world, and goes without a trace", async ({ machine, clone, open }) => {
    await openOutside(machine, "192.168.1.2", machineAddress);
    const config = { world: JSON.stringify([worldAddress]), outside: JSON.stringify({ netns: "outside" }) };
    const stack = await open(undefined, { folder: `${clone.folder}/examples/manual`, config });
    succeeded(await stack.up());
    expect(await reaches(machine, "mycontainer", "192.168.1.1")).toBe(true);
    expect(await reaches(machine, "mycontainer", worldAddress)).toBe(true);
    expect(await reaches(machine, "mycontainer", "127.0.0.1")).toBe(true);
    expect(await machine.sh("ip -n mycontainer -br link")).toMatch(/^lo .*\nveth-container@if/);

    // What the world sees is the host's address, and not the container's.
    const world = await machine.spawn([...at("world"), "python3", "-m", "http.server", "8000"]);
    await machine.world("until ss -Htln sport = :8000 | grep -q .; do sleep 0.02; done");
    expect(await fetched(machine, "mycontainer", `http://${worldAddress}:8000/`)).toContain("Directory listing");
    await machine.sh(`kill ${world}`);
    const flows = await machine.sh("conntrack -L -p tcp --orig-src 192.168.1.2 2>/dev/null");
    expect(flows).toContain(`dst=${machineAddress} `);

    succeeded(await stack.preview("--diff", "--expect-no-changes"));
    succeeded(await stack.destroy());
  });

  test("is changed in place, and the preview shows that property alone", async ({ machine, clone, open }) => {
    const stack = await open(undefined, { folder: `${clone.folder}/examples/manual` });
    const first = withAddresses("192.168.1.2/24", "192.168.1.3/24");
    expect(routeless(first)).not.toBe(first);
    stack.write(routeless(first));
    succeeded(await stack.up());
    const before = await identities(machine);
    const transfer = await Transfer.begin(machine, "host", "mycontainer", "192.168.1.3", 9001);
    expect(await reaches(machine, "mycontainer", "192.168.1.1")).toBe(true);
    expect(await reaches(machine, "mycontainer", worldAddress, 1)).toBe(false);

    stack.write(first);
    const route = succeeded(await stack.preview("--diff"));
    expect(changed(route.stdout)).toEqual(["~ peer: {", '+ gateway: "192.168.1.1"']);
    expect(succeeded(await stack.up()).changes).toEqual({ update: 1, same: 7 });
    expect(await reaches(machine, "mycontainer", worldAddress)).toBe(true);

    // The first address is the one that the others of its subnet depend on in the kernel.
    stack.write(withAddresses("192.168.1.5/24", "192.168.1.3/24"));
    const address = succeeded(await stack.preview("--diff"));
    expect(changed(address.stdout)).toEqual([
      "~ peer: {",
      "~ addresses: [",
      '~ [0]: "192.168.1.2/24" => "192.168.1.5/24"',
    ]);
    expect(succeeded(await stack.up()).changes).toEqual({ update: 1, same: 7 });
    expect(await reaches(machine, "host", "192.168.1.5")).toBe(true);
    expect(await reaches(machine, "host", "192.168.1.2", 1)).toBe(false);
    expect(await reaches(machine, "mycontainer", worldAddress)).toBe(true);

    expect(differing(before, await identities(machine))).toEqual([]);
    await transfer.goesOn();
    succeeded(await stack.preview("--diff", "--expect-no-changes"));
    await transfer.end();
    succeeded(await stack.destroy());
  });
});
