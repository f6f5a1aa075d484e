// A host on which things are only tried: a copy of its network in namespaces of its own, which go with the session. What is
// changed there is changed in the kernel, and so can be read back; the host itself stays as it is.
import type { Answers, Facts, Step } from "../kernel/command.ts";
import { LinuxnetError } from "../kernel/failure.ts";
import { quote } from "../kernel/quote.ts";
import { Host } from "./host.ts";
import type { Report } from "./report.ts";
import type { ScriptOptions } from "./script.ts";
import { type Launch, shellEnv } from "./shell.ts";
import { pictureFacts, stageScript } from "./stage.ts";

/** A step that was done, with what the host has said of how to type it. */
export interface Rehearsed {
  step: Step;
  asked: string;
}

/** What a rehearsal is told of. */
export type Witness = (done: readonly Rehearsed[], owner: string) => void;

/** How a rehearsal goes. */
export interface Rehearsal {
  witness: Witness;
  /** Whether the host is taken for one that has no nft. */
  withoutNft: boolean;
}

/**
 * What PID 1 of the namespaces begins with. Everything that a step writes is in there alone: /run and /etc are copies in memory, the
 * rest of the disk cannot be written to.
 */
const privately = `set -e
mount -t proc proc /proc
mount -t sysfs sysfs /sys
cd /run
mount -t tmpfs -o mode=755 tmpfs /run
[ ! -d linuxnet ] || cp -a linuxnet /run/
rm -rf /run/linuxnet/process /run/linuxnet/dns /run/linuxnet/claims
cd /
mkdir -p /run/lock /run/.etc
cp -a /etc/. /run/.etc/
mount --bind /run/.etc /etc
[ ! -d /var/cache/ldconfig ] || mount -t tmpfs -o mode=700 tmpfs /var/cache/ldconfig
mount -o remount,bind,ro / 2>/dev/null || :
: >/run/.far
unshare --net=/run/.far true
ip link set lo up
nsenter --net=/run/.far ip link set lo up
set +e`;

/** Where the program is that is hidden. */
const hideNft = `for nft in $(command -v -a nft 2>/dev/null || command -v nft); do : >/run/.none; mount --bind /run/.none "$nft"; done`;

function rehearsalLaunch(launch: Launch, withoutNft: boolean): Launch {
  const namespaces = "--net --mount --pid --uts --ipc --fork --kill-child --propagation private";
  return {
    ...launch,
    start: (boot) => {
      const within = [privately, ...(withoutNft ? [hideNft] : []), boot].join("\n");
      return launch.start(`PATH=${shellEnv.PATH}; export PATH; exec unshare ${namespaces} /bin/sh -c ${quote(within)}`);
    },
  };
}

/** A host as the lifecycle sees it, of which nothing is changed: see the head of this file. */
export class RehearsalHost extends Host {
  readonly #real: Host;
  readonly #rehearsal: Rehearsal;
  #staged: Promise<void> | undefined;

  /** @param real the host itself: it is only looked at */
  constructor(real: Host, launch: Launch, rehearsal: Rehearsal) {
    super(rehearsalLaunch(launch, rehearsal.withoutNft));
    this.#real = real;
    this.#rehearsal = rehearsal;
  }

  override get rehearses(): boolean {
    return true;
  }

  override async observe<F extends Facts>(facts: F): Promise<Answers<F>> {
    await this.#stage();
    return super.observe(facts);
  }

  override async apply<F extends Facts>(
    steps: readonly Step[],
    options: ScriptOptions,
    facts: F,
  ): Promise<{ report: Report; answers: Answers<F> }> {
    await this.#stage();
    const acted = steps.map((step) => (step.typed?.standIn ? { ...step, do: step.typed.standIn } : step));
    const result = await super.apply(acted, options, facts);
    if (result.report.failures.length === 0 && steps.length > 0) await this.#tell(steps, options.owner);
    return result;
  }

  async #tell(steps: readonly Step[], owner: string): Promise<void> {
    const asking = steps.flatMap((step, index) => (step.typed?.ask ? [[`${index}`, step.typed.ask] as const] : []));
    const facts = Object.fromEntries(asking.map(([name, command]) => [name, { command, parse: said }]));
    const answers: Record<string, string> = asking.length === 0 ? {} : await super.observe(facts);
    this.#rehearsal.witness(
      steps.map((step, index) => ({ step, asked: answers[`${index}`] ?? "" })),
      owner,
    );
  }

  /** Sets up what the host has beside what is ours. */
  #stage(): Promise<void> {
    this.#staged ??= this.#prepare();
    return this.#staged;
  }

  async #prepare(): Promise<void> {
    const picture = await this.#real.observe(pictureFacts);
    await super.observe({});
    const script = stageScript(picture, this.#rehearsal.withoutNft);
    const [reply] = await this.session.send([{ script, deadline: 60 }]);
    if (reply?.code === 0) return;
    throw new LinuxnetError({ host: this.name, problem: "its copy could not be made", cause: `${reply?.stderr}` });
  }
}

const said = ({ stdout }: { stdout: string }) => stdout;
