// A named network namespace: a bind mount in /run/netns (ip-netns(8)). Its owner is the alias of its `lo`; of one that is
// named by pid, whose links are a stranger's, the owner is a file under /run/linuxnet.
import type * as pulumi from "@pulumi/pulumi";
import { z } from "zod";
import { forgetStep, formerFact, rememberStep } from "../kernel/adoption.ts";
import { type Answers, ip, type Step } from "../kernel/command.ts";
import { dictionary } from "../kernel/dictionary.ts";
import { refuse } from "../kernel/failure.ts";
import { aliasCommand } from "../kernel/link-changes.ts";
import { linkFact } from "../kernel/links.ts";
import {
  attachStep,
  forgetNotesStep,
  inodeFact,
  makeMountStep,
  namedFact,
  netnsMountFact,
  releaseSteps,
  tidyMount,
} from "../kernel/netns.ts";
import { ownerText, removeOther, type Standing, standing } from "../kernel/owner.ts";
import { linkName } from "../kernel/schema.ts";
import { type Sysctls, sysctlFact, sysctlName, sysctlStep, sysctlValue } from "../kernel/sysctl.ts";
import { type Change, type Context, define } from "../lifecycle/definition.ts";
import { Resource, type ResourceArgs } from "./resource.ts";

/** Inputs of a {@link Netns}. */
export interface NetnsArgs extends ResourceArgs {
  /** The name under /run/netns: 1 to 15 bytes of letters, digits, `_`, `.` and `-`. Change: replacement. */
  name: pulumi.Input<string>;
  /**
   * Names the namespace that this running process lives in, instead of making one; deleting then removes only the name.
   * Change: replacement.
   */
  pid?: pulumi.Input<number>;
  /** Kernel settings inside the namespace, by name (`net.ipv4.ip_forward`); those that are not given are left as they are. */
  sysctls?: pulumi.Input<Record<string, pulumi.Input<string>>>;
  /** Bring `lo` up; default true. */
  loopback?: pulumi.Input<boolean>;
}

interface Args {
  name: string;
  pid?: number;
  sysctls?: Sysctls;
  loopback: boolean;
}

const facts = ({ name, pid, sysctls = {} }: Args) => ({
  lo: linkFact("lo", name),
  inode: inodeFact(`/run/netns/${name}`),
  mount: netnsMountFact,
  named: namedFact(name),
  target: inodeFact(`/proc/${pid ?? 0}/ns/net`),
  host: inodeFact(pid === undefined ? "/proc/0/ns/net" : "/proc/self/ns/net"),
  sysctls: sysctlFact(Object.keys(sysctls), name),
  former: formerFact("lo", name, formerLo),
});

/** How `lo` stood in a namespace before it was taken over, and those settings that we have changed. */
const formerLo = z.object({
  up: z.boolean(),
  alias: z.string().optional(),
  sysctls: z.record(z.string(), z.string()),
});

type FormerLo = z.infer<typeof formerLo>;

type Seen = Answers<ReturnType<typeof facts>>;

/** What stands under the name: for a namespace named by pid its file says it, and only of the very namespace it was made for. */
function standingOf({ name }: Args, seen: Seen, context: Context) {
  if (seen.inode === undefined) return "absent";
  if (seen.named?.inode === seen.inode) return standing(seen.named.owner, `netns:${name}`, context);
  return standing(seen.lo.link?.alias, `netns:${name}`, context);
}

function plan(args: Args, seen: Seen, context: Context): Change[] {
  const { name, pid, loopback } = args;
  const who = standingOf(args, seen, context);
  refuseUnfit(args, seen, who, context);
  const fresh = who === "absent";
  const making: Change[] = fresh ? [{ drift: `namespace ${name} is missing`, steps: makingSteps(args, seen) }] : [];
  const bring = loopback !== (fresh ? false : seen.lo.link?.up) && (pid === undefined || loopback);
  return [
    ...making,
    ...remembering(args, seen, who, context),
    ...marking(args, seen, who, context),
    ...(bring ? [bringing(name, loopback)] : []),
    ...settings(args, seen),
  ];
}

