// DNS settings of one namespace: files in /etc/netns/<netns>, which `ip netns exec` mounts over those of /etc (ip-netns(8)).
// The owner is in the first line of each. The namespace itself need not be there, and the host's own files are never touched.
import { isDeepStrictEqual } from "node:util";
import type * as pulumi from "@pulumi/pulumi";
import { z } from "zod";
import type { Answers, Step } from "../kernel/command.ts";
import { dictionary } from "../kernel/dictionary.ts";
import { refuse } from "../kernel/failure.ts";
import {
  dropFileStep,
  fileHeader,
  fileMode,
  filesLostFact,
  makeFolderStep,
  type NetnsFile,
  netnsFileFact,
  netnsPath,
  removeFilesStep,
  type SeenFile,
  writeFileStep,
} from "../kernel/files.ts";
import { readOwner, standing } from "../kernel/owner.ts";
import { hostsText, parseHosts, parseResolvConf, resolvConfText } from "../kernel/resolv-conf.ts";
import { address, netnsName, oneOrMore } from "../kernel/schema.ts";
import { type Change, type Context, define } from "../lifecycle/definition.ts";
import { Resource, type ResourceArgs } from "./resource.ts";

/** Inputs of a {@link ResolvConf}. */
export interface ResolvConfArgs extends ResourceArgs {
  /** The namespace's name; it need not be there yet. Change: replacement. */
  netns: pulumi.Input<string>;
  /** The addresses of the DNS servers, in the order of their use: 1 to 3, the resolver's limit (resolv.conf(5)). */
  nameservers: pulumi.Input<pulumi.Input<string>[]>;
  /** Domains in which short names are looked up: at most 6, together at most 256 characters; default none. */
  search?: pulumi.Input<pulumi.Input<string>[]>;
  /** Options of the resolver, such as `ndots:2` or `edns0`; default none. */
  options?: pulumi.Input<pulumi.Input<string>[]>;
  /** Names with their addresses, for a hosts file of the namespace; default: no such file, the host's own is seen. */
  hosts?: pulumi.Input<Record<string, pulumi.Input<string | pulumi.Input<string>[]>>>;
}

interface Args {
  netns: string;
  nameservers: string[];
  search?: string[];
  options?: string[];
  hosts?: Record<string, string | string[]>;
}

const resolvFile = (netns: string): NetnsFile => ({ netns, name: "resolv.conf" });
const hostsFile = (netns: string): NetnsFile => ({ netns, name: "hosts" });

const facts = ({ netns }: Args) => ({
  resolv: netnsFileFact(resolvFile(netns)),
  hosts: netnsFileFact(hostsFile(netns)),
  lost: filesLostFact(netns, [resolvFile(netns), hostsFile(netns)]),
});

type Seen = Answers<ReturnType<typeof facts>>;

function standingOf({ kind, owner }: SeenFile, context: Context) {
  return kind === "absent" ? "absent" : standing(owner, "", context);
}

function isOurs(seen: SeenFile, context: Context): boolean {
  return ["ours", "adopted"].includes(standingOf(seen, context));
}

function plan(args: Args, seen: Seen, context: Context): Change[] {
  const { netns } = args;
  const changes = [
    ...fileChanges(resolvFile(netns), resolvConfText(dns(args)), seen.resolv, context, () => dnsDrift(args, seen)),
    ...(args.hosts === undefined
      ? dropping(hostsFile(netns), seen.hosts, context)
      : fileChanges(hostsFile(netns), hostsText(args.hosts), seen.hosts, context, () => hostsDrift(args, seen))),
  ];
  const made = [seen.resolv, seen.hosts].every(({ kind }) => kind === "absent");
  return made
    ? [{ drift: `there is no ${netnsPath(resolvFile(netns))}`, steps: [makeFolderStep(netns)] }, ...changes]
    : changes;
}

function dns({ nameservers, search = [], options = [] }: Args) {
  return { nameservers, search, options };
}

/** Every difference is mended by one write: it goes with the first of them. */
function fileChanges(
  file: NetnsFile,
  body: string,
  seen: SeenFile,
  context: Context,
  drift: () => Omit<Change, "steps">[],
): Change[] {
  const who = standingOf(seen, context);
  refuseOther(file, seen, who, context);
  const path = netnsPath(file);
  const content = fileHeader(context.owner, who === "adopted" || who === "unowned") + body;
  if (seen.text === content && seen.mode === fileMode) return [];
  const step = writeFileStep(file, content, seen);
  if (who === "absent") return [{ drift: `there is no ${path}`, steps: [step] }];
  if (who === "unowned") return [{ drift: `${path} does not carry its owner`, steps: [step] }];
  const found = drift();
  if (found.length === 0)
    found.push({ drift: seen.mode === fileMode ? `${path} was edited` : `${path} has the mode ${seen.mode}` });
  return found.map((change, index) => ({ ...change, steps: index === 0 ? [step] : [] }));
}

function refuseOther(file: NetnsFile, { kind, owner }: SeenFile, who: string, { adopt }: Context): void {
  const path = netnsPath(file);
  if (kind === "other")
    refuse(`${path} is no plain file, or reached through a link`, "Remove it, or choose another namespace.");
  if (who !== "foreign" && (who !== "unowned" || adopt)) return;
  refuse(
    `${path} is there already and ${owner ? `belongs to ${readOwner(owner).owner}` : "nothing of linuxnet's owns it"}`,
    owner
      ? "Delete that resource first, or choose another namespace."
      : "Delete it, or set adopt: true to take it over; deleting the resource then puts its content back.",
  );
}

