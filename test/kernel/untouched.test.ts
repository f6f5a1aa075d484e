// What a repair leaves alone: the other pairs, their numbers, and what runs through them.
import { expect } from "vitest";
import { make } from "../support/subject.ts";
import { args, test } from "./vethPair-lab.ts";

type Bag = Record<string, unknown>;

test("what is repaired touches no other pair: its number stays, and a transfer through it goes on", async ({ lab }) => {
  const one = await make(lab, "VethPair", "one", args);
  const far = { name: "eth0", netns: "ct2", addresses: ["172.18.0.12/16"] };
  const two = await make(lab, "VethPair", "two", { name: "veth2", bridge: "br0", peer: far });
  const before = [two.outputs.ifindex, (two.outputs.peer as Bag).ifindex];
  const server = await lab.spawn(
    [
      "python3",
      "-c",
      "import socket; s=socket.create_server(('172.18.0.12',5000)); c,_=s.accept(); f=open('/run/got','wb')\nwhile d:=c.recv(65536): f.write(d); f.flush()",
    ],
    "ct2",
  );
  await lab.sh("until ip netns exec ct2 ss -ltn | grep -q :5000; do sleep 0.02; done");
  const text =
    "import socket,time; c=socket.create_connection(('172.18.0.12',5000))\nfor n in range(100): c.sendall(b'x'*1000); time.sleep(0.02)";
  const client = await lab.spawn(["python3", "-c", text]);
  await lab.sh(
    "until [ -s /run/got ]; do sleep 0.02; done; ip netns exec ct1 ip link set eth0 down; ip link set veth1 mtu 1300",
  );
  expect(await one.refresh()).toEqual(["drift", "mtu", "peer"]);
  await one.up(args);
  await lab.sh(`while [ -d /proc/${server} ] || [ -d /proc/${client} ]; do sleep 0.05; done`);
  expect(await lab.sh("stat -c %s /run/got")).toBe("100000");
  expect(await two.refresh()).toEqual([]);
  expect([two.outputs.ifindex, (two.outputs.peer as Bag).ifindex]).toEqual(before);
  await one.destroy();
  await two.destroy();
});
