import fc from "fast-check";
import { expect, test } from "vitest";
import { hostsText, parseHosts, parseResolvConf, resolvConfText } from "../../../provider/kernel/resolv-conf.ts";
import { checked, failures } from "../../support/subject.ts";

test("a resolv.conf is read as the resolver reads it", () => {
  const text =
    "; c\n# c\nnameserver 10.0.0.1\nnameserver  FE80::1 \nsearch a\nsearch b c\noptions ndots:2\noptions edns0\nsortlist x\n";
  expect(parseResolvConf(text)).toEqual({
    says: { nameservers: ["10.0.0.1", "fe80::1"], search: ["b", "c"], options: ["ndots:2", "edns0"] },
    odd: ["sortlist x"],
  });
});

test("what is written is read back", () => {
  const word = fc.stringMatching(/^[a-z0-9]{1,8}$/);
  const address = fc.oneof(fc.ipV4(), fc.constantFrom("fe80::1", "2001:db8::1"));
  const dns = fc.record({
    nameservers: fc.array(address, { minLength: 1 }),
    search: fc.array(word),
    options: fc.array(word),
  });
  fc.assert(
    fc.property(dns, (says) => {
      expect(parseResolvConf(resolvConfText(says))).toEqual({ says, odd: [] });
    }),
  );
  const names = fc.dictionary(
    word,
    fc.array(address, { minLength: 1, maxLength: 3 }).map((list) => (list.length === 1 ? `${list[0]}` : list)),
    { noNullPrototype: true },
  );
  fc.assert(
    fc.property(names, (says) => {
      expect(parseHosts(hostsText(says))).toEqual({ says, odd: [] });
    }),
  );
});

test("a hosts file has localhost, and does not depend on the order of its names", () => {
  const text = hostsText({ b: ["10.0.0.2", "fd00::2"], a: "10.0.0.1" });
  expect(text).toBe(
    "127.0.0.1 localhost\n::1 localhost ip6-localhost ip6-loopback\n10.0.0.1 a\n10.0.0.2 b\nfd00::2 b\n",
  );
  expect(parseHosts("10.0.0.1 a b # c\nrubbish\n")).toEqual({
    says: { a: "10.0.0.1", b: "10.0.0.1" },
    odd: ["(missing) 127.0.0.1 localhost", "(missing) ::1 localhost ip6-localhost ip6-loopback", "rubbish"],
  });
});

const good = { netns: "web", nameservers: ["10.0.0.1"] };

test("inputs become canonical", () => {
  expect(
    checked("ResolvConf", { ...good, nameservers: ["FD00:0::1"], hosts: { db: ["10.0.0.2", "FD00::2"] } }),
  ).toMatchObject({ nameservers: ["fd00::1"], hosts: { db: ["10.0.0.2", "fd00::2"] } });
  expect(failures("ResolvConf", { ...good, search: ["lab.example", "."], options: ["ndots:2", "edns0"] })).toEqual([]);
});

test.each([
  [{ nameservers: [] }, "nameservers", "at least one"],
  [{ nameservers: ["10.0.0.1", "10.0.0.2", "10.0.0.3", "10.0.0.4"] }, "nameservers", "at most 3"],
  [{ nameservers: ["010.0.0.1"] }, "nameservers[0]", "leading zeros"],
  [{ nameservers: ["::ffff:10.0.0.1"] }, "nameservers[0]", "plain IPv4"],
  [{ nameservers: ["10.0.0.1\nsearch evil"] }, "nameservers[0]", "IPv4 or IPv6"],
  [{ nameservers: ["10.0.0.1/24"] }, "nameservers[0]", "IPv4 or IPv6"],
  [{ nameservers: "10.0.0.1" }, "nameservers", "a list"],
  [{ search: ["a", "b", "c", "d", "e", "f", "g"] }, "search", "at most 6"],
  [{ search: [`${"a".repeat(63)}.${"b".repeat(63)}`, `${"c".repeat(63)}.${"d".repeat(63)}`, "e"] }, "search", "256"],
  [{ search: ["a b"] }, "search[0]", "a domain"],
  [{ search: ["a\nnameserver 1.1.1.1"] }, "search[0]", "a domain"],
  [{ search: ["-a"] }, "search[0]", "a domain"],
  [{ options: ["ndots: 2"] }, "options[0]", "an option"],
  [{ options: ["a\n"] }, "options[0]", "an option"],
  [{ hosts: { "a b": "10.0.0.1" } }, "hosts.a b", "a host name"],
  [{ hosts: { "a\n": "10.0.0.1" } }, "hosts.a\\u000a", "a host name"],
  [{ hosts: { "a#": "10.0.0.1" } }, "hosts.a#", "a host name"],
  [{ hosts: { ["a".repeat(254)]: "10.0.0.1" } }, `hosts.${"a".repeat(254)}`, "at most 253"],
  [{ hosts: { "": "10.0.0.1" } }, "hosts.", "a host name"],
  [{ hosts: { a: "10.0.0" } }, "hosts.a", "IPv4 or IPv6"],
  [{ hosts: { a: [] } }, "hosts.a", "empty"],
  [{ hosts: ["10.0.0.1"] }, "hosts", "an object"],
  [{ hosts: JSON.parse('{"__proto__":"10.0.0.1"}') }, "hosts", "__proto__"],
  [{ netns: "../x" }, "netns", "letters"],
  [{ nameserver: ["10.0.0.1"] }, "nameserver", 'did you mean "nameservers"?'],
])("%j is refused", (args, property, rule) => {
  const [first] = failures("ResolvConf", { ...good, ...args });
  expect(first).toMatchObject({ property, reason: expect.stringContaining(rule) });
});