function dropping(file: NetnsFile, seen: SeenFile, context: Context): Change[] {
  if (!isOurs(seen, context)) return [];
  return [{ property: "hosts", actual: parseHosts(seen.text).says, steps: [dropFileStep(file, seen)] }];
}

function dnsDrift(args: Args, { resolv }: Seen): Omit<Change, "steps">[] {
  const { says, odd } = parseResolvConf(resolv.text);
  const wanted = dns(args);
  const properties = (["nameservers", "search", "options"] as const).filter(
    (key) => !isDeepStrictEqual(says[key], wanted[key]),
  );
  const differing = properties.map((property) => ({ property, actual: says[property] }));
  return [...differing, ...oddLines(netnsPath(resolvFile(args.netns)), odd)];
}

function hostsDrift({ netns, hosts = {} }: Args, seen: Seen): Omit<Change, "steps">[] {
  const { says, odd } = parseHosts(seen.hosts.text);
  const same = isDeepStrictEqual(asLists(says), asLists(hosts));
  const kept = Object.entries(says).map(([name, found]) => {
    const wanted = Object.hasOwn(hosts, name) ? hosts[name] : undefined;
    return [name, isDeepStrictEqual([wanted].flat(), [found].flat()) ? wanted : found];
  });
  const differing = same ? [] : [{ property: "hosts", actual: Object.fromEntries(kept) }];
  return [...differing, ...oddLines(netnsPath(hostsFile(netns)), odd)];
}

function asLists(names: Record<string, string | string[]>): Record<string, string[]> {
  return Object.fromEntries(Object.entries(names).map(([name, addresses]) => [name, [addresses].flat()]));
}

function oddLines(path: string, odd: readonly string[]): { drift: string }[] {
  return odd.map((line) => ({ drift: `${path} was edited: ${line.trim().slice(0, 120)}` }));
}

function teardown({ netns }: Args, seen: Seen, context: Context): Step[] {
  const files = [
    ...(isOurs(seen.resolv, context) ? [resolvFile(netns)] : []),
    ...(isOurs(seen.hosts, context) ? [hostsFile(netns)] : []),
  ];
  return files.length === 0 && !seen.lost ? [] : [removeFilesStep(netns, files)];
}

/** Labels of at most 63 letters, digits, `-` and, as containers have them, `_` (RFC 1123, 2.1). */
const dnsName =
  /^(?=.{1,253}$)[A-Za-z0-9_]([A-Za-z0-9_-]{0,61}[A-Za-z0-9_])?(\.[A-Za-z0-9_]([A-Za-z0-9_-]{0,61}[A-Za-z0-9_])?)*$/;

const hostName = z
  .string("must be a string")
  .refine((name) => name.length <= 253, "must be at most 253 characters long")
  .refine((name) => dnsName.test(name), "must be a host name: labels of letters, digits, - and _, joined by dots");

const searchDomain = z
  .string("must be a string")
  .refine(
    (name) => name === "." || dnsName.test(name.replace(/\.$/, "")),
    'must be a domain such as "example.org", or "." for none',
  );

/** How a {@link ResolvConf} is checked, planned and removed. */
export const resolvConf = define<Args>()({
  kind: "ResolvConf",
  fields: {
    netns: netnsName,
    nameservers: z
      .array(address, "must be a list of addresses")
      .min(1, "must have at least one address")
      .max(3, "must be at most 3 addresses: the resolver uses no more (resolv.conf(5), MAXNS)"),
    search: z
      .array(searchDomain, "must be a list of domains")
      .max(6, "must be at most 6 domains (resolv.conf(5))")
      .refine((domains) => domains.join(" ").length <= 256, "must be at most 256 characters in all (resolv.conf(5))")
      .optional(),
    options: z
      .array(
        z.string("must be a string").regex(/^[a-z0-9-]+(:\d+)?$/, 'must be an option such as "ndots:2"'),
        "must be a list of options",
      )
      .optional(),
    hosts: dictionary(hostName, oneOrMore(address), "must be an object of names with their addresses").optional(),
  },
  replaceOn: ["netns"],
  id: ({ netns }) => netns,
  facts,
  plan,
  present: (_args, seen, context) => isOurs(seen.resolv, context) || isOurs(seen.hosts, context),
  noted: (_args, { lost }) => lost,
  teardown,
  outputs: ({ netns }) => ({ path: netnsPath(resolvFile(netns)) }),
});

/**
 * DNS settings of one namespace, for what runs in it through `ip netns exec`, {@link Process} or `linuxnet exec`.
 *
 * @example
 * new linuxnet.ResolvConf("dns", {
 *   netns: web.name,
 *   nameservers: ["10.0.0.1"],
 *   search: ["lab.example"],
 *   hosts: { db: "10.0.0.12" },
 * });
 */
export class ResolvConf extends Resource {
  declare readonly netns: pulumi.Output<string>;
  declare readonly nameservers: pulumi.Output<string[]>;
  declare readonly search: pulumi.Output<string[] | undefined>;
  declare readonly options: pulumi.Output<string[] | undefined>;
  declare readonly hosts: pulumi.Output<Record<string, string | string[]> | undefined>;
  declare readonly adopt: pulumi.Output<boolean>;
  /** The file: `/etc/netns/<netns>/resolv.conf`. */
  declare readonly path: pulumi.Output<string>;

  constructor(name: string, args: ResolvConfArgs, opts?: pulumi.CustomResourceOptions) {
    super(resolvConf, name, args, ["path"], opts);
  }
}
