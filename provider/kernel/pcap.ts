/** A packet as it was captured: when, and its first bytes. */
export interface Frame {
  /** Microseconds since 1970, by the clock of the host that captured it. */
  at: number;
  /** How long it was; what was kept may be shorter. */
  length: number;
  bytes: Uint8Array;
}

const headerLength = 24;
const recordLength = 16;

/**
 * Reads what `tcpdump -w -` writes, as it comes (pcap-savefile(5)). Both orders of bytes are read, and times in microseconds and
 * in nanoseconds.
 */
export class PcapReader {
  /** The kind of link (pcap-linktype(7)); undefined until the header has come. */
  linktype: number | undefined;
  #rest = new Uint8Array(0);
  #little = true;
  #perMicrosecond = 1;

  /**
   * Takes the next bytes.
   * @returns the packets that are whole by now
   * @throws RangeError when this is no pcap
   */
  push(bytes: Uint8Array): Frame[] {
    this.#rest = Buffer.concat([this.#rest, bytes]);
    if (this.linktype === undefined && !this.#header()) return [];
    const frames: Frame[] = [];
    for (let frame = this.#record(); frame; frame = this.#record()) frames.push(frame);
    return frames;
  }

  #number(at: number): number {
    return new DataView(this.#rest.buffer, this.#rest.byteOffset).getUint32(at, this.#little);
  }

  #take(length: number): Uint8Array {
    const taken = this.#rest.subarray(0, length);
    this.#rest = this.#rest.subarray(length);
    return taken;
  }

  #header(): boolean {
    if (this.#rest.length < headerLength) return false;
    const magic = new DataView(this.#rest.buffer, this.#rest.byteOffset).getUint32(0, true);
    this.#little = magic === 0xa1b2c3d4 || magic === 0xa1b23c4d;
    const own = this.#number(0);
    if (own !== 0xa1b2c3d4 && own !== 0xa1b23c4d) throw new RangeError("this is no pcap");
    this.#perMicrosecond = own === 0xa1b23c4d ? 1000 : 1;
    this.linktype = this.#number(20) & 0xffff;
    this.#take(headerLength);
    return true;
  }

  #record(): Frame | undefined {
    if (this.#rest.length < recordLength) return undefined;
    const kept = this.#number(8);
    if (this.#rest.length < recordLength + kept) return undefined;
    const at = this.#number(0) * 1_000_000 + Math.floor(this.#number(4) / this.#perMicrosecond);
    const length = this.#number(12);
    return { at, length, bytes: this.#take(recordLength + kept).subarray(recordLength) };
  }
}
