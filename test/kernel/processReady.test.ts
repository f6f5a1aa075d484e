import { expect } from "vitest";
import { make, Subject } from "../support/subject.ts";
import { test } from "../support/test.ts";

/** Listens after a while, as programs do; node is where the tests are. */

test("it waits for a port, a datagram socket and a line", async ({ machine }) => {
  await machine.sh("ip netns add web && ip -n web link set lo up");
  await machine.baseline();
  const code = [
    "import socket, time",
    "time.sleep(0.3)",
    "listening = socket.create_server(('127.0.0.1', 8080))",
    "hearing = socket.socket(socket.AF_INET6, socket.SOCK_DGRAM)",
    "hearing.bind(('::', 5353))",
    "time.sleep(0.2)",
    "print('all up: yes')",
    "time.sleep(1000)",
  ].join("\n");
  const args = {
    netns: "web",
    command: ["/usr/bin/python3", "-u", "-c", code],
    ready: { tcp: 8080, udp: 5353, log: "up: y" },
  };
  const subject = await make(machine, "Process", "p", args);
  expect(await machine.sh("ip netns exec web ss -Hltn; ip netns exec web ss -Hlun")).toMatch(/:8080 [\s\S]*:5353 /);
  expect(await machine.sh("ss -Hltn 'sport != :22'")).toBe("");
  expect(await machine.sh(`cat ${subject.outputs.logPath}`)).toBe("all up: yes");
  const { pid } = subject.outputs;
  expect((await subject.up({ ...args, ready: { tcp: 8080 } })).properties).toEqual(["ready"]);
  expect(subject.outputs.pid).toBe(pid);
  await subject.destroy();
});

test("one that ends before it is ready, or is never ready: one sentence, and nothing is left", async ({ machine }) => {
  const subject = new Subject(machine, "Process", "p");
  const ready = { tcp: 8080, timeout: "1s" };
  const failing = ["sh", "-c", "sleep 1; echo one; echo address in use >&2; exit 7"];
  await expect(subject.up({ command: failing, ready: { tcp: 8080 } })).rejects.toThrow(
    "it ended before it was ready: it exited with code 7: address in use. It was removed again.",
  );
  await machine.expectClean();
  await expect(subject.up({ command: ["sh", "-c", "echo hello; exec sleep 1000"], ready })).rejects.toThrow(
    "it was not ready within 1s: nothing listens on TCP port 8080 on the host; the last line of its log: hello. It was removed again.",
  );
  await machine.expectClean();
  await expect(
    subject.up({ command: ["sleep", "1000"], ready: { log: "it's $(up)", timeout: "50ms" } }),
  ).rejects.toThrow('it was not ready within 50ms: its log has no line with "it\'s $(up)"');
  await machine.expectClean();
  await expect(subject.up({ command: ["sleep", "1000"], ready: { udp: 8080, timeout: "50ms" } })).rejects.toThrow(
    "nothing has bound UDP port 8080",
  );
});

test("it sees the resolv.conf and the hosts of its namespace", async ({ machine }) => {
  await machine.sh("ip netns add web");
  await machine.baseline();
  const hosts = { hosts: { db: "10.0.0.2" } };
  const dns = await make(machine, "ResolvConf", "dns", { netns: "web", nameservers: ["10.0.0.1"], ...hosts });
  const command = ["sh", "-c", "cat /etc/resolv.conf; getent hosts db; exec sleep 1000"];
  const subject = await make(machine, "Process", "p", { netns: "web", command, ready: { log: "db" } });
  expect(await machine.sh(`tail -n 2 ${subject.outputs.logPath}`)).toMatch(/^nameserver 10.0.0.1\n10.0.0.2 +db$/);
  await subject.destroy();
  await dns.destroy();
});
