import type { Machine } from "../support/machine.ts";
import { make, type Subject } from "../support/subject.ts";

/** The inputs of the resolver in {@link dnsLab}. */
export const shop = {
  network: "shop",
  bridge: "shop0",
  addresses: ["10.5.0.1/24", "fd00:5::1/64"],
  members: {
    web: { addresses: ["10.5.0.2", "fd00:5::2"], aliases: ["www", "all"] },
    db: { addresses: ["10.5.0.3"], aliases: ["all"] },
  },
};

/** Starts a name server in the world, which notes what it is asked: `up.test` is what it knows. */
export async function worldResolver(machine: Machine, address = "203.0.113.1", knows = "192.0.2.7"): Promise<void> {
  const options = "-k -C /dev/null --pid-file= --no-hosts --no-resolv --bind-interfaces --user=root --log-queries";
  await machine.sh(
    `nsenter --net=/media/world setsid dnsmasq ${options} --log-facility=/run/asked-${address} --listen-address=${address} ` +
      `--address=/up.test/${knows} </dev/null >/dev/null 2>&1 & until [ -s /run/asked-${address} ]; do sleep 0.02; done`,
  );
}

/** What the world's name server was asked. */
export async function asked(machine: Machine, address = "203.0.113.1"): Promise<string[]> {
  const lines = await machine.sh(`sed -n 's/.*query\\[\\(.*\\)\\] \\(.*\\) from.*/\\1 \\2/p' /run/asked-${address}`);
  return lines === "" ? [] : lines.split("\n");
}

/** A bridge `shop0` with two containers `web` and `db` on it, and a world that resolves names. */
export async function dnsLab(machine: Machine, more: Record<string, unknown> = {}): Promise<Subject> {
  await worldResolver(machine);
  await machine.sh("echo 'nameserver 203.0.113.1' >/etc/resolv.conf");
  const bridge = await make(machine, "Bridge", "shop0", { name: "shop0", addresses: shop.addresses, ...more });
  for (const [index, name] of ["web", "db"].entries())
    await machine.sh(
      [
        `ip netns add ${name}; ip link add v-${name} type veth peer name eth0 netns ${name}`,
        `ip link set v-${name} master shop0 up; ip -n ${name} link set lo up; ip -n ${name} addr add 10.5.0.${2 + index}/24 dev eth0`,
        `ip -n ${name} addr add fd00:5::${2 + index}/64 dev eth0 nodad; ip -n ${name} link set eth0 up; ip -n ${name} route add default via 10.5.0.1`,
      ].join("\n"),
    );
  await settled(machine);
  await machine.baseline();
  return bridge;
}

/** Waits until the kernel has given every link its own address. */
async function settled(machine: Machine): Promise<void> {
  await machine.sh(
    "for n in web db; do until ip -n $n -6 addr show dev eth0 scope link | grep -q 'fe80' && ! ip -n $n -6 addr show tentative | grep -q .; do sleep 0.05; done; done\n" +
      "for d in shop0 v-web v-db; do until ip -6 addr show dev $d scope link -tentative | grep -q fe80; do sleep 0.05; done; done",
  );
}

/** What a question is answered: the code, then the answers; asked in a namespace, or on the host. */
export async function dig(machine: Machine, question: string, from?: string): Promise<string[]> {
  const where = from === undefined ? "" : `ip netns exec ${from} `;
  const server = /(^| )@/.test(question) ? "" : "@10.5.0.1 ";
  const text = await machine.sh(`${where}dig +tries=2 +time=2 ${server}${question} +noall +comments +answer`);
  const code = /status: (\w+)/.exec(text)?.[1] ?? "none";
  const answers = text.split("\n").filter((line) => /\sIN\s/.test(line) && !line.startsWith(";"));
  return [code, ...answers.map((line) => line.split(/\s+/).slice(4).join(" ")).toSorted()];
}
