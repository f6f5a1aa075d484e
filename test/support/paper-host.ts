// A host on paper: what a plan looks at, and what its steps make of it. It knows the few commands by which labs are made, so that
// a change of a standing lab can be planned without one; that a kernel takes them is shown by test/kernel/lab.test.ts.

import { contains, subnetOf } from "../../provider/kernel/addresses.ts";
import type { Command, Fact, IpCommand, Reply, Step } from "../../provider/kernel/command.ts";
import { ruleCounts } from "../../provider/kernel/ruleset.ts";
import { type PaperLink, setLink, shownLink } from "./paper-link.ts";

const yes = (stdout = ""): Reply => ({ code: 0, stdout, stderr: "" });
const no = (stderr: string): Reply => ({ code: 1, stdout: "", stderr });
const gone = "No such file or directory";

/** Forwarding that is on for both families, was not before, is guarded, and noted. */
const forwards = ([4, 6] as const)
  .map((family) => {
    const name = `/proc/sys/net/${family === 4 ? "ipv4/ip_forward" : "ipv6/conf/all/forwarding"}`;
    return `${name}:1\n/run/linuxnet/forward/former:${name} 0\nmeta nfproto ipv${family} drop comment "guard"\n`;
  })
  .concat("noted\nneeds\n")
  .join("");

/** See the head of the file. */
export class PaperHost {
  /** The namespaces by name, each with its inode. */
  readonly namespaces = new Map<string, number>();
  links: PaperLink[] = [];
  routes: { netns: string; dst: string; gateway?: string; dev: string; protocol?: "kernel" }[] = [];
  /** Our nftables table; undefined when it is not there. */
  table:
    | {
        elements: { set: string; val: string; comment: string; value?: string }[];
        rules: { chain: string; comment: string; handle: number }[];
      }
    | undefined;
  /** Whether IP forwarding is on, and noted as needed by who asks. */
  forwarding = false;
  /** The kernel's settings that are not 0, by path. */
  readonly settings = new Map<string, string>();
  /** Answers of its own to commands in which a text stands. */
  readonly answers: [text: string, reply: Reply][] = [];
  #next = 100;

  constructor() {
    this.#add("", "lo", "loopback").up = true;
    const up0 = this.#add("", "up0", "");
    up0.up = true;
    up0.addresses.push("203.0.113.2/24");
    this.routes.push({ netns: "", dst: "default", gateway: "203.0.113.1", dev: "up0" });
  }

  /** The answers to questions, by their names. */
  look(facts: Record<string, Fact<unknown>>): Record<string, never> {
    return Object.fromEntries(
      Object.entries(facts).map(([name, { command, parse }]) => [name, parse(this.#reply(command)) as never]),
    );
  }

  /** Does what steps say, as far as it can be seen by a plan. */
  apply(steps: readonly Step[]): void {
    for (const { what, do: command } of steps) {
      if (/^(turn|note who needs|leave) /.test(what)) this.forwarding = !what.startsWith("leave");
      if (command.kind === "sh" && /^set \S+ in namespace /.test(what)) this.#set(command.text.split("|| {")[0] ?? "");
      if (command.kind === "ip") this.#ip(command);
      else if (command.kind === "nft") for (const line of command.text.split("\n")) this.#nft(line.trim());
    }
  }

  link(name: string, netns = ""): PaperLink {
    const found = this.links.find((one) => one.ifname === name && one.netns === netns);
    if (!found) throw new Error(`there is no link ${name} in "${netns}"`);
    return found;
  }

  /** Takes a namespace away, with all that is in it. */
  leave(netns: string): void {
    this.namespaces.delete(netns);
    for (const one of this.links.filter((link) => link.netns === netns)) this.#remove(one);
  }

  #number(): number {
    this.#next += 1;
    return this.#next;
  }

  #add(netns: string, ifname: string, kind: string, address = "00:00:00:00:00:00", mtu = 1500): PaperLink {
    const none = { up: false, addresses: [], hairpin: false };
    const link: PaperLink = { ifname, ifindex: this.#number(), address, mtu, kind, netns, ...none };
    this.links.push(link);
    return link;
  }

  #remove(link: PaperLink): void {
    this.links = this.links.filter((one) => one !== link && one !== link.peer);
    for (const one of this.links) if (one.master === link.ifname && one.netns === link.netns) one.master = undefined;
    this.routes = this.routes.filter((one) =>
      this.links.some((left) => left.ifname === one.dev && left.netns === one.netns),
    );
  }

  #reply(command: Command): Reply {
    const text = JSON.stringify(command);
    const own = this.answers.find(([part]) => text.includes(part));
    if (own) return own[1];
    if (command.kind === "ip") return this.#shown(command);
    if (command.kind === "nft") throw new Error("nft is asked by a fragment of shell");
    return this.#said(command.text, command.path);
  }

