import { LinuxnetError } from "../../../provider/kernel/failure.ts";
import { changedKeys } from "../../../provider/lifecycle/state.ts";
import { type Fault, FaultyHost, Killed } from "../faulty-host.ts";
import type { Machine } from "../machine.ts";
import type { Snapshot } from "../snapshot.ts";
import { definitionOf, Subject } from "../subject.ts";
import { addedTo, differing, hasIdleChain, missingOf } from "./standing.ts";
import { argsOf, type Declared, levels, type Theme } from "./theme.ts";

/** A program in the hands of an engine, on a machine: what is declared, what the engine knows, and what must hold. */
export class Program {
  readonly theme: Theme;
  readonly machine: Machine;
  readonly declared = new Map<string, string>();
  /** Slots of which the engine may know less than what stands: their making was broken off. */
  readonly unsure = new Set<string>();
  host: FaultyHost;
  /** Whether somebody has put something beside what is declared, which stays. */
  mixed = false;
  /** Whether somebody has changed something since all was well. */
  drifted = false;
  readonly #before: Snapshot;
  readonly #thorough: boolean;
  readonly #known = new Map<string, Subject>();
  /** What is declared and how that stood, when all was well the last time. */
  #stood: { declared: string; lines: string[] } | undefined;

  /**
   * @param before how the machine stands with nothing of ours
   * @param thorough whether all of the machine is looked at after each `up`, and not at the end alone
   */
  constructor(theme: Theme, machine: Machine, before: Snapshot, thorough: boolean) {
    this.#thorough = thorough;
    this.theme = theme;
    this.machine = machine;
    this.#before = before;
    this.host = new FaultyHost(machine.launch());
  }

  /** Whether the engine knows of anything. */
  get empty(): boolean {
    return this.#existing().length === 0;
  }

  /**
   * What `refresh` does; the slots that have drifted. Of an object that somebody else has deleted the engine knows nothing any more: it
   * is made again before it may go.
   */
  async refresh(): Promise<string[]> {
    const all = this.#existing().filter((slot) => this.declared.has(slot));
    const drifts = await this.#each(all, (subject) => subject.refresh());
    if (this.drifted) for (const [index, slot] of all.entries()) if (drifts[index] === "gone") this.unsure.add(slot);
    return all.filter((_, index) => drifts[index] === "gone" || (drifts[index]?.length ?? 0) > 0);
  }

  /** What `up --refresh` does: refreshes, replaces, makes and changes, deletes what is declared no more. */
  async up(): Promise<void> {
    const replaced = await this.#upOnce();
    const looking = [...this.declared.keys()].some((slot) =>
      this.theme.looks?.(argsOf(this.theme, this.declared, slot)),
    );
    if (replaced && looking) await this.#upOnce();
  }

