import { familyOf, rangeOf } from "./addresses.ts";
import type { IptablesRule } from "./iptables.ts";
import { toLocal } from "./iptables-rules.ts";

/** Comes before what a user lets through: a forged source is nobody's wish. */
const tier = 0;

/** Of IPv6 the kernel's own addresses of a link are right sources too (RFC 4291, 2.5.6). */
const linkLocal = "fe80::-febf:ffff:ffff:ffff:ffff:ffff:ffff:ffff";

/**
 * The source check of a bridge where nft does not work: what comes from it, and goes to the host or elsewhere, carries an
 * address of one of the bridge's subnets. What stays on the bridge is free. `-s` takes one subnet where it is denied, so all are
 * ranges (iptables-extensions(8), iprange). A family of which the bridge has no address is not checked.
 *
 * @param addresses the bridge's own addresses, with prefix
 */
export function sourceRules(name: string, addresses: readonly string[]): IptablesRule[] {
  return ([4, 6] as const).flatMap((family): IptablesRule[] => {
    const ranges = addresses.filter((cidr) => familyOf(cidr) === family).map(rangeOf);
    if (ranges.length === 0) return [];
    if (family === 6) ranges.push(linkLocal);
    const other = ranges.toSorted().flatMap((range) => ["-m", "iprange", "!", "--src-range", range]);
    return [
      { family, chain: "LINUXNET-RAW", spec: ["-i", name, ...other, ...toLocal, "-j", "DROP"], tier },
      { family, chain: "LINUXNET-FWD", spec: ["-i", name, "!", "-o", name, ...other, "-j", "DROP"], tier },
    ];
  });
}
