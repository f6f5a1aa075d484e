import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type Answer, Machine } from "../support/machine.ts";

/** The folder of the image that scripts/vm.sh makes. */
const image = process.env.LINUXNET_VM ?? "";

/** What the emulated processor is: those features that cost most to emulate are left out. */
const processor = ["-accel", "tcg,thread=multi", "-cpu", "max,-la57,-smap,-smep,-umip,-pku"];

const kernelLine = [
  "console=ttyS0 quiet loglevel=3 net.ifnames=0 mitigations=off nokaslr random.trust_cpu=on no_timer_check",
  "tsc=reliable cryptomgr.notests audit=0 apparmor=0 selinux=0",
].join(" ");

/** A virtual machine `vm1` or `vm2`: Debian's kernel, systemd and udev. Its second card, 10.98.0.N, leads to the other one. */
export class Vm {
  readonly name: string;
  /** Its address in the network between the machines. */
  readonly address: string;
  readonly #lab: Vms;
  readonly #number: number;
  #pid = 0;

  constructor(lab: Vms, number: number) {
    this.#lab = lab;
    this.#number = number;
    this.name = `vm${number}`;
    this.address = `10.98.0.${number}`;
  }

  /** Turns it on, and waits until it lets users in. */
  async boot(): Promise<void> {
    const { machine, folder } = this.#lab;
    const disk = join(folder, `${this.name}.qcow2`);
    if (!existsSync(disk)) await machine.sh(`qemu-img create -q -f qcow2 -b ${image}/disk -F raw ${disk}`);
    this.#pid = await machine.spawn(this.#qemu(disk));
    for (let left = 150; ; left -= 1) {
      const { code, stderr } = await this.ssh("true");
      if (code === 0) return;
      if (left === 0 || !(await this.#runs()))
        throw new Error(`${this.name} does not come up: ${stderr}\n${this.console()}`);
      await new Promise((resolve) => setTimeout(resolve, 1000));
    }
  }

  async #runs(): Promise<boolean> {
    return (await this.#lab.machine.exec(`kill -0 ${this.#pid}`)).code === 0;
  }

  /** What it printed at its start. */
  console(): string {
    const file = join(this.#lab.folder, `${this.name}.console`);
    return existsSync(file) ? readFileSync(file, "utf8").slice(-2000) : "";
  }

  /** Runs a line of bash as root; the answer's code is 255 when it cannot be reached. */
  ssh(command: string): Promise<Answer> {
    const words = `ssh -T -F ${this.#lab.config} -o ConnectTimeout=10 -l root ${this.name} bash`;
    return this.#lab.machine.exec(words, command);
  }

  /** Runs a line of bash as root; throws with its stderr when it fails. */
  async sh(command: string): Promise<string> {
    const { code, stdout, stderr } = await this.ssh(command);
    if (code === 0) return stdout.trimEnd();
    throw new Error(`\`${command}\` on ${this.name} ended with ${code}: ${stderr.trim()}\n${stdout.trim()}`);
  }

  /** Reboots it: its own shutdown, then a cold start from its disk. */
  async reboot(): Promise<void> {
    await this.ssh("systemctl reboot");
    await this.#ended();
    await this.boot();
  }

  /** A power loss. */
  async cut(): Promise<void> {
    await this.#lab.machine.exec(`kill -9 ${this.#pid}`);
    await this.#ended();
  }

  #ended(): Promise<string> {
    return this.#lab.machine.sh(`while kill -0 ${this.#pid} 2>/dev/null; do sleep 0.1; done`);
  }

  #qemu(disk: string): string[] {
    const [number, other] = [this.#number, 3 - this.#number];
    const wire = `local.type=inet,local.host=127.0.0.1,local.port=${24000 + number}`;
    const end = `remote.type=inet,remote.host=127.0.0.1,remote.port=${24000 + other}`;
    const machineId = `${number}`.padStart(32, "ab");
    return [
      ...["qemu-system-x86_64", "-name", this.name, ...processor, "-smp", "1", "-m", "768"],
      ...["-machine", "pc,hpet=off,usb=off,vmport=off,graphics=off", "-nodefaults", "-no-user-config", "-no-reboot"],
      ...["-display", "none", "-vga", "none", "-serial", `file:${this.#lab.folder}/${this.name}.console`],
      ...["-kernel", `${image}/vmlinuz`, "-initrd", `${image}/initrd`],
      ...["-append", `${kernelLine} lab=${number} systemd.machine_id=${machineId}`],
      ...["-drive", `file=${disk},if=none,id=d0,format=qcow2,cache=unsafe`, "-device", "virtio-blk-pci,drive=d0"],
      ...["-device", "virtio-rng-pci"],
      // The first card leads to the tests alone, the second one to the other machine: nothing gets outside.
      ...["-netdev", `user,id=n0,restrict=on,hostfwd=tcp:127.0.0.1:${2220 + number}-:22`],
      ...["-device", `virtio-net-pci,netdev=n0,mac=52:54:00:98:00:0${number},romfile=`],
      ...["-netdev", `dgram,id=n1,${wire},${end}`],
      ...["-device", `virtio-net-pci,netdev=n1,mac=52:54:00:98:01:0${number},romfile=`],
    ];
  }
}

/** Two virtual machines, and the machine of the tests in which they run: with it they end. */
export class Vms {
  /** Where the engine and qemu run. */
  readonly machine: Machine;
  /** The disks, and the ssh config. */
  readonly folder: string;
  /** An ssh config that knows the machines by name, and logs in as `lab`, who has sudo. */
  readonly config: string;
  readonly vms: [Vm, Vm];

  private constructor(machine: Machine, folder: string) {
    this.machine = machine;
    this.folder = folder;
    this.config = join(folder, "ssh_config");
    this.vms = [new Vm(this, 1), new Vm(this, 2)];
  }

  /** Turns both on. */
  static async start(): Promise<Vms> {
    const lab = new Vms(await Machine.start(), mkdtempSync(join(tmpdir(), "linuxnet-vm-")));
    const known = readFileSync(join(image, "host-key"), "utf8");
    writeFileSync(join(lab.folder, "known_hosts"), `vm1,vm2 ${known}`);
    const hosts = [1, 2].map(
      (number) => `Host vm${number}\n  HostName 127.0.0.1\n  Port ${2220 + number}\n  HostKeyAlias vm${number}\n`,
    );
    const common = `Host *\n  User lab\n  IdentityFile ${image}/id\n  IdentitiesOnly yes\n  BatchMode yes\n  LogLevel ERROR\n`;
    const names = `  UserKnownHostsFile ${lab.folder}/known_hosts\n  StrictHostKeyChecking yes\n`;
    writeFileSync(lab.config, [...hosts, common, names].join(""));
    await lab.machine.sh("ip link set lo up");
    await Promise.all(lab.vms.map((vm) => vm.boot()));
    return lab;
  }

  /** Turns both off, and removes their disks. */
  async stop(): Promise<void> {
    await this.machine.stop();
    rmSync(this.folder, { recursive: true, force: true });
  }
}