  async #upOnce(): Promise<boolean> {
    await this.refresh();
    const wanted = [...this.declared.keys()];
    const inputs = (slot: string) => argsOf(this.theme, this.declared, slot);
    const replaced = this.#existing().filter(
      (slot) => this.declared.has(slot) && this.#subject(slot).preview(inputs(slot)).replaces.length > 0,
    );
    await this.#delete(replaced);
    for (const level of levels(this.theme, this.#ordered(wanted))) {
      for (const slot of level) if (this.#mayMakeMore(slot, inputs(slot))) this.unsure.add(slot);
      await this.#each(level, (subject, slot) => subject.up(inputs(slot)));
      for (const slot of level) this.unsure.delete(slot);
    }
    await this.#delete(this.#existing().filter((slot) => !this.declared.has(slot)));
    return replaced.length > 0;
  }

  /** What `destroy` does. */
  async destroy(): Promise<void> {
    await this.#delete(this.#existing());
    this.#stood = undefined;
  }

  /** Lets work be broken off by a fault; what it says must be for a user. */
  async broken(fault: Fault | undefined, work: () => Promise<unknown>): Promise<void> {
    const { host } = this;
    const before = host.struck;
    host.armed = fault;
    try {
      await work();
    } catch (error) {
      if (host.struck === before || !(error instanceof LinuxnetError || error instanceof Killed)) throw error;
    }
    host.armed = undefined;
    if (fault?.kind === "plugin") this.restart();
  }

  /**
   * Whether a variant would be another object than that which was broken off while it was made, or that somebody may have deleted: nobody
   * would look any more for what it has left (docs/trust.md, What is not shown).
   */
  isLost(slot: string, variant: string): boolean {
    if (this.drifted && this.theme.slots[slot]?.leaves?.includes(this.declared.get(slot) ?? "")) return true;
    if (!this.unsure.has(slot) || !this.declared.has(slot)) return false;
    const { replaceOn = [], kind } = definitionOf(this.theme.slots[slot]?.kind ?? "");
    if (kind === "Lab") return true;
    const inputs = (declared: Declared) => argsOf(this.theme, declared, slot);
    const [was, is] = [inputs(this.declared), inputs(new Map([...this.declared, [slot, variant]]))];
    return changedKeys(was, is).some((key) => replaceOn.some((one) => one === key || one.startsWith(`${key}.`)));
  }

  /** Another process of the plugin. */
  restart(): void {
    this.host.session.close();
    this.host = new FaultyHost(this.machine.launch());
  }

  /**
   * What must hold after an `up`: nothing has drifted, nothing is planned; and when all is looked at, what is not ours is as it was, and
   * a program that was not changed stands as it did.
   *
   * @param stood how it has to stand; default as it did the last time
   */
  async expectSettled(stood?: readonly string[]): Promise<void> {
    const drifted = await this.refresh();
    if (drifted.length > 0) throw new Error(`up left drift: ${drifted.map((slot) => this.#told(slot)).join("; ")}`);
    for (const slot of this.#existing()) {
      const { changes, properties } = this.#subject(slot).preview(argsOf(this.theme, this.declared, slot));
      if (changes) throw new Error(`after up, the next would change ${properties} of ${slot}`);
    }
    this.drifted = false;
    if (this.#thorough) await this.#expectSame(stood);
  }

  async #expectSame(stood?: readonly string[]): Promise<void> {
    const now = await this.machine.snapshot();
    this.#expectForeign(now);
    // It goes with the last rule of its table (docs/trust.md, What is not shown).
    if (hasIdleChain(now)) this.mixed = true;
    const stands = { declared: JSON.stringify([...this.declared].toSorted()), lines: addedTo(this.#before, now) };
    const was = this.#stood?.declared === stands.declared && !this.mixed ? this.#stood.lines : stands.lines;
    const other = differing(stood ?? was, stands.lines);
    if (other.length > 0) throw new Error(`the same program stands in another way:\n${other.join("\n")}`);
    this.#stood = stands;
  }

  /** How the program stood when all was well the last time. */
  get stood(): readonly string[] {
    return this.#stood?.lines ?? [];
  }

  #expectForeign(now: Snapshot): void {
    const missing = missingOf(this.#before, now);
    if (missing.length > 0) throw new Error(`what is not ours is not as it was:\n${missing.join("\n")}`);
  }

  #told(slot: string): string {
    const { exists, outputs } = this.#subject(slot);
    return exists ? `${slot} ${JSON.stringify(outputs.drift ?? outputs)}` : `${slot} is gone`;
  }

  /** Whether an `up` that is cut off may leave more than the engine knows: what it makes, and new parts of a lab. */
  #mayMakeMore(slot: string, inputs: Record<string, unknown>): boolean {
    const subject = this.#subject(slot);
    return !subject.exists || (this.theme.slots[slot]?.kind === "Lab" && subject.preview(inputs).changes);
  }

  #subject(slot: string): Subject {
    const host = () => this.host;
    const reached = {
      get host() {
        return host();
      },
    };
    const subject = this.#known.get(slot) ?? new Subject(reached, this.theme.slots[slot]?.kind ?? "", slot);
    this.#known.set(slot, subject);
    return subject;
  }

  #existing(): string[] {
    return this.#ordered([...this.#known.keys()].filter((slot) => this.#known.get(slot)?.exists));
  }

  #ordered(slots: readonly string[]): string[] {
    return Object.keys(this.theme.slots).filter((slot) => slots.includes(slot));
  }

  async #delete(slots: readonly string[]): Promise<void> {
    for (const level of levels(this.theme, slots).toReversed()) await this.#each(level, (subject) => subject.destroy());
  }

  /** As an engine does: all at once, and the first failure is told when all have ended. */
  async #each<T>(slots: readonly string[], work: (subject: Subject, slot: string) => Promise<T>): Promise<T[]> {
    const ended = await Promise.allSettled(slots.map((slot) => work(this.#subject(slot), slot)));
    const failed = ended.find((one) => one.status === "rejected");
    if (failed) throw failed.reason;
    return ended.map((one) => (one as PromiseFulfilledResult<T>).value);
  }
}