function refuseUnfit({ name, pid }: Args, seen: Seen, who: Standing, { adopt }: Context): void {
  if (who === "foreign" || (who === "unowned" && !adopt)) {
    const owner = seen.named?.owner ?? seen.lo.link?.alias;
    refuse(
      `namespace ${name} is there already and ${who === "foreign" ? `belongs to ${owner}` : "nothing of linuxnet's owns it"}`,
      who === "foreign" ? removeOther : "Choose another name, delete it, or set adopt: true to take it over.",
    );
  }
  if (pid === undefined) return;
  if (seen.target === undefined) refuse(`there is no process ${pid}`, "Give the pid of a process that runs.");
  // A pid that was given to another process since would have the host's own links and routes changed.
  if (who === "absent" && seen.target === seen.host)
    refuse(
      `process ${pid} has no network namespace of its own: it is in the host's`,
      "Give the pid of a process in the namespace that is to be named.",
    );
  if (who === "unowned" && seen.inode !== seen.target)
    refuse(
      `namespace ${name} is there already and is not that of process ${pid}`,
      "Choose another name, or delete it.",
    );
}

/** What is taken over is put back as it was when it is released: a setting that is declared later is noted then. */
function remembering({ name, sysctls = {} }: Args, seen: Seen, who: Standing, { owner }: Context): Change[] {
  const { link } = seen.lo;
  const before = who === "adopted" ? seen.former : undefined;
  const unknown = Object.keys(sysctls).filter((key) => !(key in (before?.sysctls ?? {})) && key in seen.sysctls);
  if (!link || (who === "adopted" && !before) || !["adopted", "unowned"].includes(who)) return [];
  if (before && unknown.length === 0) return [];
  const values = Object.fromEntries(unknown.map((key) => [key, seen.sysctls[key] ?? ""]));
  const former: FormerLo = {
    ...(before ?? { up: link.up, alias: link.alias }),
    sysctls: { ...before?.sysctls, ...values },
  };
  return [
    {
      drift: `it is not known how namespace ${name} stood`,
      steps: [rememberStep({ name: "lo", netns: name, owner }, former, before)],
    },
  ];
}

function makingSteps({ name, pid }: Args, { mount }: Seen): Step[] {
  const add = pid === undefined ? ip(["netns", "add", name]) : ip(["netns", "attach", name, pid]);
  const step = {
    what: `create namespace ${name}`,
    do: add,
    undo: [ip(["netns", "del", name]), tidyMount],
    claim: `netns:${name}`,
  };
  return mount.mounted ? [step] : [makeMountStep, step];
}

function marking({ name, pid }: Args, seen: Seen, who: Standing, context: Context): Change[] {
  const owner = ownerText(context.owner, who === "adopted" || who === "unowned");
  const former = seen.lo.link?.alias;
  const stands = pid === undefined ? former : seen.named?.owner;
  if (who !== "absent" && stands === owner) return [];
  const mark: Step = {
    what: `mark namespace ${name} as ours`,
    do: ip(["link", "set", "dev", "lo", "alias", owner], name),
    undo: former === undefined ? [] : [aliasCommand("lo", name, former)],
  };
  const step = pid === undefined ? mark : attachStep(name, owner, seen.target ?? 0);
  return [{ drift: `namespace ${name} does not carry its owner`, steps: [step] }];
}

function bringing(name: string, up: boolean): Change {
  const verb = (state: boolean) => ip(["link", "set", "dev", "lo", state ? "up" : "down"], name);
  const what = `set lo ${up ? "up" : "down"} in namespace ${name}`;
  return { property: "loopback", actual: !up, steps: [{ what, do: verb(up), undo: [verb(!up)] }] };
}

