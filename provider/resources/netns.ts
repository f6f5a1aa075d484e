// A named network namespace: a bind mount in /run/netns (ip-netns(8)). Its owner is the alias of its `lo`; of one that is
// named by pid, whose links are a stranger's, the owner is a file under /run/linuxnet.
import type * as pulumi from "@pulumi/pulumi";
import { z } from "zod";
import { type Answers, ip, run, type Step } from "../kernel/command.ts";
import { dictionary } from "../kernel/dictionary.ts";
import { refuse } from "../kernel/failure.ts";
import { linkFact } from "../kernel/links.ts";
import {
  attachStep,
  inodeFact,
  makeMountStep,
  namedFact,
  netnsMountFact,
  releaseSteps,
  tidyMount,
} from "../kernel/netns.ts";
import { ownerText, standing } from "../kernel/owner.ts";
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
  host: inodeFact("/proc/self/ns/net"),
  sysctls: sysctlFact(Object.keys(sysctls), name),
});

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
  if (who === "foreign" || (who === "unowned" && !context.adopt)) {
    const owner = seen.named?.owner ?? seen.lo.link?.alias;
    refuse(
      `namespace ${name} is there already and ${who === "foreign" ? `belongs to ${owner}` : "nothing of linuxnet's owns it"}`,
      "Choose another name, delete it, or set adopt: true to take it over.",
    );
  }
  if (pid !== undefined && seen.target === undefined)
    refuse(`there is no process ${pid}`, "Give the pid of a process that runs.");
  // A pid that was given to another process since would have the host's own links and routes changed.
  if (pid !== undefined && who === "absent" && seen.target === seen.host)
    refuse(
      `process ${pid} has no network namespace of its own: it is in the host's`,
      "Give the pid of a process in the namespace that is to be named.",
    );
  const fresh = who === "absent";
  const changes: Change[] = fresh ? [{ drift: `namespace ${name} is missing`, steps: making(args, seen) }] : [];
  const owner = ownerText(context.owner, who === "adopted" || who === "unowned");
  if (pid === undefined && (fresh || seen.lo.link?.alias !== owner))
    changes.push({
      drift: `namespace ${name} does not carry its owner`,
      steps: [marking(name, owner, seen.lo.link?.alias)],
    });
  if (pid !== undefined && (fresh || seen.named?.owner !== context.owner))
    changes.push({
      drift: `namespace ${name} does not carry its owner`,
      steps: [attachStep(name, context.owner, seen.target ?? 0)],
    });
  if (loopback !== (fresh ? false : seen.lo.link?.up) && (pid === undefined || loopback))
    changes.push(bringing(name, loopback));
  return [...changes, ...settings(args, seen)];
}

function making({ name, pid }: Args, { mount }: Seen): Step[] {
  const add = pid === undefined ? ip(["netns", "add", name]) : ip(["netns", "attach", name, pid]);
  const step = {
    what: `create namespace ${name}`,
    do: add,
    undo: [ip(["netns", "del", name]), tidyMount],
    claim: `netns:${name}`,
  };
  return mount.mounted ? [step] : [makeMountStep, step];
}

function marking(name: string, owner: string, former: string | undefined): Step {
  return {
    what: `mark namespace ${name} as ours`,
    do: ip(["link", "set", "dev", "lo", "alias", owner], name),
    undo: former === undefined ? [] : [ip(["link", "set", "dev", "lo", "alias", former], name)],
  };
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
  return [
    {
      property: "sysctls",
      actual,
      steps: [
        sysctlStep(
          `set ${wrong.map(([key]) => key).join(", ")} in namespace ${name}`,
          Object.fromEntries(wrong),
          seen.sysctls,
          name,
        ),
      ],
    },
  ];
}

function teardown(args: Args, seen: Seen, context: Context): Step[] {
  const { name } = args;
  const who = standingOf(args, seen, context);
  if (who === "adopted")
    return [
      { what: `release namespace ${name}`, do: run(["ip", "-n", name, "link", "set", "dev", "lo", "alias", ""]) },
    ];
  const gone = seen.named && standing(seen.named.owner, "", context) === "ours" ? releaseSteps(name) : [];
  const tidy = { what: "tidy /run/netns", do: tidyMount };
  if (who !== "ours") return [...gone, ...(who === "absent" && seen.mount.ours ? [tidy] : [])];
  return [{ what: `delete namespace ${name}`, do: ip(["netns", "del", name]) }, ...gone, tidy];
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
    super(netns.kind, name, args, ["path", "inode"], opts);
  }
}
