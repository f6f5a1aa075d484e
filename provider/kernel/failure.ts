import { remedyFor } from "./remedy.ts";

/** What an error tells: every part is a clause of one sentence. */
export interface Failing {
  /** The kind and name of the resource: `Bridge "lab0"`. */
  object?: string;
  /** Where: `this machine`, or the host's name. */
  host?: string;
  /** What could not be done: `cannot create bridge lab0`. */
  problem: string;
  /** Why, as the kernel's tool said it; only the first line is shown. */
  cause?: string | undefined;
  /** What state it left: `nothing was changed`. */
  state?: string;
  /** What to do next; omitted: what is known to help against the cause, if anything is. */
  remedy?: string | undefined;
}

/**
 * The one error that users see: a sentence that names the object, the host, the cause, the state it left and the remedy.
 * It carries no stack, since the engine's SDK would print it.
 */
export class LinuxnetError extends Error {
  readonly failing: Failing;
  constructor(failing: Failing) {
    super(sentence(failing));
    this.name = "LinuxnetError";
    this.failing = failing;
    this.stack = "";
  }
  override toString(): string {
    return this.message;
  }
  /**
   * The same error, of the same class, with more said about where it happened.
   * @param secrets texts that must not be seen: each is blotted out, longest first
   */
  with(more: Partial<Failing>, secrets: readonly string[] = []): this {
    const failing = Object.entries({ ...this.failing, ...more });
    const blot = (text: string) => secrets.reduce((shown, secret) => shown.replaceAll(secret, "[secret]"), text);
    const Same = this.constructor as new (failing: Failing) => this;
    return new Same(Object.fromEntries(failing.map(([key, text]) => [key, text && blot(text)])) as unknown as Failing);
  }
}

function sentence({ object, host, problem, cause, state, remedy }: Failing): string {
  const where = [object, host && `on ${host}`].filter(Boolean).join(" ");
  const why = firstLine(cause);
  const next = remedy ?? remedyFor(`${problem}\n${cause ?? ""}`);
  const parts = [`${where ? `${where}: ` : ""}${problem}${why ? `: ${why}` : ""}`, state, next];
  return visible(parts.filter(Boolean).map(closed).join(" "));
}

/**
 * A text as a terminal can show it: what would move its cursor, or turn the text around (Unicode's UAX #9), is written out.
 * @example visible("a\u001b[2Jb") // "a\\u001b[2Jb"
 */
export function visible(text: string): string {
  const code = (character: string) => `\\u${character.charCodeAt(0).toString(16).padStart(4, "0")}`;
  return text.replaceAll(/[\p{Cc}\p{Cs}\p{Bidi_Control}\u2028\u2029]/gu, code);
}

function closed(part: string | undefined): string {
  const text = `${part}`.trim();
  return /[.!?]$/.test(text) ? text : `${text}.`;
}

/** The first line of a program's stderr that says something, without iproute2's counting of lines. */
export function firstLine(stderr: string | undefined): string {
  const lines = (stderr ?? "").split("\n").map((line) => line.trim());
  return lines.find((line) => line !== "" && !line.startsWith("Command failed ")) ?? "";
}

/** A refusal found while planning: nothing has been done. */
export function refuse(problem: string, remedy?: string): never {
  throw new LinuxnetError({ problem, state: "Nothing was changed.", remedy });
}

/** The host could not be looked at: what stands there is not known, so nothing is told of it. */
export class Unseen extends LinuxnetError {}

/** Something that is needed is not there yet: another resource may be making it at this moment. */
export class Missing extends LinuxnetError {}

/** A refusal because an object that is needed, a namespace or a bridge, is not there. */
export function lacks(
  problem: string,
  remedy = "Create it first: pass the resource's `name` output, so that the engine keeps the order.",
): never {
  throw new Missing({ problem, state: "Nothing was changed.", remedy });
}
