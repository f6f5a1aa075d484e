import { readFileSync } from "node:fs";
import { quote } from "../../provider/kernel/quote.ts";
import { type Answer, Machine } from "../support/machine.ts";

/** The folder of the image that scripts/vm.sh makes. */
const image = process.env.LINUXNET_VM ?? "";

/** Where the disks are: in the memory of the machine in which qemu runs, so that nothing of them outlives it. */
const folder = "/media/vm";

/** An ssh config, in the machine of the tests, that knows the machines by name, and logs in as `lab`, who has sudo. */
export const config = `${folder}/ssh_config`;

const port = (number: number) => 2220 + number;

const sshConfig = `${[1, 2].map((number) => `Host vm${number}\n  Port ${port(number)}\n  HostKeyAlias vm${number}\n`).join("")}
Host *
  HostName 127.0.0.1
  User lab
  IdentityFile "${image}/id"
  IdentitiesOnly yes
  BatchMode yes
  LogLevel ERROR
  UserKnownHostsFile ${folder}/known_hosts
  StrictHostKeyChecking yes
`;

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
    const { machine } = this.#lab;
    const disk = `${folder}/${this.name}.qcow2`;
    await machine.sh(`[ -e ${disk} ] || qemu-img create -q -f qcow2 -b ${quote(image)}/disk -F raw ${disk}`);
    this.#pid = await machine.spawn(this.#qemu(disk));
    for (let left = 150; ; left -= 1) {
      const { code, stderr } = await this.ssh("true");
      if (code === 0) return;
      if (left === 0 || !(await this.#runs()))
        throw new Error(`${this.name} does not come up: ${stderr}\n${await this.console()}`);
      await new Promise((resolve) => setTimeout(resolve, 1000));
    }
  }

  async #runs(): Promise<boolean> {
    return (await this.#lab.machine.exec(`kill -0 ${this.#pid}`)).code === 0;
  }

  /** What it printed at its start. */
  console(): Promise<string> {
    return this.#lab.machine.sh(`tail -c 2000 ${folder}/${this.name}.console`);
  }

  /** Runs a line of bash as root; the answer's code is 255 when it cannot be reached. */
  ssh(command: string): Promise<Answer> {
    const words = `ssh -T -F ${config} -o ConnectTimeout=10 -l root ${this.name} bash`;
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
      ...["-display", "none", "-vga", "none", "-serial", `file:${folder}/${this.name}.console`],
      ...["-kernel", `${image}/vmlinuz`, "-initrd", `${image}/initrd`],
      ...["-append", `${kernelLine} lab=${number} systemd.machine_id=${machineId}`],
      ...["-drive", `file=${disk},if=none,id=d0,format=qcow2,cache=unsafe`, "-device", "virtio-blk-pci,drive=d0"],
      ...["-device", "virtio-rng-pci"],
      // The first card leads to the tests alone, the second one to the other machine: nothing gets outside.
      ...["-netdev", `user,id=n0,restrict=on,hostfwd=tcp:127.0.0.1:${port(number)}-:22`],
      ...["-device", `virtio-net-pci,netdev=n0,mac=52:54:00:98:00:0${number},romfile=`],
      ...["-netdev", `dgram,id=n1,${wire},${end}`],
      ...["-device", `virtio-net-pci,netdev=n1,mac=52:54:00:98:01:0${number},romfile=`],
    ];
  }
}

/** Two virtual machines, and the machine of the tests in which they run: with it they end, and their disks are gone. */
export class Vms {
  /** Where the engine and qemu run. */
  readonly machine: Machine;
  readonly vms: [Vm, Vm];

  private constructor(machine: Machine) {
    this.machine = machine;
    this.vms = [new Vm(this, 1), new Vm(this, 2)];
  }

  /** Turns both on. */
  static async start(): Promise<Vms> {
    const lab = new Vms(await Machine.start());
    const { machine } = lab;
    machine.patience = 900_000;
    await machine.sh(`ip link set lo up; mkdir ${folder}; mount -t tmpfs -o mode=755 tmpfs ${folder}`);
    const known = readFileSync(`${image}/host-key`, "utf8");
    await machine.sh(`echo ${quote(`vm1,vm2 ${known}`)} >${folder}/known_hosts; echo ${quote(sshConfig)} >${config}`);
    await Promise.all(lab.vms.map((vm) => vm.boot()));
    return lab;
  }

  /** Turns both off. */
  stop(): Promise<void> {
    return this.machine.stop();
  }
}
