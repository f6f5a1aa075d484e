import type { Change, Command, Step } from "../../provider/kernel/command.ts";
import { check } from "../../provider/lifecycle/check.ts";
import type { Context } from "../../provider/lifecycle/definition.ts";
import { definitionOf, testOwner } from "./subject.ts";

type Bag = Record<string, unknown>;

/** Packet rules of a host on which nothing of ours stands, and no firewall of others. */
export const bareRules = {
  table: { fault: undefined, netns: true, exists: false, whole: false, elements: [], rules: [] },
  forwarding: { on: [], wereOff: [], guarded: [], noted: false, needs: false },
  accept: { missing: [], guarded: [], early: [], present: [], passages: { tools: [], tables: [], bridged: [] } },
  rules4: { family: 4, netns: undefined, problem: undefined, chains: new Map(), rules: [] },
  rules6: { family: 6, netns: undefined, problem: undefined, chains: new Map(), rules: [] },
};

/** A link's place with nothing there. */
export const noLink = { link: undefined, netns: true };

/** A link as it is seen; what a test is not about is as a new one has it. */
export function linkOf(name: string, more: Bag = {}): { link: Bag; netns: boolean } {
  const none = { alias: undefined, bridge: undefined, peerIndex: undefined, peerName: undefined, addresses: [] };
  const fresh = { ifindex: 7, mtu: 1500, macAddress: "02:00:00:00:00:07", up: true };
  return { link: { name, ...fresh, ...none, stp: false, hairpin: false, isolated: false, ...more }, netns: true };
}

/** One resource of a kind, and a host on paper: what it would do there, without a host. */
export class Paper {
  readonly args: Bag;
  /** The owner, as an object of its own carries it. */
  readonly owner: string;
  readonly #definition;
  readonly #seen: Bag;

  /**
   * @param seen the answers of a host on which nothing of it stands
   * @param olds the inputs of the last run
   */
  constructor(kind: string, args: Bag, seen: Bag, olds: Bag = {}) {
    this.#definition = definitionOf(kind);
    // The same on every machine: what is named after the owner stands in the plans.
    const owner = testOwner(kind, "subject");
    const { inputs, failures } = check(this.#definition, { ...olds, owner: `${owner}@00000000` }, { ...args, owner });
    if (failures.length > 0) throw new Error(JSON.stringify(failures));
    this.args = inputs;
    this.owner = `${this.args.owner}`;
    this.#seen = seen;
  }

  #text(work: () => string): string {
    try {
      return work();
    } catch (error) {
      return `refused: ${(error as Error).message.replaceAll(this.owner, "OWNER")}`;
    }
  }

  /** Steps in which the owner stands as a word that is the same for all. */
  #plain<T>(steps: T[]): T[] {
    return JSON.parse(JSON.stringify(steps).replaceAll(this.owner, "OWNER")) as T[];
  }

  #told(seen: Bag, context: Partial<Context>): [Bag, never, Context] {
    const whole: Context = { owner: this.owner, adopt: false, claims: new Set(), ...context };
    return [this.args, { ...this.#seen, ...seen } as never, whole];
  }

  get id(): string {
    return this.#definition.id(this.args);
  }

  /** The names of the questions that it asks. */
  asked(context: Partial<Context> = {}): string[] {
    const [args, , whole] = this.#told({}, context);
    return Object.keys(this.#definition.facts(args, whole)).toSorted();
  }

  /** What is missing, and the steps for it, a line each; the reason where it is refused. */
  plan(seen: Bag = {}, context: Partial<Context> = {}): string {
    return this.#text(() => changesText(this.#plain(this.#definition.plan(...this.#told(seen, context)))));
  }

  /** The steps that remove it, a line each. */
  teardown(seen: Bag = {}, context: Partial<Context> = {}): string {
    return this.#text(() =>
      this.#plain(this.#definition.teardown(...this.#told(seen, context)))
        .map(stepText)
        .join("\n"),
    );
  }

  present(seen: Bag = {}, context: Partial<Context> = {}): boolean {
    return this.#definition.present(...this.#told(seen, context));
  }

  outputs(seen: Bag = {}, context: Partial<Context> = {}): Bag {
    return this.#definition.outputs(...this.#told(seen, context));
  }

  /** What it waits for. */
  pending(seen: Bag = {}): { why: string; within: number } | undefined {
    const [args, answers] = this.#told(seen, {});
    return this.#definition.pending?.(args, answers);
  }
}

function changesText(changes: readonly Change[]): string {
  const told = ({ property, actual, drift }: Change) =>
    property === undefined ? `${drift}` : `${property} is ${JSON.stringify(actual)}`;
  const lines = changes.flatMap((change, index) => {
    const before = changes[index - 1];
    const head = before && told(before) === told(change) ? [] : [told(change)];
    return [...head, ...change.steps.map((step) => `  ${stepText(step)}`)];
  });
  return lines.join("\n");
}

/** A step in one line. */
function stepText({ what, do: command, undo = [], claim, vacates, typed }: Step): string {
  const back = undo.map((one) => (one.kind === "sh" ? shortened(one.text, 30, 0) : commandText(one))).join(" & ");
  const more = `${claim ? `; claims ${claim}` : ""}${vacates ? `; vacates ${vacates.name}` : ""}`;
  const standIn = typed?.standIn ? `; rehearsed by ${shortened(typed.standIn.text, 0, 60)}` : "";
  return `${what}: ${commandText(command)}${back && ` | ${back}`}${more}${standIn}`;
}

/** A command in one line. */
function commandText(command: Command): string {
  if (command.kind === "sh") return shortened(command.text, 60, 120);
  const { kind, netns } = command;
  if (kind === "nft") return `${netns ? `in ${netns} ` : ""}${shortened(command.text, 260, 0)}`;
  return ["ip", command.family && "-6", netns && "-n", netns, ...command.args].filter(Boolean).join(" ");
}

/** Of a long text its beginning and its end. */
function shortened(text: string, head: number, tail: number): string {
  const line = text.replaceAll(/\s+/g, " ");
  return line.length <= head + tail ? line : `${line.slice(0, head)}...${line.slice(line.length - tail)}`;
}
