// What check refuses, for every kind, by property and rule. A kind's own refusals are lines in the table.
import { describe, expect, test } from "vitest";
import { definitions } from "../../../provider/resources/index.ts";
import { end, reasons } from "../../support/samples.ts";

type Row = [kind: string, property: string, value: unknown, rule: RegExp];

const kinds = definitions.map(({ kind }) => kind);

/** The same refusal for many values. */
function each(kind: string, property: string, values: readonly unknown[], rule: RegExp): Row[] {
  return values.map((value) => [kind, property, value, rule]);
}

/** Refusals of what the far end of a pair would be. */
function peer(...rows: readonly (readonly [change: object, rule: RegExp])[]): Row[] {
  return rows.map(([change, rule]) => ["VethPair", "peer", { ...end, ...change }, rule]);
}

const dotted = ["1.2.3", "1.2.3.4.5", "256.1.1.1", "1.2.3.-4", " 1.2.3.4", "1.2.3.4 ", "0x1.2.3.4"];
const notAddresses = ["", "x", "1", ...dotted, "::g", ":::", "010.0.0.1", "::ffff:10.0.0.1", "fe80::1%eth0"];
const badCidrs = [
  "10.0.0.1/33",
  "fd00::1/129",
  "10.0.0.1/-1",
  "10.0.0.1/08",
  "10.0.0.1/",
  "10.0.0.1/24/24",
  "10.0.0.1/ 8",
];
const badMacs = ["", "02:00:00:00:00", "02:00:00:00:00:0g", "02-00-00-00-00-01", "0200.0000.0001", 2];
const badPorts = [0, 65536, -1, "80", "", 80.5, null, [80], "80-90", true];
const badRanges = [0, 65536, "80", "0-10", "10-65536", "20-10", "10-", "-10", "1-2-3", 1.5, "80,443", "08-10", "1 - 2"];
const badSysctls = [
  "kernel.hostname",
  "net",
  "net.",
  "net..x",
  "net.ip;id",
  "net/../../etc",
  "net.a b",
  "-w",
  "net.$(id)",
];

const bridge: Row[] = [
  ...each(
    "Bridge",
    "addresses",
    [["10.0.0.1"], ["fd00::1"]],
    /addresses\[0\] must have a prefix length, such as .*\/24/,
  ),
  ...each(
    "Bridge",
    "addresses",
    notAddresses.map((text) => [`${text}/24`]),
    /addresses\[0\] must be/,
  ),
  ...each(
    "Bridge",
    "addresses",
    badCidrs.map((text) => [text]),
    /addresses\[0\] must/,
  ),
  ...each("Bridge", "addresses", [["010.0.0.1/24"], ["10.0.0.01/24"]], /without leading zeros/),
  ["Bridge", "addresses", ["::ffff:10.0.0.1/120"], /must be plain IPv4/],
  ["Bridge", "addresses", ["10.0.0.0/24"], /10\.0\.0\.0 is the network address of 10\.0\.0\.0\/24/],
  ["Bridge", "addresses", ["10.0.0.255/24"], /10\.0\.0\.255 is the broadcast address of 10\.0\.0\.0\/24/],
  ["Bridge", "addresses", ["fd00::/64"], /fd00:: is the network address/],
  ...each("Bridge", "addresses", [["224.0.0.1/24"], ["ff02::1/64"]], /multicast/),
  ["Bridge", "addresses", ["0.0.0.0/0"], /unspecified/],
  ["Bridge", "addresses", ["255.255.255.255/32"], /broadcast/],
  ["Bridge", "addresses", "10.0.0.1/24", /addresses must be a list/],
  ["Bridge", "addresses", [1], /addresses\[0\] must be a string/],
  ["Bridge", "addresses", ["10.0.0.1/24", "10.0.0.1/24"], /names 10\.0\.0\.1\/24 twice/],
  ...each("Bridge", "mtu", [67, 65536, -1, 0, 1500.5, "1500", Number.NaN], /mtu must be/),
  ["Bridge", "mtu", 67, /at least 68/],
  ...each("Bridge", "macAddress", badMacs, /macAddress must be/),
  ["Bridge", "macAddress", "01:00:00:00:00:01", /unicast/],
  ["Bridge", "macAddress", "00:00:00:00:00:00", /zeros/],
  ["Bridge", "stp", "no", /stp must be true or false/],
  ...each("Bridge", "underlay", [...notAddresses, "10.0.0.1/24"], /underlay must be/),
];

