import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Host } from "../../provider/host/host.ts";
import type { Launch } from "../../provider/host/shell.ts";
import { sshLaunch } from "../../provider/host/ssh.ts";
import type { Connection } from "../../provider/kernel/connection.ts";
import { quoteAll } from "../../provider/kernel/quote.ts";
import { type Key, type Keys, makeKeys } from "./hosts-keys.ts";
import { type Answer, type Begun, begin, Machine, setUp } from "./machine.ts";

export type { Key, Keys };

/** How hosts stand to one another; all of it has a default. */
export interface HostsOptions {
  /** The last host is reached only through the first (default false). */
  jump?: boolean;
  /** Each host has an uplink `up0` to a world beyond it, as a {@link Machine} has (default false). */
  world?: boolean;
}

/** The users of every host: sudo for all without a password; for single tools; with a password; not at all. */
export type User = "root" | "lab" | "labfew" | "labpw" | "labno";

/** Where a host stands. */
interface Place {
  /** Counted from 1. */
  number: number;
  client: Machine;
  /** The host behind which it stands. */
  gate: LabHost | undefined;
  world: boolean;
}

/** A host that is reached by ssh from the client side. Its files, processes and links are its own, and end with it. */
export class LabHost extends Machine {
  /** Its name, on itself and on the client side: `h1`. */
  readonly name: string;
  readonly address: string;
  /** How the tests' own session comes in; default: root with the client's own key. */
  login: Connection;
  /** What errors call it; default: as ssh does. */
  called: string | undefined;
  readonly #place: Place;

  private constructor(place: Place, begun: Begun) {
    super(begun);
    this.#place = place;
    this.name = `h${place.number}`;
    this.address = `${place.gate ? "10.98.0" : "10.99.0"}.${place.number}`;
    this.login = { host: this.address, user: "root" };
  }

  /** Sets up a host and its sshd; takes half a second. */
  static async boot(place: Place): Promise<LabHost> {
    return new LabHost(place, await powerOn(place));
  }

  override enter(argv: readonly string[], netns?: "world"): [string, ...string[]] {
    return this.#place.client.enter(super.enter(argv, netns));
  }

