// The lab "drivers": what is reached from where, with each of the drivers, by real connections.
import { describe, expect } from "vitest";
import { cloneTest as test } from "../support/clone.ts";
import { machineAddress } from "../support/machine.ts";
import { fetched } from "../support/probes.ts";
import { succeeded } from "../support/stack.ts";

const page = "Directory listing";

interface Outputs {
  namespaces: Record<"monServeur" | "neighbour" | "client" | "stranger" | "onHost" | "alone", string>;
  address: string;
  inspect: unknown;
}

describe("the drivers", () => {
  test("bridge, host and none: what each of them sees and reaches", async ({ machine, clone, open }) => {
    const stack = await open(undefined, { folder: `${clone.folder}/examples/drivers` });
    succeeded(await stack.up());
    const outputs = (await stack.outputs()) as unknown as Outputs;
    const { monServeur, neighbour, client, stranger, onHost, alone } = outputs.namespaces;
    const { address } = outputs;
    expect(address).toBe("172.19.0.2");
    expect(outputs.inspect).toMatchObject([
      {
        Name: "bridge",
        Driver: "bridge",
        IPAM: { Config: [{ Subnet: "172.19.0.0/24", Gateway: "172.19.0.1" }] },
        Containers: expect.anything(),
      },
    ]);
    const [{ Options = {} } = {}] = outputs.inspect as { Options?: Record<string, string> }[];
    const gateway = await machine.sh("ip -o -4 addr show to 172.19.0.1 | awk '{ print $2 }'");
    expect(Options["com.docker.network.bridge.name"]).toBe(gateway);

    // From the host, by an address that is not the bridge's: the container's, and the host's own.
    const host = `http://${machineAddress}:8080/`;
    for (const url of [`http://${address}/`, host]) expect(await fetched(machine, "host", url)).toContain(page);
    expect(await fetched(machine, "world", host)).toContain(page);

    // The second is in the namespace of the first: the same sockets, the same interfaces.
    expect(neighbour).toBe(monServeur);
    const inside = (netns: string, command: string) => machine.sh(`ip netns exec ${netns} ${command}`);
    expect(await inside(neighbour, "ss -Htln")).toMatch(/0\.0\.0\.0:80 /);
    expect(await inside(neighbour, "ip -o -4 addr")).toContain(`${address}/24`);

    // The third knows it by its alias, in a hosts file that nobody else sees.
    expect(await inside(client, "curl -sf -m 5 http://serveur/")).toContain(page);
    expect(await inside(client, `curl -sf -m 5 http://${address}/`)).toContain(page);
    for (const url of ["http://serveur/", `http://${address}/`, host.replace("8080", "80")])
      expect((await machine.exec(`ip netns exec ${stranger} curl -sf -m 2 ${url}`)).code, url).not.toBe(0);

    expect(onHost).toBe("");
    const seen = await machine.sh("nsenter -t $(pgrep -f '^python3 .*8081') -n ip -br link");
    expect(seen).toMatch(/^up0/m);
    expect(await inside(alone, "ip -o link")).toMatch(/^1: lo: [^\n]*UP[^\n]*$/);
    expect(await machine.sh("ss -Htln sport = :8081")).toContain("127.0.0.1:8081");

    succeeded(await stack.preview("--diff", "--expect-no-changes"));
    succeeded(await stack.destroy());
  });
});
