// One thread for all changes: tests that take a millisecond each are not to wait for half a second of loading before each change.
// A change that acts while the code is loaded ("static", in Stryker's words) gets a thread of its own.
import { EventEmitter } from "node:events";
import { resolve } from "node:path";
import { Worker } from "node:worker_threads";
import { distDir, type PoolOptions, type PoolWorker, type WorkerRequest } from "vitest/node";

/** The thread that is kept, with the code loaded as it is; undefined before the first run and after a static change. */
let kept: Worker | undefined;
let told: EventEmitter | undefined;
let isOwn = false;

function freshThread(env: NodeJS.ProcessEnv): Worker {
  const thread = new Worker(resolve(distDir, "workers/threads.js"), { env });
  for (const event of ["message", "error", "exit"]) thread.on(event, (...all) => told?.emit(event, ...all));
  return thread;
}

/** A worker of vitest's that outlives the run that has started it. */
class WarmWorker implements PoolWorker {
  readonly name = "warm";
  readonly #options: PoolOptions;
  readonly #events = new EventEmitter();
  #config: object = {};
  #started = false;

  constructor(options: PoolOptions) {
    this.#options = options;
  }

  on(event: string, callback: (...all: unknown[]) => void): void {
    this.#events.on(event, callback);
  }

  off(event: string, callback: (...all: unknown[]) => void): void {
    this.#events.off(event, callback);
  }

  deserialize(data: unknown): unknown {
    return data;
  }

  async start(): Promise<void> {
    const provided = this.#options.project.getProvidedContext() as { mode?: string; mutantActivation?: string };
    const alone = provided.mode !== "mutant" || provided.mutantActivation === "static";
    if (alone || isOwn) await end();
    isOwn = alone;
    this.#started = kept !== undefined;
    kept ??= freshThread({ ...process.env, ...this.#options.env });
    told = this.#events;
  }

  async stop(): Promise<void> {}

  send(message: WorkerRequest): void {
    if (message.type === "stop") this.#answer("stopped");
    else if (message.type === "start" && this.#started) {
      this.#config = message.context.config;
      this.#answer("started");
    } else {
      if (message.type === "start") this.#config = message.context.config;
      // The thread has the configuration of the first run; which tests run stands in that of this one.
      const context = "context" in message ? { ...message.context, config: this.#config } : {};
      kept?.postMessage({ ...message, context });
    }
  }

  #answer(type: "started" | "stopped"): void {
    queueMicrotask(() => this.#events.emit("message", { type, __vitest_worker_response__: true }));
  }
}

async function end(): Promise<void> {
  const former = kept;
  [kept, told] = [undefined, undefined];
  await former?.terminate();
}

/** Vitest's pool of that one worker. */
export const warm = { name: "warm", createPoolWorker: (options: PoolOptions): PoolWorker => new WarmWorker(options) };