  override launch(): Launch {
    const launch = launchFrom(this.#place.client, this.login);
    return { ...launch, name: this.called ?? launch.name };
  }

  /** The sshd that listens, as the host counts; 0 when there is none. */
  async sshdPid(): Promise<number> {
    const { stdout } = await this.exec('pid=$(cat /run/sshd.pid) && [ -e "/proc/$pid" ] && echo "$pid"');
    return Number(stdout);
  }

  /** Ends the sshd that listens; connections that stand live on. */
  async stopSshd(): Promise<void> {
    const pid = await this.sshdPid();
    if (pid > 0)
      await this.sh(`kill ${pid}; while kill -0 ${pid} 2>/dev/null; do sleep 0.01; done; rm -f /run/sshd.pid`);
  }

  /** Starts sshd anew; `config` stands before the host's own settings, in the place of what was there before. */
  async restartSshd(config = ""): Promise<void> {
    await this.stopSshd();
    const file = "/etc/ssh/sshd_config.d/test.conf";
    const { code, stderr } = await this.exec(`cat >${file} && /usr/sbin/sshd -E /var/log/sshd.log`, config);
    if (code !== 0) throw new Error(`sshd does not start: ${stderr}`);
  }

  /** Cuts every connection that stands, on the host's side: its sshd ends, what it started runs on. */
  async cutConnections(): Promise<void> {
    const listener = await this.sshdPid();
    await this.sh(
      `for stat in /proc/[0-9]*/stat; do
         read -r pid name _ <"$stat" || continue
         [ "$name" != '(sshd)' ] || [ "$pid" = ${listener} ] || kill -9 "$pid"
       done 2>/dev/null; true`,
    );
  }

  override endSession(): Promise<void> {
    return this.cutConnections();
  }

  /** Drops all that comes from this host or goes to it, as a packet filter on the way does: no one is told. */
  async dropPackets(): Promise<void> {
    const chain = (hook: string) =>
      `chain ${hook} {\n type filter hook ${hook} device ${this.name} priority 0;\n meta protocol != arp drop\n}`;
    await this.#place.client.sh(`nft 'table netdev cut_${this.name} {\n${chain("ingress")}\n${chain("egress")}\n}'`);
  }

  /** Ends what {@link dropPackets} began. */
  async passPackets(): Promise<void> {
    await this.#place.client.exec(`nft delete table netdev cut_${this.name}`);
  }

  /** A power loss: all that runs ends, and no one is told. */
  async kill(): Promise<void> {
    if (!this.#place.gate) await this.dropPackets();
    await this.stop();
  }

  /** Starts the host anew, empty; with another machine id it is another host at the same address. */
  async boot(machineId?: string): Promise<void> {
    await this.passPackets();
    this.begun = await powerOn(this.#place, machineId);
  }

  /** Resolves when nothing of the host runs any more. */
  get ended(): Promise<unknown> {
    return this.begun.init;
  }

  override async stop(): Promise<void> {
    await this.#place.client.exec(`kill -9 ${this.pid}`);
    await this.begun.init;
  }
}

function powerOn({ number, client, gate, world }: Place, machineId?: string): Promise<Begun> {
  const id = machineId ?? (0x1ab0 + number).toString(16).padStart(32, "0");
  const scripts = setUp("hosts-host.sh", ...(world ? ["world.sh"] : []));
  const namespaces = ["--net", "--mount", "--uts", "--ipc", "--pid", "--fork", "--propagation", "private"];
  const args = [`h${number}`, `${number}`, id, gate ? `${gate.pid}` : "", world ? "world" : ""];
  return begin(client.enter(["unshare", ...namespaces, "sh", "-c", scripts, ...args]));
}

/** How the package's session comes to a host from the client side. */
function launchFrom(client: Machine, connection: Connection): Launch {
  const launch = sshLaunch(connection);
  return {
    ...launch,
    start: async (boot) => {
      const started = await launch.start(boot);
      // An agent of whoever runs the tests is not theirs.
      return { ...started, env: { SSH_AUTH_SOCK: "", ...started.env }, argv: client.enter(started.argv) };
    },
  };
}

/** Hosts, and the client side from which they are reached. */
export class Hosts {
  /** The client side: `pulumi` and `ssh` run here, with a ~/.ssh of their own. Its bridge `wire` is 10.99.0.254. */
  readonly machine: Machine;
  readonly hosts: LabHost[];
  readonly keys: Keys;
  readonly #folders: string[] = [];

  private constructor(machine: Machine, hosts: LabHost[], keys: Keys) {
    this.machine = machine;
    this.hosts = hosts;
    this.keys = keys;
  }

  /** Starts hosts; takes about a second. */
  static async start(count: number, { jump = false, world = false }: HostsOptions = {}): Promise<Hosts> {
    const machine = await Machine.start();
    const keys = await makeKeys(machine, count);
    const boot = (number: number, gate?: LabHost) => LabHost.boot({ number, client: machine, gate, world });
    const straight = await Promise.all(Array.from({ length: jump ? count - 1 : count }, (_, index) => boot(index + 1)));
    const hosts = jump ? [...straight, await boot(count, straight[0])] : straight;
    await Promise.all(hosts.map((host) => host.baseline()));
    return new Hosts(machine, hosts, keys);
  }

  /** What a provider process on the client side has for a connection: a new session. */
  reach(connection: Connection): { host: Host; connection: Connection } {
    return { host: new Host(launchFrom(this.machine, connection)), connection };
  }

  /** Runs a line of bash on the client side. */
  client(command: string, input?: string): Promise<Answer> {
    return this.machine.exec(command, input);
  }

  /** Runs the client's ssh: never asks, and ends after ten seconds. */
  ssh(...args: string[]): Promise<Answer> {
    return this.machine.exec(`exec timeout 10 ssh -T -o BatchMode=yes ${quoteAll(args)}`);
  }

  /** Drops the packets of the host at an index of {@link hosts}. */
  async dropPackets(index: number): Promise<void> {
    await this.hosts[index]?.dropPackets();
  }

  /** Writes the client's ~/.ssh/config. */
  async configure(text: string): Promise<void> {
    const { code, stderr } = await this.machine.exec("umask 077; cat >/root/.ssh/config", text);
    if (code !== 0) throw new Error(stderr);
  }

  /** Starts an agent on the client side that holds keys; it ends with the hosts, or by its pid on the client side. */
  async agent(...keys: Key[]): Promise<{ socket: string; pid: number }> {
    // The tests' own process, in which the provider runs, is to see the socket too.
    const folder = mkdtempSync(join(tmpdir(), "linuxnet-lab-"));
    this.#folders.push(folder);
    const socket = join(folder, "agent");
    const pid = await this.machine.spawn(["ssh-agent", "-D", "-a", socket]);
    await this.machine.sh(`until [ -S ${socket} ]; do sleep 0.01; done`);
    for (const { path } of keys) await this.machine.sh(`SSH_AUTH_SOCK=${socket} ssh-add -q ${path}`);
    return { socket, pid };
  }

  /** Fails when a host is not as it was at its last baseline. */
  async expectClean(): Promise<void> {
    for (const host of this.hosts) await host.expectClean();
  }

  /** Ends the hosts and the client side. */
  async stop(): Promise<void> {
    await this.machine.stop();
    await Promise.all(this.hosts.map((host) => host.ended));
    for (const folder of this.#folders) rmSync(folder, { recursive: true, force: true });
  }
}
