// A journey of a packet as data: from what was captured and traced to what is told.
import { expect, test } from "vitest";
import { topologyOf } from "../../../provider/cli/topology/read.ts";
import { journeyOf, readTo } from "../../../provider/cli/tracing/ends.ts";
import { asHtml } from "../../../provider/cli/tracing/html.ts";
import { asMermaid } from "../../../provider/cli/tracing/mermaid.ts";
import type { Capture, Journey, Observation, Spot, Story } from "../../../provider/cli/tracing/model.ts";
import { storyOf } from "../../../provider/cli/tracing/story.ts";
import { asText } from "../../../provider/cli/tracing/text.ts";
import { readSave } from "../../../provider/kernel/iptables-save.ts";
import { readTraceLine } from "../../../provider/kernel/nft-trace.ts";
import { exported, network } from "../../support/exported.ts";

const spot = (name: string, enter: string): Spot => ({ name, connection: undefined, enter, own: enter === "" });
const [host, web] = [spot("host", ""), spot("web", "nsenter ")];

const journey: Journey = {
  from: "web",
  to: "world:80",
  sender: web,
  target: undefined,
  spots: [host, web],
  tracer: {
    protocol: "tcp",
    source: "10.5.0.2",
    destination: "203.0.113.1",
    sourcePort: 40_001,
    destinationPort: 80,
    id: 7,
  },
};

function seen(at: number, where: number, link: string, io: "in" | "out", source: string, flags = "S"): Capture {
  const [there, back] = [
    { source, destination: "203.0.113.1", sourcePort: 40_001, destinationPort: 80 },
    { source: "203.0.113.1", destination: source, sourcePort: 80, destinationPort: 40_001 },
  ];
  const packet = { protocol: "tcp", ttl: 64, flags, ...(flags === "S" ? there : back) } as const;
  return { spot: where, at, link, io, packet };
}

const at = (id: string, chain: string, rest: string) => {
  const event = readTraceLine(`trace id ${id} ip ${chain} ${rest}`);
  return event ? [{ spot: 0, ...event }] : [];
};
const packet = (links: string, source: string) =>
  `packet: ${links} ip saddr ${source} ip daddr 203.0.113.1 ip protocol tcp tcp sport 40001 tcp dport 80 tcp flags == syn `;

/** What is seen of a packet from web through a bridge, with what the FORWARD chain says of it. */
function observed(forward: string[], more: Capture[], sent: Observation["sent"]): Observation {
  const traced = [
    ...at("a1", "raw PREROUTING", packet('iif "lab0"', "10.5.0.2")),
    ...at("a1", "raw PREROUTING", "policy accept "),
    // Another id: the bridge has handed it on.
    ...at("a2", "filter FORWARD", packet('iif "lab0" oif "up0"', "10.5.0.2")),
    ...forward.flatMap((line) => at("a2", "filter FORWARD", line)),
  ];
  const save =
    '*filter\n:FORWARD DROP [0:0]\n-A FORWARD -s 10.5.0.0/24 -m comment --comment "no; <b>#1</b>" -j DROP\nCOMMIT\n';
  const listed = [
    { family: "ip", table: "filter", chain: "FORWARD", iptables: true, rules: [{ text: "x", handle: 9 }] },
  ];
  const rules = { listed, iptables: readSave({ code: 0, stdout: save, stderr: "" }, 4), elements: [] };
  const captures = [
    // As they come: by place, not by time. The second is sent again after a second.
    seen(30, 0, "lab0", "in", "10.5.0.2"),
    seen(1_000_030, 0, "lab0", "in", "10.5.0.2"),
    seen(20, 0, "web-0", "in", "10.5.0.2"),
    seen(10, 1, "eth0", "out", "10.5.0.2"),
    ...more,
  ];
  return { sent, captures, traced, connections: [], unseen: [], rules: [rules, { ...rules, listed: [] }] };
}

const dropped = storyOf(journey, observed(["rule x # handle 9 (verdict drop)"], [], { outcome: "silence", said: "" }));

