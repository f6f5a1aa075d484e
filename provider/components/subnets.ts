import { createHash } from "node:crypto";
import * as pulumi from "@pulumi/pulumi";
import { overlaps, parseCidr } from "../kernel/addresses.ts";

/** The subnets that this program's networks have so far, each with its network. */
const used: { network: string; subnet: string }[] = [];

/**
 * Notes a subnet that the program names.
 * @throws RunError when it overlaps that of another network of this program
 */
export function takeSubnet(network: string, subnet: string): void {
  if (!parseCidr(subnet)) return;
  const other = used.find((one) => overlaps(one.subnet, subnet));
  if (other)
    throw new pulumi.RunError(
      `network "${network}": its subnet ${subnet} overlaps ${other.subnet} of network "${other.network}"`,
    );
  used.push({ network, subnet });
}

/** A subnet for a network that names none: a /24 of 10.200.0.0/16 by its name, stepped past those that are used so far. */
export function chooseSubnet(network: string): string {
  const start = createHash("sha256").update(network).digest()[0] ?? 0;
  for (let step = 0; step < 256; step += 1) {
    const subnet = `10.200.${(start + step) % 256}.0/24`;
    if (used.some((one) => overlaps(one.subnet, subnet))) continue;
    used.push({ network, subnet });
    return subnet;
  }
  throw new pulumi.RunError(
    `network "${network}": all of 10.200.0.0/16 is used by this program's networks; give it a subnet`,
  );
}
