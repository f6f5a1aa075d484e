import { paint, plain, type Terminal } from "../terminal.ts";
import { tupleText } from "./flow.ts";
import type { MetRule, Step, Story } from "./model.ts";
import { makerText } from "./story.ts";

/** The steps that are told: with `rules` also those in which a rule let the packet through. */
export function toldSteps({ steps }: Story, rules: boolean): Step[] {
  if (!rules) return steps.filter(({ what }) => what !== "passed");
  // What a rule changed is told with the rule.
  const same = (one: MetRule | undefined, other: MetRule | undefined) =>
    one?.handle === other?.handle && one?.chain === other?.chain && one?.table === other?.table;
  const told = (step: Step, next: Step | undefined) =>
    step.what === "passed" && next?.what === "changed" && same(step.rule, next.rule);
  return steps.filter((step, index) => !told(step, steps[index + 1]));
}

/** A journey as text: what came of it, then the way there and the way back. */
export function asText(story: Story, rules: boolean, terminal: Pick<Terminal, "colours">): string {
  const head = paint(terminal, story.reached ? "green" : "red", plain(`${title(story)}: ${story.verdict}.`));
  const steps = toldSteps(story, rules);
  const width = Math.max(0, ...steps.map(({ place }) => place.length));
  const links = Math.max(0, ...steps.map(({ link = "" }) => link.length));
  const ways = (["there", "back"] as const).flatMap((way) => {
    const own = steps.filter((one) => one.way === way);
    const lines = own.flatMap((one) => stepLines(one, width, links, terminal));
    return own.length === 0 ? [] : ["", way === "there" ? "The way there" : "The way back", ...lines];
  });
  const known =
    story.connections.length > 0
      ? [
          "",
          "The connection, as conntrack knows it",
          ...story.connections.map((one) => `  ${plain(one.trim().replaceAll(/\s+/g, " "))}`),
        ]
      : [];
  const unseen = story.unseen.length > 0 ? ["", ...story.unseen.map(plain)] : [];
  return [head, ...ways, ...known, ...unseen, ""].join("\n");
}

/** What was asked: `web to host (10.5.0.1:8080), tcp`. */
export function title({ from, to, protocol }: Story): string {
  return `${from} to ${to}, ${protocol}`;
}

function stepLines(step: Step, width: number, links: number, terminal: Pick<Terminal, "colours">): string[] {
  const { place, what, link = "", io = "", tuple, kind, rule } = step;
  const head = `  ${plain(place).padEnd(width)}  `;
  const packet = `${tupleText(tuple)}${kind ? `  ${kind}` : ""}`;
  if (what === "seen") return [`${head}${plain(link).padEnd(links)}  ${io.padEnd(3)}  ${packet}`];
  if (what === "sent") return [`${head}${"".padEnd(links)}  out  ${packet}`];
  const inner = `${head}  `;
  const said = rule ? [`${inner}${plain(whereText(rule))}`, `${inner}  ${plain(rule.text)}`] : [];
  if (what === "changed") {
    const lines = rule ? said : [`${inner}the kernel, which knows the connection`];
    return [...lines, paint(terminal, "yellow", `${inner}  ${changeText(step)}`)];
  }
  if (what === "passed") return said;
  return [...said, paint(terminal, "red", `${inner}  dropped`)];
}

/** Where a rule stands, and whose it is. */
export function whereText(rule: MetRule): string {
  const { by, family, table, chain, handle } = rule;
  const number = handle === undefined ? "" : `, handle ${handle}`;
  return `${by} ${by === "iptables" ? "" : `${family} `}${table} ${chain}${number}${makerText(rule)}`;
}

/** What was changed: `source 10.5.0.2:40001 becomes 203.0.113.2:40001`. */
export function changeText({ before, tuple }: Pick<Step, "before" | "tuple">): string {
  if (!before) return "";
  const part = (name: "source" | "destination") => {
    const one = tupleText({ ...before }).split(" → ")[name === "source" ? 0 : 1];
    const other = tupleText({ ...tuple }).split(" → ")[name === "source" ? 0 : 1];
    return one === other ? [] : [`${name} ${one} becomes ${other}`];
  };
  return [...part("source"), ...part("destination")].join(", ");
}
