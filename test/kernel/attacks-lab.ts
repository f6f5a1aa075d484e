import { afterAll, afterEach } from "vitest";
import { type Answer, type Machine, machineAddress } from "../support/machine.ts";
import { make, type Subject } from "../support/subject.ts";
import { at, type Place } from "../support/transfer.ts";

/** By what the packet rules stand: our nftables table, iptables beside it, or iptables on a host where nft does not work. */
export const grounds = ["nftables", "iptables", "iptables without nft"] as const;

/** One of {@link grounds}. */
export type Ground = (typeof grounds)[number];

/** The backend that a resource is asked for on a ground. */
export const backendOn = (ground: Ground): string => (ground === "nftables" ? ground : "iptables");

/** Something to be reached: a protocol, an address, a port (of a ping any). */
export type Target = readonly ["tcp" | "udp" | "ping", string, number];

/** Answers everyone on some ports of TCP and UDP, in both families, with a name. */
const server = `
import socket, sys, threading
name, ports, addresses = sys.argv[1].encode(), [int(p) for p in sys.argv[2].split(",")], sys.argv[3:]
def tcp(f, a, p):
    s = socket.socket(f, socket.SOCK_STREAM); s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    if f == socket.AF_INET6: s.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
    s.bind((a, p)); s.listen(64)
    while True:
        c, _ = s.accept(); threading.Thread(target=talk, args=(c,)).start()
def talk(c):
    try:
        c.sendall(name)
        while c.recv(99): c.sendall(name)
    except OSError: pass
def udp(f, a, p):
    s = socket.socket(f, socket.SOCK_DGRAM)
    if f == socket.AF_INET6: s.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
    s.bind((a, p))
    while True: s.sendto(name, s.recvfrom(99)[1])
for a in addresses:
    f = socket.AF_INET6 if ":" in a else socket.AF_INET
    for p in ports:
        for serve in (tcp, udp): threading.Thread(target=serve, args=(f, a, p)).start()
`;

/** Tries several targets at the same time, and prints for each the name that answered, or nothing. */
const knocking = `
import socket, subprocess, sys, threading
patience = float(sys.argv[1]); targets = [t.split(",") for t in sys.argv[2:]]; said = [""] * len(targets)
def knock(i, kind, address, port):
    try:
        if kind == "ping":
            code = subprocess.call(["ping", "-c", "1", "-W", str(patience), address], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
            said[i] = "" if code else "ping"; return
        f = socket.AF_INET6 if ":" in address else socket.AF_INET
        s = socket.socket(f, socket.SOCK_STREAM if kind == "tcp" else socket.SOCK_DGRAM); s.settimeout(patience)
        s.connect((address, int(port)))
        if kind == "udp": s.send(b"?")
        said[i] = s.recv(99).decode()
    except OSError: pass
threads = [threading.Thread(target=knock, args=(i, *t)) for i, t in enumerate(targets)]
for t in threads: t.start()
for t in threads: t.join()
print("\\n".join(said))
`;

/** Starts a server that answers with a name on some ports of a place; waits until it listens. */
export async function serve(
  machine: Machine,
  where: Place,
  name: string,
  ports: readonly number[],
  addresses = ["0.0.0.0", "::"],
): Promise<void> {
  const argv = [...at(where), "/usr/bin/python3", "-c", server, name, ports.join(","), ...addresses];
  await machine.spawn(argv);
  const heard = `${at(where).join(" ")} ss -Hlntu | grep -c ':\\(${ports.join("\\|")}\\) '`;
  await machine.sh(`until [ "$(${heard})" = ${ports.length * addresses.length * 2} ]; do sleep 0.05; done`);
}

/** Who answers each target, from a place; "" where nobody does. `patience` in seconds: 1 where nobody is to. */
export async function knock(
  machine: Machine,
  from: Place,
  targets: readonly Target[],
  patience = 1,
): Promise<string[]> {
  const words = targets.map((target) => target.join(","));
  const { stdout, stderr }: Answer = await run(machine, [
    ...at(from),
    "/usr/bin/python3",
    "-c",
    knocking,
    `${patience}`,
    ...words,
  ]);
  if (stderr) throw new Error(stderr);
  return stdout.split("\n").slice(0, targets.length);
}

let attempts = 0;

