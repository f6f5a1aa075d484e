import { afterAll, beforeAll, beforeEach, expect, onTestFinished } from "vitest";
import { Stack, type StackOptions } from "../support/stack.ts";
import { config, type Vm, Vms } from "./vms.ts";

/** What a lab may leave behind on a machine, without what changes by itself. */
const traces = `
ip -o link | sed -E 's/ (qdisc|qlen) .*//'; ip -o addr | sed -E 's/ valid_lft.*//'
ip -4 route show table all; ip -6 route show table all; ip netns
findmnt -rno TARGET,FSTYPE | grep -vE '^/(proc|sys|run/(user|credentials))/' | sort
nft -a list ruleset; iptables-save | grep -v '^[#:]'; ip6tables-save | grep -v '^[#:]'
sysctl net.ipv4.ip_forward net.ipv6.conf.all.forwarding net.ipv4.conf.all.accept_redirects
find /run/linuxnet /run/netns /etc/netns 2>/dev/null; systemctl list-units --all --plain --no-legend 'linuxnet*'
grep -lsz '^LINUXNET_OWNER=' /proc/[0-9]*/environ; :`;

/** Prints what was seen, for docs/vm.md. */
export function show(what: string, text: string): void {
  const lines = text.trim().split("\n");
  console.log([`${what}:`, ...lines.map((line) => `  ${line}`)].join("\n"));
}

/** The two machines of a test file, which its tests use one after the other. */
export class Lab {
  #vms: Vms | undefined;
  #before: string[] = [];

  /** Has the machines turned on before the tests of this file and off behind them, and notes how they stand before each. */
  static use(): Lab {
    const lab = new Lab();
    beforeAll(async () => {
      lab.#vms = await Vms.start();
      await lab.#introduce();
    });
    afterAll(async () => await lab.#vms?.stop());
    beforeEach(async () => {
      lab.#before = await lab.#traced();
    });
    return lab;
  }

  /** `vm1` and `vm2`. */
  get vms(): [Vm, Vm] {
    return this.#started.vms;
  }

  /** A stack whose engine runs beside the machines; one whose test has failed is destroyed, for the tests behind it. */
  async open(program: string | undefined, options: StackOptions = {}): Promise<Stack> {
    const stack = await Stack.open(this.#started.machine, program, options);
    onTestFinished(async ({ task }) => {
      if (task.result?.state === "fail") await stack.destroy();
      stack.close();
    });
    return stack;
  }

  /** Fails when something is left on a machine that was not there before the test. */
  async expectClean(): Promise<void> {
    expect(await this.#traced()).toEqual(this.#before);
  }

  get #started(): Vms {
    if (!this.#vms) throw new Error("the machines are not on");
    return this.#vms;
  }

  #traced(): Promise<string[]> {
    return Promise.all(this.vms.map((vm) => vm.sh(traces)));
  }

  async #introduce(): Promise<void> {
    const versions = `. /etc/os-release; echo "$PRETTY_NAME, kernel $(uname -r)"; systemctl --version | head -n 1
      ip -V; nft --version; sshd -V 2>&1 | grep -o 'OpenSSH[^,]*' | head -n 1`;
    const { vms, machine } = this.#started;
    const emulator = await machine.sh("qemu-system-x86_64 --version | head -n 1");
    show("the machines", `${await vms[0].sh(versions)}\n${emulator}`);
  }
}

/** The text of a program's `connection` to a machine: as `lab`, who has sudo. */
export const connection = ({ name }: Pick<Vm, "name">) => `{ host: "${name}", sshConfigFile: "${config}" }`;