const gateway = { macAddress: "02:00:00:00:00:01", addresses: ["10.0.0.1"] };
const vxlan: Row[] = [
  ...each("Vxlan", "vni", [0, 16777216, "42", 1.5, undefined], /vni must be/),
  ["Vxlan", "remotes", ["fd00::2"], /remotes\[0\] must be of the family of local/],
  ["Vxlan", "remotes", ["10.0.0.1"], /remotes\[0\] must not be local itself/],
  ["Vxlan", "remotes", ["10.0.0.2", "10.0.0.2"], /remotes\[1\] must not be named twice/],
  ["Vxlan", "anycastGateway", { ...gateway, macAddress: "01:00:00:00:00:01" }, /anycastGateway\.macAddress.*unicast/],
  ["Vxlan", "anycastGateway", { ...gateway, addresses: ["10.0.0.1/24"] }, /anycastGateway\.addresses\[0\] must be/],
  ["Vxlan", "anycastGateway", { ...gateway, mac: 1 }, /anycastGateway\.mac.*no such property/],
];

const netns: Row[] = [
  ...each("Netns", "pid", [0, -1, "12", 1.5], /pid must be a process id/),
  ["Netns", "loopback", 1, /loopback must be true or false/],
  ...each(
    "Netns",
    "sysctls",
    badSysctls.map((name) => ({ [name]: "1" })),
    /sysctls.*name must/,
  ),
  ["Netns", "sysctls", { "net.ipv4.ip_forward": 1 }, /must be a string, such as "1"/],
  ["Netns", "sysctls", { "net.ipv4.ip_forward": "" }, /must not be empty/],
  ["Netns", "sysctls", { "net.ipv4.ip_forward": "1\n0" }, /must not contain control characters/],
];

