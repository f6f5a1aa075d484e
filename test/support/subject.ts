import { ownerOf } from "../../provider/kernel/owner.ts";
import { type Crud, crud } from "../../provider/lifecycle/crud.ts";
import type { Definition, Issue } from "../../provider/lifecycle/definition.ts";
import { sealOwner } from "../../provider/lifecycle/identity.ts";
import { changedKeys } from "../../provider/lifecycle/state.ts";
import { definitions } from "../../provider/resources/index.ts";
import type { Machine } from "./machine.ts";

type Bag = Record<string, unknown>;

/** What a run of the engine would do to a resource. */
export interface Plan {
  changes: boolean;
  /** The inputs that differ, as the engine's preview lists them. */
  properties: string[];
  replaces: string[];
}

/** The definition of a kind: `Bridge`. */
export function definitionOf(kind: string): Definition {
  const found = definitions.find((definition) => definition.kind === kind);
  if (!found) throw new Error(`there is no kind ${kind}`);
  return found;
}

/** The owner that the class gives a resource of the tests' program. */
export function testOwner(kind: string, name: string): string {
  return ownerOf("test", "dev", kind, name);
}

/** What `check` refuses of inputs. */
export function failures(kind: string, args: Bag): Issue[] {
  return checker(kind).check({}, { ...args, owner: testOwner(kind, "subject") }).failures;
}

/** The inputs as `check` completes them. */
export function checked(kind: string, args: Bag): Bag {
  return checker(kind).check({}, { ...args, owner: testOwner(kind, "subject") }).inputs;
}

function checker(kind: string): Crud {
  return crud(definitionOf(kind), () => {
    throw new Error("check has asked for a host");
  });
}

/** What a resource is made on: a machine, or a host by ssh. */
export type Reached = Pick<Machine, "host">;

/** Creates a resource on a machine, as the engine would: check, then create. */
export async function make(machine: Reached, kind: string, name: string, args: Bag): Promise<Subject> {
  const subject = new Subject(machine, kind, name);
  await subject.up(args);
  return subject;
}

/** One resource in the hands of an engine: what the engine stores, and the operations that it calls. */
export class Subject {
  readonly owner: string;
  /** What the user was told that is no error. */
  readonly warnings: string[] = [];
  readonly #crud: Crud;
  #id = "";
  #inputs: Bag | undefined;
  #state: Bag = {};

  /** A resource that the engine does not know yet; `name` is its name in the program. */
  constructor(machine: Reached, kind: string, name: string) {
    const warn = (sentence: string) => void this.warnings.push(sentence);
    this.#crud = crud(definitionOf(kind), () => machine.host, warn);
    this.owner = testOwner(kind, name);
  }

  /** What the engine has stored of its outputs. */
  get outputs(): Bag {
    return this.#state;
  }

  /** Whether the engine has it in its state. */
  get exists(): boolean {
    return this.#inputs !== undefined;
  }

  /** The inputs as the engine would hand them to `create`. */
  inputsOf(args: Bag): Bag {
    return this.#check(args);
  }

  /** The owner with its seal, as it stands on an object. */
  get sealed(): string {
    return sealOwner(this.owner, this.#inputs?.owner);
  }

  /** What `preview` would show. */
  preview(args: Bag): Plan {
    return this.#plan(this.#check(args));
  }

  /** What `up` does: creates, updates in place, replaces, or nothing. */
  async up(args: Bag): Promise<Plan> {
    const inputs = this.#check(args);
    const plan = this.#plan(inputs);
    if (plan.replaces.length > 0) await this.destroy();
    if (!this.#inputs) {
      const { id, outs } = await this.#crud.create(wire(inputs));
      this.#id = id;
      this.#state = told(outs);
    } else if (plan.changes) {
      const { outs } = await this.#crud.update(wire(this.#state), wire(inputs));
      this.#state = told(outs);
    }
    this.#inputs = inputs;
    return plan;
  }

  /** The same as {@link up}, for a resource that is there. */
  update(args: Bag): Promise<Plan> {
    return this.up(args);
  }

  /** What `refresh` does; the inputs that drifted, or `gone`. */
  async refresh(): Promise<string[] | "gone"> {
    const { id, props, inputs = {} } = await this.#crud.read(this.#id, wire(this.#state));
    if (id === "") {
      this.#inputs = undefined;
      return "gone";
    }
    const drifted = changedKeys(this.#inputs ?? {}, told(inputs));
    this.#state = told(props);
    this.#inputs = told(inputs);
    return drifted.toSorted();
  }

  /** What `destroy` does. */
  async destroy(): Promise<void> {
    await this.#crud.delete(wire(this.#state));
    this.#inputs = undefined;
    this.#state = {};
  }

  /** What `destroy` does to a resource of these inputs that the engine believes to be there. */
  async destroyAs(args: Bag): Promise<void> {
    await this.#crud.delete(this.#check(args));
  }

  /** Forgets the state, as an engine does that was killed before it had written it. */
  forget(): void {
    this.#inputs = undefined;
    this.#state = {};
  }

  #check(args: Bag): Bag {
    const { inputs, failures } = this.#crud.check(wire(this.#inputs ?? {}), wire({ ...args, owner: this.owner }));
    if (failures.length === 0) return told(inputs);
    throw new Error(failures.map(({ property, reason }) => `${property}: ${reason}`).join("\n"));
  }

  #plan(inputs: Bag): Plan {
    if (!this.#inputs) return { changes: true, properties: [], replaces: [] };
    const { changes, replaces } = this.#crud.diff(wire(this.#state), wire(inputs));
    return { changes, replaces, properties: changedKeys(this.#inputs, inputs).toSorted() };
  }
}

/** What is left of a value on its way between engine and plugin. */
function wire(bag: Bag): Bag {
  return JSON.parse(JSON.stringify(bag)) as Bag;
}

/** What the plugin tells the engine; the SDK refuses what is undefined. */
function told(bag: Bag): Bag {
  const text = JSON.stringify(bag, (key, value: unknown) => {
    if (value === undefined) throw new Error(`the engine cannot be told of ${key}: Unexpected struct type`);
    return value;
  });
  return JSON.parse(text) as Bag;
}

/**
 * What `up` says of a program that ends at once. On a busy machine one that has been started is looked at before it has ended, and
 * stands: then it is taken away and tried again.
 */
export async function endedAtOnce(subject: Subject, args: Bag): Promise<string> {
  for (let round = 0; round < 20; round += 1) {
    const message = await subject.up(args).then(
      () => undefined,
      (error: Error) => error.message,
    );
    if (message !== undefined) return message;
    await subject.destroy();
  }
  return "it stood 20 times";
}
