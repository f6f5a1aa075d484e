/** What a packet says of itself: where from, where to. */
export interface Packet {
  protocol: "tcp" | "udp" | "icmp" | "icmpv6" | `${number}`;
  source: string;
  destination: string;
  /** Of tcp and udp. */
  sourcePort?: number;
  destinationPort?: number;
  /** Of tcp: the flags that are set, as tcpdump writes them (`S`, `S.`, `R.`). */
  flags?: string;
  /** Of ICMP: type and code. */
  icmp?: { type: number; code: number };
  /** Of an echo: its identifier. */
  id?: number;
  /** Of an ICMP error: the packet that it is about. */
  about?: Packet;
  /** How many routers it may still pass. */
  ttl: number;
}

/** A packet as the device `any` shows it. */
export interface Sight {
  /** The link's number in its namespace. */
  link: number;
  way: "in" | "out";
  packet: Packet;
}

/** The link type of `tcpdump -i any -y LINUX_SLL2` (pcap-linktype(7)). */
export const cooked2 = 276;

/** Reads a frame of {@link cooked2}; undefined where it is no IP packet, or was meant for another machine. */
export function readCooked(bytes: Uint8Array): Sight | undefined {
  if (bytes.length < 20) return undefined;
  const view = viewOf(bytes);
  const [protocol, link, kind] = [view.getUint16(0), view.getUint32(4), view.getUint8(10)];
  if (protocol !== 0x0800 && protocol !== 0x86dd) return undefined;
  const packet = readIp(bytes.subarray(20));
  // PACKET_OTHERHOST is 3, PACKET_OUTGOING is 4 (packet(7)). A bridge's port takes in what is for others.
  return packet && { link, way: kind === 4 ? "out" : "in", packet };
}

function viewOf(bytes: Uint8Array): DataView {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}

/** Reads an IP packet; undefined where it is cut off too early, or a later fragment. */
export function readIp(bytes: Uint8Array): Packet | undefined {
  const version = (bytes[0] ?? 0) >> 4;
  if (version === 4 && bytes.length >= 20) return readIp4(bytes);
  return version === 6 && bytes.length >= 40 ? readIp6(bytes) : undefined;
}

function readIp4(bytes: Uint8Array): Packet | undefined {
  const view = viewOf(bytes);
  if ((view.getUint16(6) & 0x1fff) !== 0) return undefined;
  const header = (view.getUint8(0) & 15) * 4;
  const address = (at: number) => [...bytes.subarray(at, at + 4)].join(".");
  const base = { source: address(12), destination: address(16), ttl: view.getUint8(8) };
  return inner(base, view.getUint8(9), bytes.subarray(header));
}

/** Extension headers that only carry a length (RFC 8200): hop-by-hop, routing, destination options. */
const extensions = [0, 43, 60];

function readIp6(bytes: Uint8Array): Packet | undefined {
  const view = viewOf(bytes);
  const base = { source: address6(bytes, 8), destination: address6(bytes, 24), ttl: view.getUint8(7) };
  let [next, at] = [view.getUint8(6), 40];
  while (extensions.includes(next) && at + 2 <= bytes.length) {
    const length = (view.getUint8(at + 1) + 1) * 8;
    next = view.getUint8(at);
    at += length;
  }
  return inner(base, next, bytes.subarray(at));
}

/** Writes an IPv6 address the short way (RFC 5952). */
function address6(bytes: Uint8Array, at: number): string {
  const view = viewOf(bytes);
  const words = Array.from({ length: 8 }, (_, index) => view.getUint16(at + index * 2).toString(16));
  const { hostname } = new URL(`http://[${words.join(":")}]`);
  return hostname.slice(1, -1);
}

type Base = Pick<Packet, "source" | "destination" | "ttl">;

function inner(base: Base, protocol: number, bytes: Uint8Array): Packet | undefined {
  if (protocol === 6 || protocol === 17) return withPorts(base, protocol, bytes);
  if (protocol === 1 || protocol === 58) return withIcmp(base, protocol, bytes);
  return { ...base, protocol: `${protocol}` };
}

function withPorts(base: Base, protocol: number, bytes: Uint8Array): Packet | undefined {
  if (bytes.length < 8) return undefined;
  const view = viewOf(bytes);
  const ports = { sourcePort: view.getUint16(0), destinationPort: view.getUint16(2) };
  if (protocol === 17) return { ...base, protocol: "udp", ...ports };
  // What an ICMP error quotes may end before the flags.
  const flags = bytes.length >= 14 ? { flags: flagsText(view.getUint8(13)) } : {};
  return { ...base, protocol: "tcp", ...ports, ...flags };
}

/** Flags as tcpdump(1) writes them. */
function flagsText(bits: number): string {
  const names = ["F", "S", "R", "P", ".", "U"];
  return names.filter((_, index) => bits & (1 << index)).join("");
}

function withIcmp(base: Base, number: number, bytes: Uint8Array): Packet | undefined {
  if (bytes.length < 8) return undefined;
  const view = viewOf(bytes);
  const [type, code] = [view.getUint8(0), view.getUint8(1)];
  const four = number === 1;
  const packet: Packet = { ...base, protocol: four ? "icmp" : "icmpv6", icmp: { type, code } };
  if ((four ? [0, 8] : [128, 129]).includes(type)) return { ...packet, id: view.getUint16(4) };
  const isError = four ? [3, 11, 12].includes(type) : type < 128;
  const about = isError ? readIp(bytes.subarray(8)) : undefined;
  return about ? { ...packet, about } : packet;
}

/** Whether a packet asks for an echo, or is one. */
export function isEcho({ protocol, icmp }: Packet, what: "request" | "reply"): boolean {
  const type = { icmp: { request: 8, reply: 0 }, icmpv6: { request: 128, reply: 129 } };
  return (protocol === "icmp" || protocol === "icmpv6") && icmp?.type === type[protocol][what];
}
