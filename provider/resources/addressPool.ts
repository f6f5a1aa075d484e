// Addresses by name, given from a subnet. Nothing of it stands on a host: it is worked out in `check`, from what was given
// before, so the addresses are known at preview.
import type * as pulumi from "@pulumi/pulumi";
import { z } from "zod";
import { contains, familyOf, parseCidr } from "../kernel/addresses.ts";
import { dictionary } from "../kernel/dictionary.ts";
import { when } from "../kernel/issue.ts";
import { ownerKey } from "../kernel/owner.ts";
import { addressAt, allocate, isNoHost, type Pool } from "../kernel/pool.ts";
import { address, subnet } from "../kernel/schema.ts";
import { define, type Issue } from "../lifecycle/definition.ts";
import { Resource, type ResourceArgs } from "./resource.ts";

/** Inputs of an {@link AddressPool}. */
export interface AddressPoolArgs extends Omit<ResourceArgs, "adopt" | "connection"> {
  /** The subnet, of one family. */
  subnet: pulumi.Input<string>;
  /** The gateway's address, given to no name; default the subnet's first. */
  gateway?: pulumi.Input<string>;
  /** The part of the subnet that addresses are given from (Docker's `--ip-range`); default all of it. */
  range?: pulumi.Input<string>;
  /** Addresses that are given to nobody; default none. */
  reserved?: pulumi.Input<pulumi.Input<string>[]>;
  /** Who gets an address: each keeps its own whatever names come and go. */
  names: pulumi.Input<pulumi.Input<string>[]>;
  /** Addresses by name that are set and not given; may lie outside the range. */
  fixed?: pulumi.Input<Record<string, pulumi.Input<string>>>;
}

interface Args extends Omit<Pool, "reserved" | "fixed"> {
  reserved?: string[];
  fixed?: Record<string, string>;
  addresses: Record<string, string>;
  owner: string;
}

const text = z
  .string("must be a string")
  .min(1, "must not be empty")
  .max(255, "must be at most 255 characters long")
  // They stand in errors: what cannot be seen, or turns the text around (Unicode's UAX #9), would let one name look like another.
  .regex(/^[^\p{Cc}\p{Cs}\p{Bidi_Control}\u2028\u2029]*$/u, "must not contain control characters")
  .refine((name) => name !== "__proto__", "is not allowed");

function poolOf({ reserved = [], fixed = {}, ...args }: Args): Pool {
  return { ...args, reserved, fixed };
}

function derive(args: Args, olds: Record<string, unknown>): Args {
  const pool = { ...args, gateway: args.gateway ?? addressAt(args.subnet, 1n) };
  const before = olds.subnet === args.subnet ? ((olds.addresses ?? {}) as Record<string, string>) : {};
  const possible = rangeFaults(pool).length === 0;
  return { ...pool, addresses: possible ? allocate(poolOf(pool), before).addresses : {} };
}

function rangeFaults({ subnet: whole, gateway, range, reserved = [], fixed = {} }: Args): Issue[] {
  const outside = (property: string, one: string) =>
    when(!contains(whole, one), property, `must lie in the subnet ${whole}`);
  const noHost = (one: string) => `${one} is the network or broadcast address of ${whole}`;
  const nobody = (property: string, one: string) =>
    when(isNoHost(whole, one), property, `must be an address that a host can have: ${noHost(one)}`);
  return [
    ...outside("gateway", gateway),
    ...nobody("gateway", gateway),
    ...(range === undefined ? [] : outside("range", range)),
    ...reserved.flatMap((one, index) => outside(`reserved[${index}]`, one)),
    ...Object.entries(fixed).flatMap(([name, one]) => [
      ...outside(`fixed.${name}`, one),
      ...nobody(`fixed.${name}`, one),
    ]),
  ];
}

function rules(args: Args): Issue[] {
  const { names, range, subnet: whole } = args;
  const faults = rangeFaults(args);
  if (faults.length > 0) return faults;
  const twice = names.findIndex((name, index) => names.indexOf(name) !== index);
  const { left, capacity } = allocate(poolOf(args), args.addresses);
  const full = `the range ${range ?? whole} is full: it has ${capacity} addresses to give, and none is left for ${left.join(", ")}`;
  return [
    ...when(twice >= 0, `names[${twice}]`, `is there twice: ${names[twice]}`),
    ...fixedRules(args),
    ...when(left.length > 0, "names", full),
  ];
}

function fixedRules({ fixed = {}, gateway }: Args): Issue[] {
  const set = Object.entries(fixed);
  return set.flatMap(([name, one], index) => {
    const other = set.slice(0, index).find(([, earlier]) => earlier === one)?.[0];
    return [
      ...when(one === gateway, `fixed.${name}`, `is the gateway's address ${gateway}`),
      ...when(other !== undefined, `fixed.${name}`, `is the address of ${other} already`),
    ];
  });
}

/** How an {@link AddressPool} is checked and worked out. */
export const addressPool = define<Args>()({
  kind: "AddressPool",
  hostless: true,
  fields: {
    subnet: subnet.refine(
      (one) => (parseCidr(one)?.prefix ?? 0) < (familyOf(one) === 4 ? 31 : 127),
      "must have room for a gateway and a host",
    ),
    gateway: address.optional(),
    range: subnet.optional(),
    reserved: z.array(address, "must be a list of addresses").optional(),
    names: z.array(text, "must be a list of names"),
    fixed: dictionary(text, address).optional(),
  },
  derived: ["addresses"],
  derive,
  rules,
  replaceOn: [],
  id: ({ subnet: whole, owner }) => `${whole}-${ownerKey(owner).slice(0, 6)}`,
  facts: () => ({}),
  plan: () => [],
  present: () => true,
  teardown: () => [],
  outputs: () => ({}),
});

/**
 * Addresses that stay put.
 *
 * @example
 * const pool = new linuxnet.AddressPool("chat", { subnet: "192.168.1.0/24", range: "192.168.1.0/28", names: ["ann", "bob"] });
 * pool.addresses.apply(({ ann }) => ann); // "192.168.1.2/24"
 */
export class AddressPool extends Resource {
  declare readonly subnet: pulumi.Output<string>;
  declare readonly gateway: pulumi.Output<string>;
  declare readonly range: pulumi.Output<string | undefined>;
  declare readonly reserved: pulumi.Output<string[] | undefined>;
  declare readonly names: pulumi.Output<string[]>;
  declare readonly fixed: pulumi.Output<Record<string, string> | undefined>;
  /** The address of each name, with the subnet's prefix; known at preview. */
  declare readonly addresses: pulumi.Output<Record<string, string>>;

  constructor(name: string, args: AddressPoolArgs, opts?: pulumi.CustomResourceOptions) {
    super(addressPool, name, args, ["addresses", "gateway"], opts);
  }
}