/** Counts what the tests of a file repel, and tells it at their end. */
export function countRepelled(): void {
  let attacks = 0;
  afterEach(({ task }) => {
    if (task.result?.state !== "fail") attacks += 1;
  });
  const knocks = () => (attempts === 0 ? "" : `, in them ${attempts} knocks that nobody answered`);
  afterAll(() => console.log(`tried: ${attacks} attacks, repelled${knocks()}`));
}

/** Those of the targets that answer, in words: `tcp 10.9.0.2 80`. */
export async function open(machine: Machine, from: Place, targets: readonly Target[], patience = 1): Promise<string[]> {
  const said = await knock(machine, from, targets, patience);
  attempts += said.filter((one) => one === "").length;
  return targets.filter((_, index) => said[index] !== "").map((target) => target.join(" "));
}

function run(machine: Machine, argv: readonly string[]): Promise<Answer> {
  return machine.exec(argv.map((word) => `'${word.replaceAll("'", "'\\''")}'`).join(" "));
}

/** Makes a container on a bridge of ours: its cable, and a server on 80, 81 and 53. */
export async function container(
  machine: Machine,
  name: string,
  bridge: string,
  addresses: string[],
  gateway: string[],
): Promise<Subject> {
  const peer = { name: "eth0", netns: name, addresses, gateway };
  const cable = await make(machine, "VethPair", name, { name: `v-${name}`, bridge, peer });
  await serve(machine, name, name, [80, 81, 53]);
  return cable;
}

/** What is there before anything of ours: namespaces, a network behind the host, and a neighbour that knows the way to all. */
const ground0 = `echo 0 >/proc/sys/net/ipv6/conf/default/accept_dad
for n in ct1 ct2 ct3 lan; do
  ip netns add $n; ip -n $n link set lo up
  ip netns exec $n sh -c 'echo 0 >/proc/sys/net/ipv6/conf/default/accept_dad; echo 0 >/proc/sys/net/ipv6/conf/default/accept_ra'
done
ip link add lan0 address 02:00:00:00:05:01 type veth peer name eth0 netns lan
ip link set lan0 addrgenmode none; ip -n lan link set eth0 addrgenmode none
ip addr add 10.11.0.1/24 dev lan0; ip addr add fd00:11::1/64 dev lan0 nodad; ip link set lan0 up; ip -n lan link set eth0 up
ip -n lan addr add 10.11.0.2/24 dev eth0; ip -n lan addr add fd00:11::2/64 dev eth0 nodad
ip -n lan route add default via 10.11.0.1; ip -n lan route add default via fd00:11::1`;

/**
 * A machine with a bridge `br9` of ours and containers `ct1` (10.9.0.2) and `ct2` (10.9.0.3) on it, of both families; a
 * network `lan` (10.11.0.2) behind it that is not ours, and a neighbour in the world that knows the way to all of these.
 *
 * @param before what stands on the host before us, in bash, or made by a function
 */
export async function attackedLab(
  machine: Machine,
  ground: Ground,
  before: string | (() => Promise<unknown>) = ":",
): Promise<Subject[]> {
  await machine.sh(ground0);
  await machine.world(`ip route add 10.8.0.0/13 via ${machineAddress}; ip -6 route add fd00::/16 via 2001:db8:203::2`);
  await (typeof before === "string" ? machine.sh(before) : before());
  await serve(machine, "lan", "lan", [80]);
  await serve(machine, "host", "daemon", [9001], ["127.0.0.1", "127.0.0.2", "::1"]);
  await serve(machine, "world", "world", [8080, 7000]);
  await machine.baseline();
  if (ground === "iptables without nft") await machine.sh("mount --bind /dev/null $(command -v nft)");
  const bridge = await make(machine, "Bridge", "br9", { name: "br9", addresses: ["10.9.0.1/24", "fd00:9::1/64"] });
  const ways = ["10.9.0.1", "fd00:9::1"];
  const one = await container(machine, "ct1", "br9", ["10.9.0.2/24", "fd00:9::2/64"], ways);
  const two = await container(machine, "ct2", "br9", ["10.9.0.3/24", "fd00:9::3/64"], ways);
  return [two, one, bridge];
}

/** Destroys what a test has made, in this order, and ends the servers in the containers. */
export async function leave(machine: Machine, subjects: readonly Subject[]): Promise<void> {
  for (const subject of subjects) await subject.destroy();
  await machine.sh(
    "for n in ct1 ct2 ct3; do kill -9 $(ip netns pids $n) 2>/dev/null || :; done; ! mountpoint -q $(command -v nft) || umount $(command -v nft)",
  );
}