  #said(text: string, path: string | undefined): Reply {
    const inside = /nsenter --net='\/run\/netns\/([^']*)'|\/run\/netns\/([\w-]+)'$/.exec(text);
    const inode = this.namespaces.get(inside?.[1] ?? inside?.[2] ?? "");
    // What does not care for a failure has no answer.
    if (inside && inode === undefined)
      return text.endsWith("|| [ $? -le 2 ]") ? yes() : no(`cannot open /run/netns/${inside[1]}: ${gone}`);
    if (text.startsWith("limit stat -L -c '%i %n'"))
      return yes([...this.namespaces].map(([name, id]) => `${id} /run/netns/${name}`).join("\n"));
    if (text.startsWith("limit stat -L -c %i")) return yes(`${inode}`);
    if (text.includes("/run/linuxnet/forward/former"))
      return yes(this.forwarding && path === undefined && !text.includes("iptables-save") ? forwards : "");
    if (text.includes("nft -j list table inet"))
      return this.table ? yes(JSON.stringify(this.#listed())) : no(`Error: ${gone}`);
    if (text.includes("grep -s '' '/proc/sys/"))
      return yes(
        [...text.matchAll(/'(\/proc\/sys\/[^']*)'/g)]
          .map(([, at = ""]) => `${at}:${this.settings.get(at) ?? 0}`)
          .join("\n"),
      );
    if (text.startsWith("if [ -L '/etc/netns/")) return no(`stat: ${gone}`);
    if (text.startsWith("command -v dnsmasq")) return yes("dnsmasq dip");
    if (text.includes("cat /etc/resolv.conf")) return yes("nameserver 203.0.113.53\n---\n");
    return path === undefined || path === "/proc/sys/net/ipv6/conf"
      ? yes(text === "echo ipv6" ? "ipv6" : "")
      : no(gone);
  }

  #shown({ args, netns = "", family }: IpCommand): Reply {
    if (netns !== "" && !this.namespaces.has(netns)) return no(`Cannot open network namespace "${netns}": ${gone}`);
    if (args[0] === "route" && args[1] === "get") return this.#way(`${args[2]}`);
    if (args[0] === "route")
      return yes(
        JSON.stringify(this.routes.filter((one) => one.netns === netns && one.dst.includes(":") === (family === 6))),
      );
    const name = args[args.indexOf("dev") + 1];
    const found = this.links.filter((one) => one.netns === netns && (!args.includes("dev") || one.ifname === name));
    return found.length === 0 ? no(`Device "${name}" does not exist.`) : yes(JSON.stringify(found.map(shownLink)));
  }

  /** The way from the host to an address: straight through a link with an address in the same subnet, or by the gateway. */
  #way(target: string): Reply {
    const [link] = this.links.filter((one) => one.netns === "" && one.addresses.some((cidr) => contains(cidr, target)));
    if (!link) return yes(JSON.stringify([{ dev: "up0", gateway: "203.0.113.1", prefsrc: "203.0.113.2" }]));
    const own = link.addresses.find((cidr) => contains(cidr, target));
    return yes(JSON.stringify([{ dev: link.ifname, prefsrc: own?.split("/")[0] }]));
  }

  #listed() {
    const { elements, rules } = this.table ?? { elements: [], rules: [] };
    const whole = [...ruleCounts].flatMap(([chain, count]) =>
      Array.from({ length: count }, () => ({ chain, comment: "", handle: 0 })),
    );
    return {
      nftables: [
        ...elements.map(({ set, val, comment, value }) => {
          const head = { elem: { val, comment } };
          return value === undefined
            ? { set: { name: set, elem: [head] } }
            : { map: { name: set, elem: [[head, value]] } };
        }),
        ...[...whole, ...rules].map((rule) => ({ rule: { ...rule, expr: [] } })),
      ],
    };
  }

  #nft(line: string): void {
    if (line.startsWith("create table inet")) this.table ??= { elements: [], rules: [] };
    const made = /^create element inet linuxnet (\S+) \{ (.*) comment "([^"]*)"(?: : (.*))? \}$/.exec(line);
    const [, set = "", key = "", comment = "", value] = made ?? [];
    if (made)
      this.table?.elements.push({ set, val: key.replaceAll('"', ""), comment, ...(value !== undefined && { value }) });
    const rule = /^add rule inet linuxnet (\S+) .* comment "([^"]*)"$/.exec(line);
    if (rule) this.table?.rules.push({ chain: rule[1] ?? "", comment: rule[2] ?? "", handle: this.#number() });
    const handle = /^delete rule inet linuxnet \S+ handle (\d+)$/.exec(line)?.[1];
    if (this.table && handle) this.table.rules = this.table.rules.filter((one) => one.handle !== Number(handle));
    const dropped = /^delete element inet linuxnet (\S+) \{ (.*) \}$/.exec(line);
    if (this.table && dropped)
      this.table.elements = this.table.elements.filter(
        (one) => one.set !== dropped[1] || one.val !== dropped[2]?.replaceAll('"', ""),
      );
  }

  #set(text: string): void {
    for (const [, value = "", path = ""] of text.matchAll(/'([^']*)' '(\/proc\/sys\/[^']*)'/g))
      this.settings.set(path, value);
  }

  #ip({ args, netns = "" }: IpCommand): void {
    const [what, verb] = args;
    const of = (word: string) => (args.includes(word) ? args[args.indexOf(word) + 1] : undefined);
    if (what === "netns" && verb === "add") {
      this.namespaces.set(`${args[2]}`, 4000 + this.namespaces.size);
      this.#add(`${args[2]}`, "lo", "loopback");
    } else if (what === "netns") this.leave(`${args[2]}`);
    else if (what === "link" && verb === "add") this.#make(args, netns);
    else if (what === "link" && verb === "del") this.#remove(this.link(`${of("dev")}`, netns));
    else if (what === "link") setLink(this.link(`${of("dev")}`, netns), args.slice(4));
    else if (what === "addr") this.#address(this.link(`${of("dev")}`, netns), `${args[2]}`, `${verb}`);
    else if (what === "route") {
      const [dst, gateway] = [`${args[2]}`, of("via")];
      this.routes.push({ netns, dst, ...(gateway !== undefined && { gateway }), dev: `${of("dev")}` });
    }
  }

  #address(link: PaperLink, cidr: string, verb: string): void {
    const { netns, ifname: dev } = link;
    const connected = { netns, dst: subnetOf(cidr), dev, protocol: "kernel" } as const;
    link.addresses = link.addresses.filter((one) => one !== cidr);
    this.routes = this.routes.filter((one) => JSON.stringify(one) !== JSON.stringify(connected));
    if (verb === "del") return;
    link.addresses.push(cidr);
    this.routes.push(connected);
  }

  #make(args: readonly string[], netns: string): void {
    const cut = args.includes("peer") ? args.indexOf("peer") : args.length;
    const end = (words: readonly string[], kind: string) => {
      const of = (word: string) => (words.includes(word) ? words[words.indexOf(word) + 1] : undefined);
      return this.#add(of("netns") ?? netns, `${of("name")}`, kind, `${of("address")}`, Number(of("mtu")));
    };
    const one = end(args.slice(0, cut), `${args[args.indexOf("type") + 1]}`);
    if (cut === args.length) return;
    const other = end(args.slice(cut), "veth");
    [one.peer, other.peer] = [other, one];
  }
}
