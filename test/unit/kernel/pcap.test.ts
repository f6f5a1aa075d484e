// Captured bytes, as data: the stream of tcpdump, and the packets in it.
import { expect, test } from "vitest";
import { type Packet, readCooked, readIp } from "../../../provider/kernel/packet.ts";
import { PcapReader } from "../../../provider/kernel/pcap.ts";

/** Two frames of `tcpdump -i any -y LINUX_SLL2`: an echo that comes in by link 3 and goes out by link 2, masqueraded. */
const stream = Buffer.from(
  [
    "1MOyoQIABAAAAAAAAAAAAKAAAAAUAQAAHAUCa5EfAgBoAAAAaAAAAAgAAAAAAAADAAEABtbF04dO",
    "bAAARQAAVEVFQABAAa9XCgkAAssAcQEIAKI1EmcAARwFAmsAAAAAZB8CAAAAAAAQERITFBUWFxgZ",
    "GhscHR4fICEiIyQlJicoKSorLC0uLzAxMjM0NTY3HAUCa9sfAgBoAAAAaAAAAAgAAAAAAAACAAEE",
    "BnoV3Rw7cwAARQAAVEVFQAA/AX5fywBxAssAcQEIAKI1EmcAARwFAmsAAAAAZB8CAAAAAAAQERIT",
    "FBUWFxgZGhscHR4fICEiIyQlJicoKSorLC0uLzAxMjM0NTY3",
  ].join(""),
  "base64",
);

test("frames are read however the stream is cut", () => {
  for (const size of [1, 7, 1000]) {
    const reader = new PcapReader();
    const cuts = Array.from({ length: Math.ceil(stream.length / size) }, (_, index) =>
      stream.subarray(index * size, (index + 1) * size),
    );
    const frames = cuts.flatMap((cut) => reader.push(cut));
    expect(reader.linktype).toBe(276);
    expect(frames.map(({ length, bytes }) => [length, bytes.length])).toEqual([
      [104, 104],
      [104, 104],
    ]);
    expect((frames[1]?.at ?? 0) - (frames[0]?.at ?? 0)).toBe(74);
    const echo = { protocol: "icmp", destination: "203.0.113.1", icmp: { type: 8, code: 0 }, id: 4711 };
    expect(frames.map(({ bytes }) => readCooked(bytes))).toEqual([
      { link: 3, way: "in", packet: { ...echo, source: "10.9.0.2", ttl: 64 } },
      { link: 2, way: "out", packet: { ...echo, source: "203.0.113.2", ttl: 63 } },
    ]);
  }
  expect(() => new PcapReader().push(Buffer.alloc(24))).toThrow(RangeError);
});

test("an ICMP error is read with the packet that it is about, over IPv6 too", () => {
  const udp = "1388003500080000";
  const inner = `6000000000081140${"fd00000000000000000000000000000a"}${"fd00000000000000000000000000000b"}${udp}`;
  const outer = `6000000000383a40${"fd00000000000000000000000000000b"}${"fd00000000000000000000000000000a"}0104000000000000${inner}`;
  const about: Packet = {
    protocol: "udp",
    source: "fd00::a",
    destination: "fd00::b",
    sourcePort: 5000,
    destinationPort: 53,
    ttl: 64,
  };
  expect(readIp(Buffer.from(outer, "hex"))).toMatchObject({ protocol: "icmpv6", icmp: { type: 1, code: 4 }, about });
});

test("what is cut off too early, or is a later fragment, is no packet", () => {
  expect(readIp(Buffer.from("4500", "hex"))).toBeUndefined();
  expect(readIp(Buffer.from("450000280000000140060000010203040506070800000000", "hex"))).toBeUndefined();
  expect(readCooked(Buffer.alloc(10))).toBeUndefined();
});
