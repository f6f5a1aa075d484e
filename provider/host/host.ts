import { randomBytes } from "node:crypto";
import { type Answers, batchLine, type Fact, type Facts, type Reply, type Step } from "../kernel/command.ts";
import type { Connection } from "../kernel/connection.ts";
import { LinuxnetError } from "../kernel/failure.ts";
import { lastBatches } from "./groups.ts";
import { factKey, observe } from "./observation.ts";
import { type Preflight, preflightScript, readPreflight } from "./preflight.ts";
import { type Report, readReport } from "./report.ts";
import { compile, ends, type Part, type ScriptOptions, together } from "./script.ts";
import { OutcomeUnknown, type Request, Session } from "./session.ts";
import { type Launch, localLaunch } from "./shell.ts";
import { sshLaunch } from "./ssh.ts";

interface Apply {
  steps: readonly Step[];
  options: ScriptOptions;
  /** The steps as they are written. */
  part?: Part;
}

interface Job {
  apply?: Apply;
  facts: readonly Fact<unknown>[];
  resolve(result: { report: Report; answers: Map<string, Reply> }): void;
  reject(error: unknown): void;
}

/** Another machine answers than the one that was looked at, or it was started anew since: nothing has run, so look again. */
export class Elsewhere extends OutcomeUnknown {}

/** Steps were run, and what was asked afterwards cannot be read: how the script went is known all the same. */
export class Unread extends LinuxnetError {
  report: Report | undefined;
}

/**
 * A host as the lifecycle sees it: steps go in, facts come out. What is asked for while a request is under way is gathered
 * and sent together when it is back, so many resources share a round trip and one observation.
 */
export class Host {
  readonly session: Session;
  /** What the host is: known once a first answer has come. */
  preflight: Preflight | undefined;
  #queue: Job[] = [];
  #busy = false;

  constructor(launch: Launch) {
    this.session = new Session(launch);
  }

  /** Whether things are only tried here: then nothing is waited for that would have to run. */
  get rehearses(): boolean {
    return false;
  }

  /** The host, in the words of an error. */
  get name(): string {
    return this.session.name;
  }

  /**
   * Asks the host.
   * @throws OutcomeUnknown when the session ended before the answer came
   * @throws LinuxnetError when an answer is not what the tool's version is known to print
   */
  async observe<F extends Facts>(facts: F): Promise<Answers<F>> {
    const { answers } = await this.#enqueue(undefined, Object.values(facts));
    return this.#parse(facts, answers);
  }

  /**
   * Runs steps as one script, then asks in the same round trip.
   * @throws OutcomeUnknown when the session ended before the answer came: the script may have run
   * @throws Elsewhere when it is another machine than `options.on` by now: nothing has run
   * @throws Unread when an answer is not what the tool's version is known to print: the script has run
   */
  async apply<F extends Facts>(
    steps: readonly Step[],
    options: ScriptOptions,
    facts: F,
  ): Promise<{ report: Report; answers: Answers<F> }> {
    const { report, answers } = await this.#enqueue({ steps, options }, Object.values(facts));
    if (report.elsewhere) throw new Elsewhere({ host: this.name, problem: "it was started anew on the way" });
    try {
      return { report, answers: this.#parse(facts, answers) };
    } catch (error) {
      if (!(error instanceof LinuxnetError)) throw error;
      throw Object.assign(new Unread(error.failing), { report });
    }
  }

  #parse<F extends Facts>(facts: F, answers: Map<string, Reply>): Answers<F> {
    const entries = Object.entries(facts).map(([name, fact]) => {
      const reply = answers.get(factKey(fact));
      if (!reply) throw new LinuxnetError({ host: this.name, problem: `the host did not answer ${factKey(fact)}` });
      return [name, fact.parse(reply)];
    });
    return Object.fromEntries(entries);
  }