test("a packet that is dropped ends at the rule, in the words of the tool that made it", () => {
  expect(dropped.reached).toBe(false);
  expect(asText(dropped, false, { colours: false }).split("\n")).toEqual([
    'web to world:80, tcp: it ended in host, at iptables filter FORWARD: -s 10.5.0.0/24 -m comment --comment "no; <b>#1</b>" -j DROP (handle 9).',
    "",
    "The way there",
    "  web   eth0   out  10.5.0.2:40001 → 203.0.113.1:80  tcp syn",
    "  host  web-0  in   10.5.0.2:40001 → 203.0.113.1:80  tcp syn",
    "  host  lab0   in   10.5.0.2:40001 → 203.0.113.1:80  tcp syn",
    "  host    iptables filter FORWARD, handle 9",
    '  host      -s 10.5.0.0/24 -m comment --comment "no; <b>#1</b>" -j DROP',
    "  host      dropped",
    "",
  ]);
  expect(dropped.end).toMatchObject({ place: "host", rule: { chain: "FORWARD", handle: 9 } });
});

test("a policy that drops is named, with the mark of the packet left out", () => {
  const story = storyOf(journey, observed(["policy drop meta mark 0x1"], [], { outcome: "silence", said: "" }));
  expect(story.verdict).toBe("it ended in host, at iptables filter FORWARD: policy drop");
});

test("without a rule that drops it, the link is named where it was seen last", () => {
  const lost = (more: Capture[]) =>
    storyOf(journey, observed(["policy accept "], more, { outcome: "silence", said: "" })).verdict;
  expect(lost([])).toMatch(/^it was last seen in host, coming in by lab0: no rule that is seen dropped it/);
  expect(lost([seen(40, 0, "up0", "out", "203.0.113.2")])).toBe(
    "it was last seen in host, going out by up0, and nothing came back",
  );
  const refused = [seen(40, 0, "up0", "out", "203.0.113.2"), seen(50, 0, "up0", "in", "203.0.113.2", "R.")];
  const story = storyOf(journey, observed(["policy accept "], refused, { outcome: "refused", said: "" }));
  expect(story).toMatchObject({
    reached: false,
    verdict: expect.stringContaining("nothing listens there on tcp port 80"),
  });
  expect(story.steps.find(({ what }) => what === "changed")).toMatchObject({
    before: { source: "10.5.0.2" },
    tuple: { source: "203.0.113.2" },
  });
  const never = { ...observed([], [], { outcome: "error", said: "Network is unreachable" }), captures: [], traced: [] };
  expect(storyOf(journey, never).verdict).toBe("it did not leave web: Network is unreachable (to 203.0.113.1:80)");
});

test("of two hosts the one that sends comes first, whatever their clocks say", () => {
  const on = (name: string, at: string, enter = "") => ({ ...spot(name, enter), connection: { host: at } });
  const spots = [on("host@a", "a"), on("web", "a", "nsenter "), on("host@b", "b"), on("db", "b", "nsenter ")];
  const [, sender, , target] = spots as [Spot, Spot, Spot, Spot];
  const ways = [
    [1, "out", 1_000],
    [0, "in", 1_001],
    [0, "out", 1_002],
    [2, "in", 3],
    [2, "out", 4],
    [3, "in", 5],
  ] as const;
  const answers = ways.map(([where, io, time]) =>
    seen((where < 2 ? 3000 : 100) - time, where, "l", io === "in" ? "out" : "in", "10.5.0.2", "S."),
  );
  const captures = [
    ...ways.map(([where, io, time]) => seen(time, where, "l", io, "10.5.0.2")),
    ...answers.toReversed(),
  ];
  const two = { ...observed([], [], { outcome: "reply", said: "" }), captures, traced: [] };
  const { steps } = storyOf({ ...journey, spots, sender, target }, two);
  const places = ["web", "host@a", "host@a", "host@b", "host@b", "db"];
  expect(steps.map(({ place }) => place)).toEqual([...places, ...places.toReversed()]);
});

