import { LinuxnetError } from "../../kernel/failure.ts";
import { readStack, type Stack } from "../stack.ts";
import { topologyOf, withParts } from "../topology/read.ts";
import { again, type HostSight, HostWatch, type Known, type Pace } from "./host-watch.ts";

/** Milliseconds between two readings of the state. */
const stateEvery = 10_000;

/** What is seen of a stack. */
export interface Sight {
  title: string;
  known: Known;
  hosts: readonly HostSight[];
  /** Why the state cannot be read now. */
  why: string | undefined;
}

/** What is known of a stack by its state. */
export async function knownOf(stack: Stack): Promise<Known> {
  const [parts, topology] = await Promise.all([withParts(stack.resources), topologyOf(stack)]);
  return { resources: stack.resources, parts, topology };
}

/** Looks at a stack and its hosts as long as it is wanted: each host by itself, so that one that does not answer keeps none waiting. */
export class Watch {
  readonly #folder: string;
  readonly #name: string;
  readonly #title: string;
  readonly #pace: Pace;
  readonly #hosts = new Map<string, HostWatch>();
  #failed: (error: unknown) => void = () => {};
  #known: Known;
  #why: string | undefined;

  private constructor(folder: string, name: string, stack: Stack, known: Known, pace: Pace) {
    this.#folder = folder;
    this.#name = name;
    this.#title = `${stack.project}/${stack.name}`;
    this.#known = known;
    this.#pace = pace;
  }

  /**
   * Prepares to look at a stack.
   * @param name as the engine is asked for it
   */
  static async of(folder: string, name: string, stack: Stack, pace: Pace): Promise<Watch> {
    return new Watch(folder, name, stack, await knownOf(stack), pace);
  }

  /** What is seen now. */
  get sight(): Sight {
    const hosts = [...this.#hosts.values()].map(({ sight }) => sight).filter(({ host }) => this.#has(host));
    return { title: this.#title, known: this.#known, hosts, why: this.#why };
  }

  /** Looks until the pace ends; rejects with what is no fault of a host. */
  run(): Promise<void> {
    this.#meet();
    return new Promise((resolve, reject) => {
      this.#failed = reject;
      again(this.#pace, stateEvery, () => this.#read()).then(() => resolve(), reject);
    });
  }

  async #read(): Promise<void> {
    try {
      this.#known = await knownOf(await readStack(this.#folder, this.#name));
      this.#why = undefined;
    } catch (error) {
      if (!(error instanceof LinuxnetError)) throw error;
      if (!this.#pace.ended.aborted) this.#why = error.message;
    }
    this.#meet();
  }

  #has(host: string): boolean {
    return [...this.#known.topology.hosts.values()].includes(host);
  }

  /** Begins with hosts that are new, and tells the others what to look at; of one that has nothing more nothing is asked. */
  #meet(): void {
    for (const host of new Set(this.#known.topology.hosts.values())) {
      if (this.#hosts.has(host)) continue;
      const pace = { ...this.#pace, wanted: () => this.#pace.wanted() && this.#has(host) };
      const watch = new HostWatch(host, this.#known, pace);
      this.#hosts.set(host, watch);
      watch.run().catch((error) => this.#failed(error));
    }
    for (const watch of this.#hosts.values()) watch.known = this.#known;
  }
}
