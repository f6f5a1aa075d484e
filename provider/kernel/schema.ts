import { z } from "zod";
import { canonicalAddress, hostAddressFault, parseCidr, subnetOf } from "./addresses.ts";

/** What all schemas share: each rule in one place, each message a rule that the reader can follow. */

const reserved = ["lo", "all", "default"];

/** The name of a link or namespace: at most 15 bytes (IFNAMSIZ, netdevice(7)), of letters, digits, `_`, `.` and `-`. */
export const linkName = z
  .string("must be a string")
  .min(1, "must not be empty")
  .refine((name) => Buffer.byteLength(name) <= 15, "must be at most 15 bytes long, the kernel's limit")
  .refine(
    (name) => /^[A-Za-z0-9_][A-Za-z0-9_.-]*$/.test(name),
    "must consist of letters, digits, _ . and -, and begin with a letter, a digit or _",
  )
  .refine(
    (name) => !reserved.includes(name),
    "must not be lo, all or default, which mean something else to the kernel",
  );

/** Any text that can travel: half a surrogate pair would arrive as another character. */
export const text = z
  .string("must be a string")
  .refine((given) => given.isWellFormed(), "must not contain half a surrogate pair, which no text can hold");

/** A namespace that something is put into. */
export const netnsName = linkName;

/** A TCP, UDP or SCTP port. */
export const port = z
  .number("must be a number from 1 to 65535")
  .int("must be a whole number from 1 to 65535")
  .min(1, "must be from 1 to 65535")
  .max(65535, "must be from 1 to 65535");

/** A port, or a range `"8000-8010"`; canonical: a number for one port, else the text. */
export const portRange = z.union(
  [
    port,
    z
      .string()
      .regex(/^[1-9]\d{0,4}-[1-9]\d{0,4}$/, 'must be a port (a number) or a range such as "8000-8010"')
      .refine((text) => text.split("-").every((part) => Number(part) <= 65535), "must stay within 1 to 65535")
      .refine(
        (text) => Number(text.split("-")[0]) <= Number(text.split("-")[1]),
        "must not be reversed: the lower port comes first",
      ),
  ],
  'must be a port (a number from 1 to 65535) or a range such as "8000-8010"',
);

/** The size of a link's packets: 68 is the least that IPv4 allows (RFC 791), 65535 the most that it can say. */
export const mtu = z
  .number("must be a number from 68 to 65535")
  .int("must be a whole number from 68 to 65535")
  .min(68, "must be at least 68, the least that IPv4 allows (RFC 791)")
  .max(65535, "must be at most 65535");

/** A MAC address; canonical: lower case. Multicast ones belong to no interface. */
export const macAddress = z
  .string("must be a string")
  .regex(/^[0-9A-Fa-f]{2}(:[0-9A-Fa-f]{2}){5}$/, 'must be a MAC address such as "02:00:00:00:00:01"')
  .refine(
    (mac) => (Number.parseInt(mac.slice(0, 2), 16) & 1) === 0,
    "must be a unicast address: its first byte is even",
  )
  .refine((mac) => !/^00(:00){5}$/.test(mac), "must not be all zeros")
  .transform((mac) => mac.toLowerCase());

/** A single address; canonical. */
export const address = z
  .string("must be a string")
  .transform((text, context) => canonicalAddress(text) ?? refused(context, addressFault(text)));

/** The address of an interface with its prefix; canonical. */
export const interfaceAddress = z.string("must be a string").transform((text, context) => {
  const cidr = parseCidr(text);
  if (!cidr)
    return refused(context, text.includes("/") ? addressFault(text) : `must have a prefix length, such as ${text}/24`);
  const canonical = `${cidr.address}/${cidr.prefix}`;
  const fault = hostAddressFault(canonical);
  return fault ? refused(context, `must be an address that a host can have: ${fault}`) : canonical;
});

/** A subnet; a bare address stands for itself alone, and bits behind the prefix are refused. */
export const subnet = z.string("must be a string").transform((text, context) => {
  const bare = canonicalAddress(text);
  if (bare) return `${bare}/${bare.includes(":") ? 128 : 32}`;
  const cidr = parseCidr(text);
  if (!cidr) return refused(context, addressFault(text));
  const canonical = `${cidr.address}/${cidr.prefix}`;
  const network = subnetOf(canonical);
  return network === canonical ? network : refused(context, `has bits set behind its prefix; did you mean ${network}?`);
});

/** One value, or several as a list. */
export function oneOrMore<T extends z.ZodType>(item: T) {
  return z.union([item, z.array(item).min(1, "must not be an empty list")], "must be a string, or a list of strings");
}

function refused(context: z.RefinementCtx, message: string): never {
  context.addIssue({ code: "custom", message });
  return z.NEVER;
}

function addressFault(text: string): string {
  if (/(^|\.)0\d/.test(text)) return "must be an address without leading zeros";
  if (/^::ffff:\d+\./i.test(text)) return "must be plain IPv4, not IPv4 within IPv6";
  return "must be an IPv4 or IPv6 address";
}

/** The name of a link that packets come in or leave by: any that the kernel has, or `uplink`. */
export const interfaceName = z
  .string("must be a string")
  .refine((name) => Buffer.byteLength(name) <= 15, "must be at most 15 bytes long, the kernel's limit")
  .refine(
    (name) => /^[A-Za-z0-9_][A-Za-z0-9_.@-]*$/.test(name),
    "must be the name of a link: letters, digits, _ . and -",
  );

/** Which of the kernel's languages for packet rules is used. */
export const backend = z
  .enum(["auto", "nftables", "iptables"], 'must be "auto", "nftables" or "iptables"')
  .default("auto");