  #enqueue(
    apply: Job["apply"],
    facts: readonly Fact<unknown>[],
  ): Promise<{ report: Report; answers: Map<string, Reply> }> {
    return new Promise((resolve, reject) => {
      this.#queue.push({ ...(apply && { apply }), facts, resolve, reject });
      if (!this.#busy) void this.#drain();
    });
  }

  async #drain(): Promise<void> {
    this.#busy = true;
    // What the engine asks for at the same moment arrives in the same turn of the event loop.
    await new Promise((resolve) => setImmediate(resolve));
    while (this.#queue.length > 0) await this.#round(this.#queue.splice(0));
    this.#busy = false;
  }

  #greet([reply]: readonly Reply[]): void {
    try {
      this.preflight = readPreflight(reply as Reply, this.name);
    } catch (error) {
      this.session.close();
      throw error;
    }
  }

  async #round(queued: readonly Job[]): Promise<void> {
    const jobs = queued.filter((job) => this.#fit(job));
    if (jobs.length === 0) return;
    try {
      const { replies, answers } = await this.#exchange(jobs);
      for (const { apply, resolve } of jobs) {
        const report = apply ? readReport(replies.shift() as Reply, apply.steps) : { failures: [], left: [] };
        resolve({ report, answers });
      }
    } catch (error) {
      for (const job of jobs) job.reject(error);
    }
  }

  /** What cannot be written as a script is the fault of one job, and no reason to keep the others waiting. */
  #fit({ apply, facts, reject }: Job): boolean {
    try {
      if (apply) apply.part = compile(apply.steps, apply.options);
      for (const { command } of facts) if (command.kind === "ip") batchLine(command);
      return true;
    } catch (error) {
      reject(error);
      return false;
    }
  }

  async #exchange(jobs: readonly Job[]): Promise<{ replies: Reply[]; answers: Map<string, Reply> }> {
    const applies = jobs.flatMap(({ apply }) => apply ?? []);
    const facts = jobs.flatMap((job) => job.facts);
    const fresh = !this.session.open;
    // Nothing is changed on a host of which it is not known what it is.
    if (fresh && applies.length > 0) this.#greet(await this.session.send([greeting]));
    const { observation, parts } = composed(applies, facts);
    const tag = `part-${randomBytes(12).toString("hex")}`;
    const requests: Request[] = [observation];
    if (parts.length > 0) requests.unshift(together(parts, tag));
    const replies = await this.session.send(fresh && applies.length === 0 ? [greeting, ...requests] : requests);
    if (fresh && applies.length === 0) this.#greet(replies.splice(0, 1));
    const asked = replies.pop() as Reply;
    const [told] = replies;
    const answers = observation.read({ ...asked, stdout: asked.stdout + (told?.stdout ?? "") });
    return { answers: answers ?? (await this.#ask(facts)), replies: told ? ends(told, tag, parts.length) : [] };
  }

  /** Asks once more, by itself. */
  async #ask(facts: readonly Fact<unknown>[]): Promise<Map<string, Reply>> {
    const observation = observe(facts);
    const [reply] = await this.session.send([observation]);
    return observation.read(reply as Reply) ?? new Map();
  }
}

/** What is done and asked. The steps of one operation are asked at their end, where nothing changes what they tell. */
function composed(applies: readonly Apply[], facts: readonly Fact<unknown>[]) {
  const parts = applies.flatMap(({ part }) => part ?? []);
  const [only, ...more] = applies;
  if (!only || more.length > 0) return { observation: observe(facts), parts };
  const observation = observe(facts, lastBatches(only.steps));
  if (observation.looks.size === 0) return { observation, parts };
  return { observation, parts: [compile(only.steps, { ...only.options, looks: observation.looks })] };
}

/** The first request of a session. */
const greeting: Request = { script: preflightScript, deadline: 20 };

const hosts = new Map<string, Host>();

/** The host that a connection leads to; without `host`, this machine. One session each for the whole process. */
export function hostOf(connection: Connection | undefined): Host {
  const key = JSON.stringify(connection ?? {});
  const known = hosts.get(key);
  if (known) return known;
  const host = new Host(launchOf(connection));
  hosts.set(key, host);
  return host;
}

/** How the shell of a host is started. */
export function launchOf(connection: Connection | undefined): Launch {
  return connection?.host === undefined ? localLaunch(connection) : sshLaunch(connection);
}
