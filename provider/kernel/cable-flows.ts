import { bare, familyOf } from "./addresses.ts";
import type { End } from "./cable-schema.ts";
import { inNetns, type Step, sh } from "./command.ts";
import { quote } from "./quote.ts";
import { typed, typedLine } from "./typed.ts";

/** Prints those of the addresses `all` that a flow is from, or is answered from, each once (conntrack(8), `-L`). */
const found = `{
  for (field = 1; field <= NF; field++) if ($field ~ /^src=/) {
    address = substr($field, 5)
    if (index(all, " " address " ") && !seen[address]++) print address
  }
}`;

/**
 * Ends the flows of addresses whose holders are gone. The kernel would keep them, and whoever gets an address next would inherit
 * what is still sent to it. Without conntrack(8), flows end by themselves.
 *
 * @param netns where the flows were tracked; default: the host's own namespace
 */
export function dropFlowsOf(addresses: readonly string[], netns?: string): Step[] {
  if (addresses.length === 0) return [];
  const where = `limit ${inNetns(netns)}`;
  const text = ([4, 6] as const).flatMap((family) => {
    const own = addresses.filter((address) => familyOf(address) === family);
    if (own.length === 0) return [];
    const conntrack = (what: string) => `${where}conntrack ${what} -f ipv${family}`;
    return [
      `for address in $(${conntrack("-L")} 2>/dev/null | awk -v all=${quote(` ${own.join(" ")} `)} ${quote(found)}); do`,
      ...["--orig-src", "--reply-src"].map((whose) => `  ${conntrack("-D")} ${whose} "$address" >/dev/null 2>&1 || :`),
      "done",
    ];
  });
  const whose = addresses.length > 2 ? `${addresses.length} addresses` : addresses.join(" and ");
  return [
    {
      what: `drop the flows of ${whose}`,
      do: sh(netns === undefined ? unlessUntracked(text) : text.join("\n")),
      ...typed(typedFlows(addresses, netns)),
    },
  ];
}

// A shell's `read` gets the first digit of a number in /proc/sys alone (decision 0013): enough to tell 0 from others.
/** Runs a fragment unless the host tracks no flow at all: to ask for them takes longer than to take a cable away. */
export function unlessUntracked(text: readonly string[]): string {
  const file = "/proc/sys/net/netfilter/nf_conntrack_count";
  return [`flows=; read -r flows 2>/dev/null <${file} || :`, 'if [ "$flows" != 0 ]; then', ...text, "fi"].join("\n");
}

function typedFlows(addresses: readonly string[], netns?: string): string[] {
  return addresses.flatMap((address) =>
    ["--orig-src", "--reply-src"].map(
      (side) => `${typedLine(["conntrack", "-D", "-f", `ipv${familyOf(address)}`, side, address], netns)} || true`,
    ),
  );
}

/**
 * Ends the flows of the addresses that a cable took with it, where they were tracked: on the other side of each end that was in a
 * namespace.
 *
 * @param removal the steps that take the cable away: without any, nothing is dropped
 */
export function endFlows(removal: readonly Step[], one: Readonly<End>, other: Readonly<End>): Step[] {
  const of = ({ netns, addresses }: End, there: End) =>
    netns === undefined ? [] : dropFlowsOf(addresses.map(bare), there.netns);
  return removal.length === 0 ? [] : [...of(one, other), ...of(other, one)];
}
