/** A place where packets were captured: one interface of a pcapng. */
export interface Interface {
  name: string;
  description: string;
  /** pcap-linktype(7). */
  linktype: number;
}

const endOfOptions = Buffer.alloc(4);

/** The block that a pcapng begins with (draft-ietf-opsawg-pcapng, 4.1). @param application what wrote it */
export function sectionHeader(application: string): Buffer {
  const body = Buffer.alloc(16);
  body.writeUInt32LE(0x1a2b3c4d, 0);
  body.writeUInt16LE(1, 4);
  // The section's length is not known.
  body.writeBigInt64LE(-1n, 8);
  return block(0x0a0d0d0a, [body, option(4, Buffer.from(application)), endOfOptions]);
}

/** The block of an interface (4.2): they are numbered from 0 in the order in which they stand. Times are in microseconds. */
export function interfaceBlock({ name, description, linktype }: Interface): Buffer {
  const body = Buffer.alloc(8);
  body.writeUInt16LE(linktype, 0);
  body.writeUInt32LE(262_144, 4);
  const options = [option(2, Buffer.from(name)), option(3, Buffer.from(description)), option(9, Buffer.from([6]))];
  return block(1, [body, ...options, endOfOptions]);
}

/**
 * The block of a packet (4.3).
 *
 * @param number that of its interface
 * @param at microseconds since 1970
 * @param length how long the packet was; `bytes` may be less
 */
export function packetBlock(number: number, at: number, length: number, bytes: Uint8Array): Buffer {
  const body = Buffer.alloc(20);
  body.writeUInt32LE(number, 0);
  body.writeUInt32LE(Math.floor(at / 2 ** 32), 4);
  body.writeUInt32LE(at % 2 ** 32, 8);
  body.writeUInt32LE(bytes.length, 12);
  body.writeUInt32LE(length, 16);
  return block(6, [body, padded(bytes)]);
}

function option(code: number, value: Buffer): Buffer {
  const head = Buffer.alloc(4);
  head.writeUInt16LE(code, 0);
  head.writeUInt16LE(value.length, 2);
  return Buffer.concat([head, padded(value)]);
}

/** Everything ends at a multiple of four bytes. */
function padded(bytes: Uint8Array): Buffer {
  return Buffer.concat([bytes, Buffer.alloc((4 - (bytes.length % 4)) % 4)]);
}

function block(type: number, parts: readonly Buffer[]): Buffer {
  const length = parts.reduce((sum, part) => sum + part.length, 12);
  const head = Buffer.alloc(8);
  head.writeUInt32LE(type, 0);
  head.writeUInt32LE(length, 4);
  const tail = Buffer.alloc(4);
  tail.writeUInt32LE(length, 0);
  return Buffer.concat([head, ...parts, tail]);
}
