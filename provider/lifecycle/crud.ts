import { isDeepStrictEqual } from "node:util";
import type { Host } from "../host/host.ts";
import { Unreachable } from "../host/session.ts";
import { type Connection, secretsOf } from "../kernel/connection.ts";
import { LinuxnetError, Unseen } from "../kernel/failure.ts";
import { propertyAt } from "../kernel/property.ts";
import { check, inputKeys } from "./check.ts";
import { converge } from "./converge.ts";
import type { Context, Definition, Issue } from "./definition.ts";
import { remove } from "./remove.ts";
import { argsOf, changedKeys, toState, withoutUndefined, withProperty } from "./state.ts";
import { look, type Subject } from "./subject.ts";

type Bag = Record<string, unknown>;

/** Finds the host that a resource's inputs name. */
export type FindHost = (args: Bag) => Host;

/** What the engine asks of a kind of resource; knows nothing of how the engine asks. */
export interface Crud {
  check(olds: Bag, news: Bag): { inputs: Bag; failures: Issue[] };
  diff(olds: Bag, news: Bag): { changes: boolean; replaces: string[]; deleteBeforeReplace: boolean };
  create(inputs: Bag): Promise<{ id: string; outs: Bag }>;
  read(id: string, state: Bag): Promise<{ id: string; props: Bag; inputs?: Bag }>;
  update(olds: Bag, news: Bag): Promise<{ outs: Bag }>;
  delete(state: Bag): Promise<void>;
}

/** Tells the user of what is no error: a sentence. */
export type Warn = (sentence: string) => void;

/** The operations of one kind of resource. */
export function crud(definition: Definition, findHost: FindHost, warn: Warn = () => {}): Crud {
  const keys = inputKeys(definition);
  return {
    check: (olds, news) => check(definition, olds, news),
    diff: (olds, news) => diff(definition, argsOf(olds, keys), argsOf(news, keys)),
    ...(definition.hostless ? workedOut(definition, keys) : onHost(definition, findHost, keys, warn)),
  };
}

/** The operations that need a host. */
type OnHost = Omit<Crud, "check" | "diff">;

function onHost(definition: Definition, findHost: FindHost, keys: readonly string[], warn: Warn): OnHost {
  const subject = (args: Bag, state?: Bag): Subject => ({
    definition,
    host: findHost(args),
    args,
    context: contextOf(args, state && argsOf(state, keys), state),
  });
  const reach = async (args: Bag, state?: Bag): Promise<Bag> =>
    toState(args, identified(findHost(args), await converge(subject(args, state))), keys);
  /** Works with the inputs within a bag; an error has the resource and the host before it. */
  const named = <T>(bag: Bag, work: (args: Bag) => Promise<T>): Promise<T> => {
    const args = argsOf(bag, keys);
    return work(args).catch((error: unknown) => {
      throw withName(error, definition, args, findHost);
    });
  };
  return {
    create: (inputs) => named(inputs, async (args) => ({ id: definition.id(args), outs: await reach(args) })),
    read: (id, state) => named(state, (args) => leaving(args, async () => read(subject(args, state), id), gone)),
    update: (olds, news) => named(news, async (args) => ({ outs: await reach(args, olds) })),
    delete: (state) =>
      named(state, async (args) => {
        const told = await leaving(args, async () => remove(subject(args, state)), []);
        for (const problem of told)
          warn(new LinuxnetError({ ...whereOf(definition, args, findHost), problem }).message);
      }),
  };
}

function withName(error: unknown, definition: Definition, args: Bag, findHost: FindHost): unknown {
  if (!(error instanceof LinuxnetError)) return error;
  return error.with(whereOf(definition, args, findHost), secretsOf(args.connection as Connection | undefined));
}

function whereOf({ kind, id }: Definition, args: Bag, findHost: FindHost): { object: string; host: string } {
  return { object: `${kind} "${id(args)}"`, host: findHost(args).name };
}

/** The operations of a kind of which nothing stands on a host. */
function workedOut(definition: Definition, keys: readonly string[]): OnHost {
  const outs = (inputs: Bag) => argsOf(inputs, keys);
  return {
    create: async (inputs) => ({ id: definition.id(inputs), outs: outs(inputs) }),
    read: async (id, state) => ({ id, props: outs(state), inputs: outs(state) }),
    update: async (_olds, news) => ({ outs: outs(news) }),
    delete: async () => {},
  };
}

function contextOf(args: Bag, previous?: Bag, state?: Bag): Omit<Context, "claims"> {
  const former = previous?.owner === args.owner ? undefined : (previous?.owner as string | undefined);
  return { owner: `${args.owner}`, former, adopt: args.adopt === true, previous, state };
}

function diff(definition: Definition, before: Bag, after: Bag): ReturnType<Crud["diff"]> {
  const changed = changedKeys(before, after);
  const paths = [...definition.replaceOn, "connection.host"].filter(
    (path) => !isDeepStrictEqual(propertyAt(before, path), propertyAt(after, path)),
  );
  const replaces = [...new Set(paths.map((path) => path.split(".")[0] ?? path))];
  // Two objects of one name cannot stand at a time.
  return { changes: changed.length > 0, replaces, deleteBeforeReplace: replaces.length > 0 };
}

/** What the engine is told of an object that is not there. */
const gone = { id: "", props: {} };

/** The outputs, and by which machine they hold: another one behind the same address is told by it. */
function identified({ preflight }: Host, outputs: Bag): Bag {
  return preflight?.machineId ? { ...outputs, machineId: preflight.machineId } : outputs;
}

/** Reads or removes, unless the user wants it forgotten that a host was ever there: a lost one cannot be asked. */
async function leaving<T>({ connection }: Bag, work: () => Promise<T>, forgotten: T): Promise<T> {
  const host = (connection as Connection | undefined)?.host ?? "localhost";
  if (process.env.LINUXNET_FORGET_HOST?.split(",").includes(host)) return forgotten;
  try {
    return await work();
  } catch (error) {
    if (!(error instanceof Unreachable)) throw error;
    const forget = `If it is gone for good, LINUXNET_FORGET_HOST=${host} makes refresh and destroy forget what was there.`;
    throw new LinuxnetError({ ...error.failing, remedy: [error.failing.remedy, forget].filter(Boolean).join(" ") });
  }
}

async function read(subject: Subject, id: string): Promise<{ id: string; props: Bag; inputs?: Bag }> {
  const { definition, args } = subject;
  const { seen, context } = await look(subject);
  if (!definition.present(args, seen, context)) return gone;
  const { drift: _old, ...wanted } = args;
  let found = wanted;
  const drift: string[] = [];
  for (const change of missing(definition, args, seen, context)) {
    if (change.property) found = withProperty(found, change.property, change.actual);
    else drift.push(change.drift ?? "it differs");
  }
  const waiting = definition.expects ? definition.pending?.(args, seen) : undefined;
  if (waiting) drift.push(waiting.why);
  if (drift.length > 0) found = { ...found, drift: [...new Set(drift)] };
  return {
    id,
    props: toState(found, identified(subject.host, definition.outputs(wanted, seen, context)), inputKeys(definition)),
    inputs: withoutUndefined(found),
  };
}

function missing(definition: Definition, ...[args, seen, context]: Parameters<Definition["plan"]>) {
  try {
    return definition.plan(args, seen, context);
  } catch (error) {
    if (!(error instanceof LinuxnetError) || error instanceof Unseen) throw error;
    // What it needs is gone: that is drift to tell of, and the next `up` says what to do.
    return [{ drift: error.failing.problem, steps: [] }];
  }
}
