import { setTimeout as sleep } from "node:timers/promises";
import { hostOf } from "../../host/host.ts";
import { type Fact, sh } from "../../kernel/command.ts";
import { LinuxnetError } from "../../kernel/failure.ts";
import { type Result, tryAll, wayOut } from "../checking/probing.ts";
import { trialsOf } from "../checking/trials.ts";
import { type Counted, countOn } from "../counting.ts";
import type { Drift } from "../graph/build.ts";
import type { StackResource } from "../stack.ts";
import { driftIn, lookAt } from "../standing.ts";
import { hostsOf } from "../topology/hosts.ts";
import type { Topology } from "../topology/model.ts";

/** What is known of the stack that is watched. */
export interface Known {
  /** The engine's entries, and the parts of Labs too. */
  resources: readonly StackResource[];
  parts: readonly StackResource[];
  topology: Topology;
}

/** Counters, with the moment at which they were read (`performance.now()`). */
export interface Counting {
  at: number;
  counted: Counted;
}

/** How a host looked when it was last looked at. */
export interface HostSight {
  /** "" is this machine. */
  host: string;
  /** When it was last seen (`performance.now()`). */
  at: number | undefined;
  /** Why it cannot be reached now. */
  why: string | undefined;
  counters: Counting | undefined;
  /** The counters before those. */
  before: Counting | undefined;
  /** As it was when it was last seen. */
  drift: Drift;
  /** Why it is not known of some objects whether they drifted. */
  unknown: readonly string[];
  /** What was tried, and when; undefined: nothing yet. */
  checks: { at: number; results: readonly Result[] } | undefined;
}

/** Milliseconds between two looks: at counters, at what differs, at what reaches what. */
const every = { counters: 2000, drift: 10_000, checks: 20_000 } as const;

/** Trying takes processes: at most a sixth of the time is spent on it. */
const rest = 5;

/** Of more containers than these not every pair is tried: that would be thousands of packets all the time. */
export const mostPaired = 60;

/** When to look, and when to end. */
export interface Pace {
  /** Whether anybody looks at what is seen. */
  wanted(): boolean;
  ended: AbortSignal;
  /** Called whenever something new was seen. */
  changed(): void;
}

/** Whether a host answers at all. */
const there: Fact<boolean> = { command: sh(":"), parse: ({ code }) => code === 0 };

/** Looks at one host as long as it is wanted. */
export class HostWatch {
  readonly sight: HostSight;
  /** What is looked at from now on. */
  known: Known;
  readonly #pace: Pace;

  constructor(host: string, known: Known, pace: Pace) {
    this.sight = {
      host,
      at: undefined,
      why: undefined,
      counters: undefined,
      before: undefined,
      drift: new Map(),
      unknown: [],
      checks: undefined,
    };
    this.known = known;
    this.#pace = pace;
  }

  /** Looks again and again; ends with the pace. Rejects with what is no fault of the host. */
  async run(): Promise<void> {
    await Promise.all([
      again(this.#pace, every.counters, () => this.#count()),
      again(this.#pace, every.drift, () => this.#compare()),
      again(this.#pace, every.checks, () => this.#check(), rest),
    ]);
  }

  async #count(): Promise<void> {
    const { parts, topology } = this.known;
    const counted = await this.#asked(() => countOn(this.sight.host, parts, topology));
    if (!counted) return;
    this.sight.before = this.sight.counters;
    this.sight.counters = { at: performance.now(), counted };
  }

  async #compare(): Promise<void> {
    const own = this.known.resources.filter(({ connection }) => (connection?.host ?? "") === this.sight.host);
    const host = hostOf(own[0]?.connection);
    const found = await this.#asked(async () => {
      const seen = driftIn(await lookAt(own));
      // That the host is lost is said once, and not of every object.
      await host.observe({ there });
      return seen;
    });
    this.sight.unknown = found?.unknown ?? [];
    if (found) this.sight.drift = found.drift;
  }

  async #check(): Promise<void> {
    const { host } = this.sight;
    const { topology } = this.known;
    const connection = hostsOf(topology).get(host);
    const results = await this.#asked(async () => {
      const way = await wayOut(connection, undefined);
      const trials = trialsOf(topology, new Map([[host, way]]), topology.places.length <= mostPaired);
      return tryAll(trials.filter((one) => (one.connection?.host ?? "") === host));
    });
    if (results) this.sight.checks = { at: performance.now(), results };
  }

  /** Asks the host, and notes whether it answered. */
  async #asked<T>(ask: () => Promise<T>): Promise<T | undefined> {
    try {
      const answer = await ask();
      this.sight.at = performance.now();
      this.sight.why = undefined;
      return answer;
    } catch (error) {
      if (!(error instanceof LinuxnetError)) throw error;
      this.sight.why = error.message;
      return undefined;
    }
  }
}

/**
 * Does something again and again.
 * @param interval milliseconds between the end of one look and the next
 * @param times how many times as long as the look itself it waits at least
 */
export async function again(pace: Pace, interval: number, look: () => Promise<void>, times = 0): Promise<void> {
  const { wanted, ended, changed } = pace;
  while (!ended.aborted) {
    if (wanted()) {
      const begun = performance.now();
      await look();
      changed();
      await pause(Math.max(interval, times * (performance.now() - begun)), ended);
    } else await pause(200, ended);
  }
}

async function pause(milliseconds: number, ended: AbortSignal): Promise<void> {
  await sleep(milliseconds, undefined, { signal: ended }).catch(() => {});
}
