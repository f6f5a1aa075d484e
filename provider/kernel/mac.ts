import { createHash } from "node:crypto";

/**
 * A MAC address of our own making: locally administered, unicast (IEEE 802-2014, 8.4), the same for the same words on every
 * run. Every link gets one when it is made, since udev replaces one that the kernel chose.
 */
export function derivedMac(...words: readonly string[]): string {
  const bytes = createHash("sha256").update(words.join("\n")).digest().subarray(0, 6);
  bytes[0] = ((bytes[0] ?? 0) & 0xfc) | 0x02;
  return [...bytes].map((byte) => byte.toString(16).padStart(2, "0")).join(":");
}