const vethPair: Row[] = [
  ["VethPair", "peer", undefined, /peer must be the other end/],
  ["VethPair", "gateway", "172.18.0.1", /gateway is allowed only inside a namespace/],
  ["VethPair", "addresses", ["172.18.0.5/16"], /addresses must be empty on a port of a bridge/],
  ["VethPair", "routes", [{ to: "default", via: "172.18.0.1" }], /routes\[0\]\.to must not be the host's own default/],
  ["VethPair", "mtu", 67, /mtu must be at least 68/],
  ...peer(
    [{ name: "veth-ct1", netns: undefined }, /peer\.name must differ from name/],
    [{ nmae: "x" }, /peer\.nmae there is no such property; did you mean "name"/],
    [
      { gateway: "10.0.0.1" },
      /peer\.gateway must lie in the subnet of one of this end's addresses \(172\.18\.0\.11\/16\)/,
    ],
    [{ gateway: "172.18.0.11" }, /peer\.gateway must not be this end's own address/],
    [{ gateway: ["172.18.0.1", "172.18.0.2"] }, /peer\.gateway .*one address per family/],
    [{ gateway: [] }, /peer\.gateway must not be an empty list/],
    [{ gateway: "172.18.0.1/16" }, /peer\.gateway must be an IPv4 or IPv6 address/],
    [{ addresses: ["172.18.0.0/16"] }, /peer\.addresses\[0\].*network address/],
    [{ addresses: ["172.18.255.255/16"] }, /peer\.addresses\[0\].*broadcast address/],
    [{ routes: [{ to: "10.0.0.1/8" }] }, /peer\.routes\[0\]\.to .*did you mean 10\.0\.0\.0\/8/],
    [{ routes: [{ to: "everywhere" }] }, /peer\.routes\[0\]\.to must be/],
    [{ routes: [{ to: "10.0.0.0/8", via: "9.9.9.9" }] }, /peer\.routes\[0\]\.via/],
    [{ routes: [{ to: "default" }] }, /peer\.routes\[0\]\.via is needed/],
    [{ routes: [{ to: "10.0.0.0/8", metirc: 1 }] }, /routes\[0\]\.metirc .*did you mean "metric"/],
    [{ hairpin: "yes" }, /peer\.hairpin must be true or false/],
  ),
];

const natRule: Row[] = [
  ...each("NatRule", "type", ["nat", "", 1, undefined], /type must be/),
  ["NatRule", "source", "10.0.0.1/8", /source has bits set behind its prefix; did you mean 10\.0\.0\.0\/8\?/],
  ["NatRule", "source", "010.0.0.0/8", /leading zeros/],
  ["NatRule", "source", ["10.0.0.0/8", "x"], /source/],
  ["NatRule", "source", [], /source must not be an empty list/],
  ["NatRule", "protocol", "icmp", /protocol must be/],
  ["NatRule", "backend", "ufw", /backend must be/],
  ...each("NatRule", "destinationPorts", badRanges, /destinationPorts must/),
  ["NatRule", "destinationPorts", "20-10", /must not be reversed/],
];

const forwardRule: Row[] = [
  ...each("ForwardRule", "action", ["allow", undefined], /action must be "accept", "drop" or "reject"/),
  ["ForwardRule", "destinationPorts", 80, /destinationPorts needs protocol/],
  ...each("ForwardRule", "sourcePorts", badRanges, /sourcePorts must/),
  ["ForwardRule", "states", ["invalid"], /states\[0\] must be/],
  ["ForwardRule", "states", "new", /states must be a list/],
  ...each("ForwardRule", "priority", [1.5, "1", 1001], /priority must be/),
];

const portPublish: Row[] = [
  ...each("PortPublish", "hostPort", badPorts, /hostPort must be/),
  ...each("PortPublish", "targetPort", badPorts, /targetPort must be/),
  ...each("PortPublish", "targetAddress", [...notAddresses, "10.0.0.1/24"], /targetAddress must be/),
  ["PortPublish", "protocol", "icmp", /protocol must be/],
  ["PortPublish", "hostAddress", "fd00::1", /hostAddress/],
];

const resolvConf: Row[] = [
  ["ResolvConf", "nameservers", [], /nameservers must have at least one/],
  ["ResolvConf", "nameservers", ["1.1.1.1", "1.1.1.2", "1.1.1.3", "1.1.1.4"], /at most 3/],
  ["ResolvConf", "nameservers", ["dns.example"], /nameservers\[0\] must be an IPv4 or IPv6 address/],
  ...each("ResolvConf", "search", [["a b"], ["a\nnameserver 1.1.1.1"]], /search\[0\]/),
  ["ResolvConf", "options", ["ndots:2\nnameserver 1.1.1.1"], /options\[0\]/],
  ["ResolvConf", "hosts", { "a b": "10.0.0.1" }, /hosts/],
  ["ResolvConf", "hosts", { web: "10.0.0.1/24" }, /hosts\.web must be an IPv4 or IPv6 address/],
];

const process: Row[] = [
  ...each("Process", "command", [[], "sleep 1", undefined, [""]], /command/),
  ["Process", "command", ["sleep", 1], /command\[1\]/],
  ["Process", "command", ["a\u0000b"], /command\[0\]/],
  ["Process", "cwd", "relative", /cwd must/],
];

const all = [bridge, vxlan, netns, vethPair, natRule, forwardRule, portPublish, resolvConf, process].flat();

describe("is refused, by property and rule:", () => {
  test.each(all.filter(([kind]) => kinds.includes(kind)))("%s %s %j", (kind, property, value, rule) => {
    expect(reasons(kind, property, value)).toMatch(rule);
    expect(reasons(kind, property, value)).not.toContain("Invalid input");
  });
});