function settings({ name, sysctls = {} }: Args, seen: Seen): Change[] {
  const fresh = seen.inode === undefined;
  const wrong = Object.entries(sysctls).filter(([key, value]) => seen.sysctls[key] !== value);
  if (wrong.length === 0) return [];
  const unknown = wrong.find(([key]) => !fresh && seen.sysctls[key] === undefined)?.[0];
  if (unknown)
    refuse(
      `this kernel has no setting ${unknown} in namespace ${name}`,
      "Leave it out, or load the module that brings it.",
    );
  const actual = { ...sysctls, ...seen.sysctls };
  const what = `set ${wrong.map(([key]) => key).join(", ")} in namespace ${name}`;
  return [{ property: "sysctls", actual, steps: [sysctlStep(what, Object.fromEntries(wrong), seen.sysctls, name)] }];
}

/** Puts back what a namespace was that was taken over, and takes our mark off. */
function releasing({ name, sysctls = {} }: Args, { lo, named, former, ...seen }: Seen): Step[] {
  const { up = lo.link?.up, alias = "", sysctls: back = {} } = former ?? {};
  const changed = Object.entries(back).filter(([key, value]) => !(key in sysctls) || seen.sysctls[key] !== value);
  return [
    ...(changed.length === 0
      ? []
      : [sysctlStep(`put the settings of namespace ${name} back`, Object.fromEntries(changed), {}, name)]),
    ...(up === undefined || up === lo.link?.up ? [] : bringing(name, up).steps),
    ...(named ? releaseSteps(name) : [{ what: `release namespace ${name}`, do: aliasCommand("lo", name, alias) }]),
    ...(former ? [forgetStep("lo", name)] : []),
  ];
}

function teardown(args: Args, seen: Seen, context: Context): Step[] {
  const { name, pid } = args;
  const who = standingOf(args, seen, context);
  if (who === "adopted") return releasing(args, seen);
  const named = seen.named ? standing(seen.named.owner, "", context) : "absent";
  const gone = named === "ours" || named === "adopted" ? releaseSteps(name) : [];
  if (who === "absent" && seen.former) gone.push(forgetStep("lo", name));
  const tidy = { what: "tidy /run/netns", do: tidyMount };
  if (who !== "ours") return [...gone, ...(who === "absent" && seen.mount.ours ? [tidy] : [])];
  const del: Step = { what: `delete namespace ${name}`, do: ip(["netns", "del", name]) };
  // What is named by pid is of a program that is to go on.
  const vacates = pid === undefined && seen.inode !== undefined ? { vacates: { name, inode: seen.inode } } : {};
  return [{ ...del, ...vacates }, ...gone, forgetNotesStep(name), tidy];
}

/** How a {@link Netns} is checked, planned and removed. */
export const netns = define<Args>()({
  kind: "Netns",
  fields: {
    name: linkName,
    pid: z.number("must be a process id").int("must be a process id").min(1, "must be a process id").optional(),
    sysctls: dictionary(sysctlName, sysctlValue).optional(),
    loopback: z.boolean("must be true or false").default(true),
  },
  replaceOn: ["name", "pid"],
  id: ({ name }) => name,
  facts,
  plan,
  present: (args, seen, context) => ["ours", "adopted"].includes(standingOf(args, seen, context)),
  teardown,
  outputs: ({ name }, seen) => ({ path: `/run/netns/${name}`, inode: seen.inode }),
});

/**
 * A named network namespace.
 *
 * @example
 * const web = new linuxnet.Netns("web", { name: "web", sysctls: { "net.ipv4.ip_unprivileged_port_start": "0" } });
 */
export class Netns extends Resource {
  declare readonly name: pulumi.Output<string>;
  declare readonly pid: pulumi.Output<number | undefined>;
  declare readonly sysctls: pulumi.Output<Record<string, string> | undefined>;
  declare readonly loopback: pulumi.Output<boolean>;
  declare readonly adopt: pulumi.Output<boolean>;
  /** The namespace's file: `/run/netns/<name>`. */
  declare readonly path: pulumi.Output<string>;
  /** The namespace's inode, by which the kernel tells namespaces apart. */
  declare readonly inode: pulumi.Output<number>;

  constructor(name: string, args: NetnsArgs, opts?: pulumi.CustomResourceOptions) {
    super(netns, name, args, ["path", "inode"], opts);
  }
}
