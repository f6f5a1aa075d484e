import { createHash } from "node:crypto";
import { overlaps } from "./addresses.ts";

/** A /24 of 10.200.0.0/16 by a network's name, stepped past those that are used; undefined when all are. */
export function freeSubnet(network: string, used: readonly string[]): string | undefined {
  const start = createHash("sha256").update(network).digest()[0] ?? 0;
  for (let step = 0; step < 256; step += 1) {
    const subnet = `10.200.${(start + step) % 256}.0/24`;
    if (!used.some((one) => overlaps(one, subnet))) return subnet;
  }
  return undefined;
}
