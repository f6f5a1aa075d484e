// A pcapng, byte by byte (draft-ietf-opsawg-pcapng).
import { expect, test } from "vitest";
import { interfaceBlock, packetBlock, sectionHeader } from "../../../provider/kernel/pcapng.ts";

test("every block says its length at both ends, and all of it lies at multiples of four bytes", () => {
  const blocks = [
    sectionHeader("a"),
    interfaceBlock({ name: "web", description: "eth0 on lab1", linktype: 1 }),
    ...[0, 1, 2, 3, 4].map((length) => packetBlock(1, 1_700_000_000_123_456, 1500, new Uint8Array(length).fill(7))),
  ];
  for (const block of blocks) {
    expect(block.length % 4).toBe(0);
    expect(block.readUInt32LE(4)).toBe(block.length);
    expect(block.readUInt32LE(block.length - 4)).toBe(block.length);
  }
});

test("a packet keeps its time to the microsecond, its length, and its first bytes", () => {
  const block = packetBlock(2, 1_700_000_000_123_456, 1500, Buffer.from("abcde"));
  expect(block.readUInt32LE(8)).toBe(2);
  expect(block.readUInt32LE(12) * 2 ** 32 + block.readUInt32LE(16)).toBe(1_700_000_000_123_456);
  expect([block.readUInt32LE(20), block.readUInt32LE(24)]).toEqual([5, 1500]);
  expect(block.subarray(28, 36).toString()).toBe("abcde\0\0\0");
});
