import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { type IptablesRule, iptablesPresent } from "../../../provider/kernel/iptables.ts";
import { publishHolder, publishRules } from "../../../provider/kernel/iptables-publish.ts";
import { forwardRules, natRules } from "../../../provider/kernel/iptables-rules.ts";
import { meaning, readSave, splitWords } from "../../../provider/kernel/iptables-save.ts";

const lines = (rules: readonly IptablesRule[]) =>
  rules.map(({ family, chain, spec }) => `${family} ${chain.slice(9)} ${spec.join(" ")}`);

describe("rules of a NatRule", () => {
  test("masquerade by an uplink", () => {
    expect(lines(natRules({ type: "masquerade", source: "172.18.0.0/16", outInterface: "up0" }))).toEqual([
      "4 POST -s 172.18.0.0/16 -o up0 -j MASQUERADE",
      "4 FWD -s 172.18.0.0/16 ! -i up0 -o up0 -j ACCEPT",
      "4 FWD -d 172.18.0.0/16 -i up0 -m conntrack --ctstate RELATED,ESTABLISHED -j ACCEPT",
      "4 FWD -s 172.18.0.0/16 -d 172.18.0.0/16 ! -i up0 ! -o up0 -j ACCEPT",
      "4 FWD -d 172.18.0.0/16 -i up0 -m conntrack ! --ctstate RELATED,ESTABLISHED,DNAT -j DROP",
      "4 FWD ! -s 172.18.0.0/16 -d 172.18.0.0/16 -m conntrack ! --ctstate RELATED,ESTABLISHED,DNAT -j DROP",
    ]);
  });

  test("masquerade by anything but the bridge, of both families", () => {
    const both = { type: "masquerade", source: ["10.0.0.0/24", "fd00::/64"], notOutInterface: "br0" } as const;
    expect(lines(natRules({ ...both, forward: false }))).toEqual([
      "4 POST -s 10.0.0.0/24 ! -o br0 -j MASQUERADE",
      "4 FWD -d 10.0.0.0/24 ! -i br0 -m conntrack ! --ctstate RELATED,ESTABLISHED,DNAT -j DROP",
      "6 POST -s fd00::/64 ! -o br0 -j MASQUERADE",
      "6 FWD -d fd00::/64 ! -i br0 -m conntrack ! --ctstate RELATED,ESTABLISHED,DNAT -j DROP",
    ]);
  });

  test("snat, with an uplink per family", () => {
    const args = {
      type: "snat",
      source: "fd00::/64",
      outInterface: { 4: "a0", 6: "b0" },
      toAddress: "2001:db8::1",
    } as const;
    expect(lines(natRules({ ...args, forward: false }))).toEqual([
      "6 POST -s fd00::/64 -o b0 -j SNAT --to-source 2001:db8::1",
    ]);
  });

  test("dnat: without a destination only what is for this host, and not its loopback's", () => {
    const to = {
      type: "dnat",
      protocol: "tcp",
      destinationPorts: "80-90",
      toAddress: "10.0.0.2",
      toPorts: 8080,
    } as const;
    expect(lines(natRules(to))).toEqual([
      "4 PRE -p tcp --dport 80:90 -m addrtype --dst-type LOCAL -j DNAT --to-destination 10.0.0.2:8080",
      "4 OUT ! -d 127.0.0.0/8 -p tcp --dport 80:90 -m addrtype --dst-type LOCAL -j DNAT --to-destination 10.0.0.2:8080",
      "4 FWD -d 10.0.0.2 -m conntrack --ctstate DNAT --ctdir ORIGINAL -j ACCEPT",
      "4 FWD -s 10.0.0.2 -m conntrack --ctstate DNAT --ctdir REPLY -j ACCEPT",
    ]);
    expect(lines(natRules({ ...to, inInterface: "up0", forward: false }))).toHaveLength(1);
    expect(lines(natRules({ ...to, destination: "192.0.2.1/32", output: false, forward: false }))).toEqual([
      "4 PRE -d 192.0.2.1/32 -p tcp --dport 80:90 -j DNAT --to-destination 10.0.0.2:8080",
    ]);
    expect(() => natRules({ ...to, outInterface: "up0" })).toThrow("outgoing interface");
  });
});

test("rules of a ForwardRule", () => {
  const states = ["new", "established"] as const;
  expect(lines(forwardRules({ action: "accept", inInterface: "br0", outInterface: "up0", states }))).toEqual([
    "4 FWD -i br0 -o up0 -m conntrack --ctstate NEW,ESTABLISHED -j ACCEPT",
  ]);
  expect(lines(forwardRules({ action: "reject", protocol: "icmpv6" }))).toEqual(["6 FWD -p icmpv6 -j REJECT"]);
  const ports = { action: "drop", protocol: "udp", sourcePorts: 53, destinationPorts: 1024 } as const;
  expect(lines(forwardRules({ ...ports, source: ["10.0.0.0/8", "fd00::/8"], destination: "fd01::1/128" }))).toEqual([
    "6 FWD -s fd00::/8 -d fd01::1/128 -p udp --sport 53 --dport 1024 -j DROP",
  ]);
});

