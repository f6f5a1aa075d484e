// A packet has one family: of addresses of both, those count that fit together.
import { expect, test } from "vitest";
import { familiesOf } from "../../../provider/kernel/match.ts";
import { failures } from "../../support/subject.ts";

const both = ["10.0.0.0/24", "fd00::/64"];

test.each([
  [[both, ["203.0.113.1/32"]], [4]],
  [[["2001:db8::/64"], both], [6]],
  [
    [both, undefined],
    [4, 6],
  ],
  [[["10.0.0.0/24"], ["fd00::/64"]], []],
  [[undefined, undefined], [4]],
])("%j speaks of the families %j", (lists, families) => expect(familiesOf(...lists)).toEqual(families));

test.each([
  ["ForwardRule", { action: "drop", source: "10.0.0.1", destination: "fd00::1" }, "destination"],
  ["NatRule", { type: "masquerade", source: "10.0.0.0/24", destination: ["fd00::/64"] }, "destination"],
  ["ForwardRule", { action: "drop", protocol: "icmpv6", source: "10.0.0.0/24" }, "protocol"],
  ["ForwardRule", { action: "drop", protocol: "icmp", destination: "fd00::1" }, "protocol"],
])("a %s with %j, which no packet can match, is refused", (kind, args, property) => {
  expect(failures(kind, args).map((failure) => failure.property)).toEqual([property]);
});

test.each([
  ["ForwardRule", { action: "drop", source: both, destination: "203.0.113.1" }],
  ["ForwardRule", { action: "drop", protocol: "icmpv6", source: both }],
  ["NatRule", { type: "snat", source: both, toAddress: "203.0.113.2" }],
])("a %s with %j is good", (kind, args) => expect(failures(kind, args)).toEqual([]));
