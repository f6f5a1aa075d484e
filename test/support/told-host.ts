// A host that answers what a test says, turn by turn: what a real one does once in a thousand times, and in that order only.
import type { Host } from "../../provider/host/host.ts";
import type { Report } from "../../provider/host/report.ts";
import { type Step, sh } from "../../provider/kernel/command.ts";
import { type Definition, define } from "../../provider/lifecycle/definition.ts";
import type { Subject } from "../../provider/lifecycle/subject.ts";

type Bag = Record<string, unknown>;

/** What comes of one round trip. */
export interface Turn {
  /** The answers to what is asked; default: nothing is there. */
  seen?: Bag;
  /** How the steps went; default: well. */
  report?: Partial<Report>;
  /** What it fails with. */
  throws?: Error;
  /** What happens to the host before it answers. */
  first?: () => void;
}

/** Steps as they were sent. */
export interface Sent {
  steps: string[];
  owner: string;
  onFailure: string;
  on: unknown;
}

/** See the head of the file. */
export class ToldHost {
  name = "the host";
  preflight: { machineId: string; identity: string } | undefined = { machineId: "m1", identity: "m1 boot1" };
  rehearses = false;
  /** The questions of each round trip, by name. */
  readonly asked: string[][] = [];
  readonly sent: Sent[] = [];
  readonly #turns: Turn[];

  constructor(...turns: Turn[]) {
    this.#turns = turns;
  }

  /** How many turns were not taken. */
  get left(): number {
    return this.#turns.length;
  }

  async observe(facts: Bag): Promise<Bag> {
    const { seen = {}, throws, first } = this.#next(facts);
    first?.();
    if (throws) throw throws;
    return { claims: new Set(), ...seen };
  }

  async apply(steps: readonly Step[], { owner, onFailure, on }: Omit<Sent, "steps">, facts: Bag) {
    this.sent.push({ steps: steps.map(({ what }) => what), owner, onFailure, on });
    const { seen = {}, report, throws, first } = this.#next(facts);
    first?.();
    if (throws) throw throws;
    return { report: { failures: [], left: [], ...report }, answers: { claims: new Set(), ...seen } };
  }

  #next(facts: Bag): Turn {
    this.asked.push(Object.keys(facts).toSorted());
    const turn = this.#turns.shift();
    if (!turn) throw new Error(`the host was asked once more: ${Object.keys(facts)}`);
    return turn;
  }
}

/** Something with a value, and the steps that set and take it away. */
export const thing = define<{ value: string }>()({
  kind: "Thing",
  fields: {},
  replaceOn: [],
  id: () => "thing",
  facts: () => ({ value: { command: sh("value"), parse: ({ stdout }) => stdout as string | undefined } }),
  plan: ({ value }, { value: actual }) =>
    actual === value
      ? []
      : [{ property: "value", actual, steps: [{ what: "set it", do: sh("set"), undo: [sh("unset"), sh("tidy")] }] }],
  present: (_args, seen) => seen.value !== undefined,
  teardown: (_args, seen) => (seen.value === undefined ? [] : [{ what: "remove it", do: sh("remove") }]),
  outputs: (_args, seen) => ({ value: seen.value }),
}) as unknown as Definition;

/** A thing on such a host, which is to have the value `v`. */
export function thingOn(host: ToldHost, definition: Partial<Definition> = {}, context: Bag = {}): Subject {
  return {
    definition: { ...thing, ...definition },
    host: host as unknown as Host,
    args: { value: "v" },
    context: { owner: "linuxnet:test/dev/Thing/t@00000000", adopt: false, ...context },
  };
}

/** What a step failed with. */
export function failed(what: string, cause = "no", code = 1): Partial<Report> {
  return { failures: [{ what, cause, code }] };
}
