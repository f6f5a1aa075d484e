import type { z } from "zod";
import type { Answers, Change, Facts, Step } from "../kernel/command.ts";
import type { Issue } from "../kernel/issue.ts";
import type { Claimant } from "../kernel/owner.ts";

export type { Change } from "../kernel/command.ts";
export type { Issue } from "../kernel/issue.ts";

/** What planning knows besides the inputs and the kernel. */
export interface Context extends Claimant {
  /** Whether an object that nothing owns may be taken over. */
  adopt: boolean;
  /** The inputs that were applied last, if any: what has been set by us and is wanted no more. */
  previous?: Record<string, unknown> | undefined;
  /** The outputs that were stored last, if any. */
  state?: Record<string, unknown> | undefined;
}

/** A kind of resource as the lifecycle sees it: data, and pure functions over data. */
export interface Definition<A = Record<string, unknown>, F extends Facts = Facts> {
  /** The type's last part: `Bridge`. */
  kind: string;
  /** The inputs, each with its own schema, which also makes them canonical. */
  fields: z.ZodRawShape;
  /**
   * Defaults that need other inputs.
   * @param olds the inputs of the last run, empty at first
   */
  derive?(args: A, olds: Record<string, unknown>): A;
  /** Inputs that `derive` adds and a user never writes. */
  derived?: readonly string[];
  /** Nothing of it stands on a host: it is only worked out. */
  hostless?: boolean;
  /** Rules between inputs. */
  rules?(args: A): Issue[];
  /** Inputs whose change means another object. */
  replaceOn: readonly string[];
  /** The resource's id, and its name in an error: `lab0`. */
  id(args: A): string;
  /** What has to be asked to know how the object stands. */
  facts(args: A, context: Context): F;
  /**
   * The changes that are missing; none when the object is as it is wanted.
   * @throws LinuxnetError when it must not be changed (it is another's) or cannot be (what it needs is not there)
   */
  plan(args: A, seen: Answers<F>, context: Context): Change[];
  /** Whether anything of this resource stands. */
  present(args: A, seen: Answers<F>, context: Context): boolean;
  /** Whether a note of ours is all that is left of it: it is gone then, and the note is taken away with it. */
  noted?(args: A, seen: Answers<F>): boolean;
  /** The steps that remove what is this resource's; none when nothing is. */
  teardown(args: A, seen: Answers<F>, context: Context): Step[];
  /** What the user can read beyond the inputs, and inputs as they were resolved. */
  outputs(args: A, seen: Answers<F>, context: Context): Record<string, unknown>;
  /** Whether what it waits for is looked for at refresh too, and its absence is drift. */
  expects?: boolean;
  /** Nothing of it stands on a host: it is only tried there. */
  tried?: boolean;
  /** Whether one that was there before stays when it does not become ready; else it is removed again. */
  lasting?: boolean;
  /** Why it is not ready yet, asked again until it is; undefined when ready. Seconds to wait: `within`. */
  pending?(args: A, seen: Answers<F>): { why: string; within: number } | undefined;
}

/** Ties the types of a definition together: `define<BridgeArgs>()({...})`. */
export function define<A>(): <F extends Facts>(definition: Definition<A, F>) => Definition<A, F> {
  return (definition) => definition;
}
