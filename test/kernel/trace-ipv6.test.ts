// `linuxnet trace` in IPv6: the way there and back, to a gateway, a neighbour, the world and a published port. In the long run only: the
// ways are those of trace.test.ts.
import { expect } from "vitest";
import type { Story, Way } from "../../provider/cli/tracing/model.ts";
import { type Stack, succeeded } from "../support/stack.ts";
import { test } from "../support/test.ts";

const program = `
import * as linuxnet from "pulumi-linuxnet";
const shop = new linuxnet.Network("shop", { subnets: ["10.5.0.0/24", "fd05::/64"] });
const six = new linuxnet.Network("six", { subnet: "fd07::/64" });
const serving = { command: ["python3", "-u", "-m", "http.server", "80", "--bind", "::"], ready: { tcp: 80 } };
new linuxnet.Container("web", { network: shop, publish: ["8080:80"], ...serving });
new linuxnet.Container("client", { network: shop });
new linuxnet.Container("guest", { network: six });
`;

const answered = "it got there, and the answer came back";

/** The places on the way there, whose rules changed the packet, and what came of it. */
async function told(stack: Stack, code: number, ...args: string[]) {
  const answer = await stack.linuxnet("trace", ...args, "--json");
  expect({ args, code: answer.code, stderr: answer.stderr }).toEqual({ args, code, stderr: "" });
  const { steps, connections, verdict } = JSON.parse(answer.stdout) as Story;
  const seen = (way: Way) => steps.filter((one) => one.way === way && one.what === "seen").map(({ place }) => place);
  const changes = steps.filter((one) => one.way === "there" && one.what === "changed");
  const by = changes.map(({ rule }) => rule?.owners.join().replace(/^.*dev\/(\w+)\/.*$/, "$1"));
  return {
    there: [...new Set(seen("there"))],
    back: [...new Set(seen("back"))],
    by,
    known: connections.length > 0,
    verdict,
  };
}

/** There and back by the same places. */
const reached = (there: string[], by: string[], known: boolean) => ({
  there,
  back: there.toReversed(),
  by,
  known,
  verdict: answered,
});

test("a packet of IPv6 is followed to where it comes, or to the rule that ends it", async ({ machine, open }) => {
  // Where the kernel hands what a bridge passes on to the rules too, a journey has more to tell.
  await machine.sh("! [ -e /proc/sys/net/bridge ] || sysctl -qw net.bridge.bridge-nf-call-ip6tables=0");
  await machine.baseline();
  const stack = await open(program);
  succeeded(await stack.up());
  await Promise.all([reaching(stack), ending(stack)]);
  succeeded(await stack.destroy());
});

/** To a gateway, a neighbour, the world, and a published port from each side. */
async function reaching(stack: Stack): Promise<void> {
  const cases: [string[], ReturnType<typeof reached>][] = [
    [["client", "fd05::1"], reached(["client", "host"], [], true)],
    [["client", "[fd05::2]:80"], reached(["client", "host", "web"], [], false)],
    [["client", "fd05::2"], reached(["client", "host", "web"], [], false)],
    [["guest", "host"], reached(["guest", "host"], [], true)],
    [["guest", "world"], reached(["guest", "host"], ["NatRule"], true)],
    [
      ["--outside", "/media/world", "world", "[2001:db8:203::2]:8080"],
      reached(["world", "host", "web"], ["PortPublish"], true),
    ],
    [["host", "[::1]:8080"], reached(["host", "web"], ["PortPublish", "PortPublish"], true)],
    [["client", "[fd05::1]:8080"], reached(["client", "host", "web"], ["PortPublish", ""], true)],
  ];
  for (const [args, expected] of cases)
    expect({ args, ...(await told(stack, 0, ...args)) }).toEqual({ args, ...expected });
}

/** What is refused, dropped, or for nobody. */
async function ending(stack: Stack): Promise<void> {
  const cases: [string[], RegExp][] = [
    [
      ["client", "[fd05::2]:53", "-p", "udp"],
      /^it got to fd05::2, which refused it \(icmpv6 error: port unreachable\)/,
    ],
    [
      ["guest", "web:80"],
      /^it ended in host, at nftables inet linuxnet inward: drop .* for linuxnet:lab\/dev\/NatRule\/shop@/,
    ],
    [["client", "[fd05::99]:80"], /^it did not leave client: /],
  ];
  for (const [args, verdict] of cases) expect((await told(stack, 1, ...args)).verdict).toMatch(verdict);
}
