import { tupleText } from "./flow.ts";
import type { Step, Story } from "./model.ts";
import { changeText, toldSteps, whereText } from "./text.ts";

/** A place, or a link in a place, that a packet passes: one lane of the diagram. */
export interface Lane {
  place: string;
  link: string;
}

/** What happens in a diagram, from top to bottom. */
export type Mark =
  | { kind: "title"; text: string }
  | { kind: "arrow"; from: number; to: number; text: string }
  | { kind: "note"; lane: number; lines: string[]; bad: boolean };

/** A journey as a sequence: lanes side by side, and what happens between them. */
export interface Diagram {
  lanes: Lane[];
  marks: Mark[];
}

/** Draws a journey as a sequence. @param rules whether the rules that let the packet through are told too */
export function diagramOf(story: Story, rules: boolean): Diagram {
  const steps = toldSteps(story, rules);
  const lanes: Lane[] = [];
  const laneOf = ({ place, link = "" }: Step) => {
    const found = lanes.findIndex((one) => one.place === place && one.link === link);
    return found >= 0 ? found : lanes.push({ place, link }) - 1;
  };
  const marks = (["there", "back"] as const).flatMap((way): Mark[] => {
    const own = steps.filter((one) => one.way === way);
    const title: Mark = { kind: "title", text: way === "there" ? "The way there" : "The way back" };
    return own.length === 0 ? [] : [title, ...marksOf(own, laneOf)];
  });
  return { lanes, marks };
}

/** A packet moves from where it was last seen to where it is seen next; what changes it is told where it is. */
function marksOf(steps: readonly Step[], laneOf: (step: Step) => number): Mark[] {
  let at: number | undefined;
  return steps.flatMap((step): Mark[] => {
    const { what, tuple, kind } = step;
    if (what === "seen" || what === "sent") {
      const [from, to] = [at, laneOf(step)];
      at = to;
      return from === undefined
        ? []
        : [{ kind: "arrow", from, to, text: `${tupleText(tuple)}${kind ? `  ${kind}` : ""}` }];
    }
    at ??= laneOf(step);
    return [{ kind: "note", lane: at, lines: noteLines(step), bad: what === "dropped" }];
  });
}

function noteLines(step: Step): string[] {
  const said = step.rule ? [whereText(step.rule), step.rule.text] : ["the kernel, which knows the connection"];
  if (step.what === "changed") return [...said, changeText(step)];
  return step.what === "dropped" ? [...said, "dropped"] : said;
}
