import { expect, test } from "vitest";
import { bytesText, countersText, rateText, useText, widestRate } from "../../../provider/cli/graph/traffic.ts";
import { flowsFact, linkCountersFact, natHitsFact } from "../../../provider/kernel/counters.ts";

const said = (stdout: string, code = 0, stderr = "") => ({ code, stdout, stderr });

test("the counters of links are read as iproute2 prints them; a namespace that is not there has none", () => {
  const { parse } = linkCountersFact("web");
  const stats = '{"rx":{"bytes":1136,"packets":9,"errors":1,"dropped":2},"tx":{"bytes":780,"packets":10,"dropped":4}}';
  const found = parse(said(`[{"ifname":"eth0","flags":["UP"],"stats64":${stats}}]`));
  expect([...found]).toEqual([
    ["eth0", { received: { bytes: 1136, packets: 9 }, sent: { bytes: 780, packets: 10 }, lost: 7 }],
  ]);
  const gone = said("", 1, "nsenter: cannot open /run/netns/web: No such file or directory");
  expect([...parse(gone)]).toEqual([]);
  expect(() => parse(said("", 127, "sh: 1: ip: not found"))).toThrow("ip: not found");
});

test("translated connections are read by kind; without conntrack nothing is known of them", () => {
  const { parse } = flowsFact();
  expect(parse(said("source tcp 10.5.0.2 0 - 0 3\ndestination udp fd00::1 53 fd00::2 5353 1\n"))).toEqual([
    { side: "source", protocol: "tcp", address: "10.5.0.2", port: 0, target: "-", targetPort: 0, count: 3 },
    {
      side: "destination",
      protocol: "udp",
      address: "fd00::1",
      port: 53,
      target: "fd00::2",
      targetPort: 5353,
      count: 1,
    },
  ]);
  expect(parse(said("", 127))).toBeUndefined();
});

test("how often an owner's rules of the table nat were met is summed; other tables and other people's rules are not", () => {
  const owner = "linuxnet:lab/dev/PortPublish/web@11111111";
  const rule = (packets: number, whose: string) =>
    `[${packets}:600] -A linuxnet-pre -p tcp -m comment --comment "${whose} #abc 01" -j DNAT --to-destination 10.5.0.2:80`;
  const text = [
    "*filter",
    rule(1000, owner),
    "COMMIT",
    "*nat",
    ":PREROUTING ACCEPT [1:60]",
    rule(7, owner),
    rule(2, owner),
    rule(5, "somebody"),
    "COMMIT",
  ];
  expect([...natHitsFact().parse(said(text.join("\n")))]).toEqual([[owner, 9]]);
});

test("numbers are told as people read them, and a rate is never wider than its place", () => {
  expect([0, 999, 1000, 1234, 99_949, 99_950, 123_456, 1_234_567, 5e12].map(bytesText)).toEqual([
    "0 B",
    "999 B",
    "1.0 kB",
    "1.2 kB",
    "99.9 kB",
    "100 kB",
    "123 kB",
    "1.2 MB",
    "5.0 TB",
  ]);
  const at = (bytes: number) => ({ received: { bytes, packets: 1 }, sent: { bytes: 0, packets: 0 }, lost: 0 });
  expect(countersText({ ...at(1500), lost: 2 })).toBe(
    "received 1.5 kB (1 packet), sent 0 B (0 packets), lost 2 packets",
  );
  expect(rateText(at(1000), at(3400), 2)).toBe("↓1.2k ↑0");
  // A link that was made anew counts from the beginning.
  expect(rateText(at(3400), at(0), 2)).toBe("↓0 ↑0");
  for (let bytes = 1; bytes < 1e15; bytes *= 3)
    expect(rateText(at(0), at(bytes), 1).length).toBeLessThanOrEqual(widestRate.length);
  expect(useText({ now: 1, ever: undefined })).toBe("1 connection now");
  expect(useText({ now: undefined, ever: 2 })).toBe("2 connections so far");
});
