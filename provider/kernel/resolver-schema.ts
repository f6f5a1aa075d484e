import { isIP } from "node:net";
import { z } from "zod";
import { canonicalAddress, familyOf } from "./addresses.ts";
import { type Issue, when } from "./issue.ts";
import { address } from "./schema.ts";

/** A name, of one part or several (RFC 1123, 2.1; `_` is Docker's too). */
export const dnsName = z
  .string("must be a string")
  .refine(
    (name) => /^[A-Za-z0-9][A-Za-z0-9_-]{0,62}(\.[A-Za-z0-9][A-Za-z0-9_-]{0,62})*$/.test(name),
    "must be a name of DNS: letters, digits, _ and -, 1 to 63 of them between dots, and each part begins with a letter or a digit",
  )
  .refine((name) => name.length <= 200, "must be at most 200 characters long, since the network's name comes behind it")
  .refine((name) => isIP(name) === 0, "must be a name, and is an address")
  .refine((name) => name.toLowerCase() !== "localhost", "must not be localhost, which everyone has of their own");

/** Who is asked: an address, with `#PORT` behind where it is not 53 (dnsmasq(8), --server). */
export const upstream = z.string("must be a string").transform((text, context) => {
  const [, host = "", , port] = /^([^#]*)(#([1-9]\d{0,4}))?$/.exec(text) ?? [];
  const canonical = canonicalAddress(host);
  if (canonical && Number(port ?? 53) <= 65535)
    return port === undefined || port === "53" ? canonical : `${canonical}#${port}`;
  context.addIssue({ code: "custom", message: 'must be an address, such as "10.0.0.53" or "10.0.0.53#5353"' });
  return z.NEVER;
});

/** A container: its addresses and further names. */
export const member = z.strictObject(
  {
    addresses: z.array(address, "must be a list of addresses").min(1, "must have at least one address"),
    aliases: z.array(dnsName, "must be a list of names").optional(),
  },
  "must be an object such as { addresses: [...] }",
);

/** What the rules look at. */
interface Asked {
  addresses: readonly string[];
  upstreams?: readonly string[];
  forward: boolean;
}

/** What the addresses and the name servers of a resolver must have to do with each other. */
export function resolverRules({ addresses, upstreams = [], forward }: Asked): Issue[] {
  const own = addresses.map((one) => one.replace(/\/.*/, ""));
  const self = upstreams.findIndex((one) => own.includes(one.replace("#53", "")) || one.startsWith("0.0.0.0"));
  return [
    ...when(new Set(own.map(familyOf)).size < own.length, "addresses", "must have one address per family"),
    ...when(addresses.length === 0, "addresses", "must have at least one address"),
    ...when(self >= 0, `upstreams[${self}]`, "must not be the resolver itself: it would ask itself for ever"),
    ...when(!forward && upstreams.length > 0, "upstreams", "cannot be given with forward: false, which asks nobody"),
  ];
}