test("mermaid has a lane for each link, and what has a meaning there is harmless", () => {
  expect(asMermaid(dropped, false).split("\n").slice(1)).toEqual([
    expect.stringContaining("  title web to world:80, tcp: it ended in host"),
    "  participant p0 as web eth0",
    "  participant p1 as host web-0",
    "  participant p2 as host lab0",
    "  %% The way there",
    "  p0->>p1: 10.5.0.2:40001 → 203.0.113.1:80  tcp syn",
    "  p1->>p2: 10.5.0.2:40001 → 203.0.113.1:80  tcp syn",
    "  Note over p2: iptables filter FORWARD, handle 9<br/>-s 10.5.0.0/24 -m comment --comment #34;no#59; #60;b#62;#35;1#60;/b#62;#34; -j DROP<br/>dropped",
    "",
  ]);
});

test("the page loads nothing, runs nothing, and takes no text for markup", () => {
  const odd: Story = { ...dropped, connections: ["tcp <script>"], unseen: ["\u001b[2Jnot seen"] };
  const page = asHtml(odd, true);
  expect(page).toContain(`content="default-src 'none'; style-src 'unsafe-inline'"`);
  expect(page).not.toMatch(/<script|<b>|https?:(?!\/\/www\.w3\.org\/2000\/svg)/);
  expect(page).not.toContain("\u001b");
  expect(page).toContain("tcp &#60;script&#62;");
  expect(page.match(/marker-end/g)).toHaveLength(2);
  expect(page).toContain('<text x="');
  const [, width = "", height = ""] = /<svg [^>]*width="(\d+)" height="(\d+)"/.exec(page) ?? [];
  for (const [, x, y] of page.matchAll(/<text x="([\d.]+)" y="([\d.]+)"/g)) {
    expect(Number(x)).toBeLessThan(Number(width));
    expect(Number(y)).toBeLessThan(Number(height));
  }
});

test("TO is a name or an address, with a port behind it or without", () => {
  expect(["web", "web:80", "10.0.0.1:80", "fd00::1", "[fd00::1]:80", "lab/web:8080"].map(readTo)).toEqual([
    { name: "web", port: undefined },
    { name: "web", port: 80 },
    { name: "10.0.0.1", port: 80 },
    { name: "fd00::1", port: undefined },
    { name: "fd00::1", port: 80 },
    { name: "lab/web", port: 8080 },
  ]);
});

test("a journey to a published port has the container behind it for its target; what does not fit is refused", async () => {
  const publish = { hostPort: 8080, targetAddress: "10.5.0.2", targetPort: 80, protocol: "tcp", localhost: true };
  const topology = await topologyOf(
    exported([...network("shop", "10.5.0.0/24", ["web", "db"]), ["PortPublish", "web", publish]]),
  );
  const ask = (from: string, to: string, protocol?: "tcp" | "udp" | "icmp") =>
    journeyOf({ from, to, protocol, world: undefined, outside: undefined }, topology, "lab/dev");
  expect(await ask("host", "127.0.0.1:8080")).toMatchObject({
    sender: { name: "host", own: true },
    target: { name: "web", own: false },
    tracer: { protocol: "tcp", destination: "127.0.0.1", destinationPort: 8080 },
  });
  expect(await ask("db", "host:8080")).toMatchObject({ target: { name: "web" }, tracer: { destination: "10.5.0.1" } });
  expect(await ask("db", "web")).toMatchObject({
    to: "web (10.5.0.2)",
    tracer: { protocol: "icmp", destination: "10.5.0.2" },
  });
  await expect(ask("dbb", "web")).rejects.toThrow("there is no container dbb in lab/dev. Did you mean db?");
  await expect(ask("hots", "web")).rejects.toThrow("Did you mean host?");
  await expect(ask("db", "web:0")).rejects.toThrow("0 is no port");
  await expect(ask("db", "web", "udp")).rejects.toThrow("udp needs a port");
  await expect(ask("db", "web:80", "icmp")).rejects.toThrow("icmp knows no ports");
  await expect(ask("world", "10.5.0.2:80")).rejects.toThrow("--outside");
  await expect(ask("10.5.0.2", "web")).rejects.toThrow("Name a container, host or world");
});