describe("rules of a PortPublish", () => {
  const base = {
    hostPort: 8080,
    targetAddress: "10.0.0.2",
    targetPort: 80,
    targetDevice: "br0",
    gatewayAddress: "10.0.0.1/24",
  };
  const accepted = [
    "4 FWD -d 10.0.0.2 -o br0 -m conntrack --ctstate DNAT --ctdir ORIGINAL -j ACCEPT",
    "4 FWD -s 10.0.0.2 -i br0 -m conntrack --ctstate DNAT --ctdir REPLY -j ACCEPT",
  ];
  const masquerade = (source: string) =>
    `4 POST -s ${source} -d 10.0.0.2 -o br0 -p tcp --dport 80 -m conntrack --ctstate DNAT -j MASQUERADE`;
  const local = "-p tcp --dport 8080 -m addrtype --dst-type LOCAL -j DNAT --to-destination 10.0.0.2:80";

  test("on every address, 127.0.0.1 too: the fence is first", () => {
    expect(lines(publishRules(base))).toEqual([
      "4 RAW -d 127.0.0.0/8 -i br0 -j DROP",
      "4 RAW -s 127.0.0.0/8 -i br0 -j DROP",
      masquerade("10.0.0.0/24"),
      masquerade("127.0.0.0/8"),
      `4 PRE ! -d 127.0.0.0/8 ${local}`,
      `4 OUT ! -d 127.0.0.0/8 ${local}`,
      "4 OUT -d 127.0.0.1 -p tcp --dport 8080 -j DNAT --to-destination 10.0.0.2:80",
      ...accepted,
    ]);
  });

  test("on one address, without hairpin", () => {
    expect(lines(publishRules({ ...base, hostAddress: "192.0.2.1", hairpin: false }))).toEqual([
      `4 PRE -d 192.0.2.1 ! -i br0 ${local}`,
      `4 OUT -d 192.0.2.1 ${local}`,
      ...accepted,
    ]);
  });

  test("on 127.0.0.1 alone nothing leads in from outside", () => {
    const rules = publishRules({ ...base, hostAddress: "127.0.0.1" });
    expect(lines(rules).filter((line) => line.includes(" PRE "))).toEqual([]);
    expect(lines(rules)).toContain(masquerade("127.0.0.0/8"));
  });

  test("a port that another owner has published is known by its owner", () => {
    const [rule] = publishRules({ ...base, localhost: false, hairpin: false });
    const other = "linuxnet:p/s/PortPublish/other@01234567";
    const line = `-A LINUXNET-PRE ${rule?.spec.join(" ").replace("10.0.0.2:80", "10.9.9.9:99")} -m comment --comment "${other} #0a 5:0:other"`;
    const seen = [readSave({ code: 0, stdout: `*nat\n${line}\nCOMMIT`, stderr: "" }, 4)];
    const wanted = publishRules(base);
    expect(publishHolder({ owner: "linuxnet:p/s/PortPublish/web@01234567" }, wanted, seen)).toBe(other);
    expect(publishHolder({ owner: other }, wanted, seen)).toBeUndefined();
    expect(publishHolder({ owner: "me" }, publishRules({ ...base, hostPort: 81 }), seen)).toBeUndefined();
  });

  test("::1 is refused, with the way out", () => {
    const six = { ...base, targetAddress: "fd00::2", gatewayAddress: "fd00::1/64" };
    expect(() => publishRules(six)).toThrow("localhost: false");
    expect(() => publishRules({ ...six, hostAddress: "::1" })).toThrow("nftables");
    expect(lines(publishRules({ ...six, localhost: false }))).toContain(
      "6 PRE ! -d ::1/128 -p tcp --dport 8080 -m addrtype --dst-type LOCAL -j DNAT --to-destination [fd00::2]:80",
    );
  });
});

describe("what iptables-save prints", () => {
  test("words as iptables quotes them", () => {
    expect(splitWords('-A X -m comment --comment "a \\"b\\" \\\\ c" -j Y')).toEqual([
      ..."-A X -m comment --comment".split(" "),
      'a "b" \\ c',
      "-j",
      "Y",
    ]);
  });

  test("equal meanings are equal texts, others are not", () => {
    const same = (one: string, other: string) => expect(meaning(one.split(" "))).toBe(meaning(other.split(" ")));
    same("-s 10.0.0.1 -p tcp --dport 80 -o x -j A", "-s 10.0.0.1/32 -o x -p tcp -m tcp --dport 80 -j A");
    same("-p icmpv6 -j REJECT", "-p ipv6-icmp -j REJECT --reject-with icmp6-port-unreachable");
    same("-m conntrack --ctstate NEW,RELATED -d fd00::1/128", "-d fd00::1 -m conntrack --ctstate RELATED,NEW");
    const differs = (one: string, other: string) => expect(meaning(one.split(" "))).not.toBe(meaning(other.split(" ")));
    differs("-o x -j A", "! -o x -j A");
    differs("-s 10.0.0.0/32 -j A", "-s 10.0.0.0/31 -j A");
    differs("-s ::/0 -j A", "-s ::/128 -j A");
  });

  test("whatever it prints, reading never throws, and nothing of it is taken for ours", () => {
    fc.assert(
      fc.property(fc.array(fc.string()), (texts) => {
        const view = readSave(
          { code: 0, stdout: ["*filter", ...texts.map((text) => `-A ${text}`)].join("\n"), stderr: "" },
          4,
        );
        expect(iptablesPresent({ owner: "linuxnet:p/s/k/n" }, [view])).toBe(false);
      }),
    );
  });
});
