import { plain } from "../terminal.ts";
import { diagramOf, type Mark } from "./diagram.ts";
import type { Story } from "./model.ts";
import { title } from "./text.ts";

/** A journey as a sequence diagram of mermaid (mermaid.js.org, sequenceDiagram). */
export function asMermaid(story: Story, rules: boolean): string {
  const { lanes, marks } = diagramOf(story, rules);
  return [
    "sequenceDiagram",
    `  title ${safe(`${title(story)}: ${story.verdict}`)}`,
    ...lanes.map(({ place, link }, index) => `  participant p${index} as ${safe(`${place} ${link}`.trim())}`),
    ...marks.map(line),
    "",
  ].join("\n");
}

function line(mark: Mark): string {
  if (mark.kind === "arrow") return `  p${mark.from}->>p${mark.to}: ${safe(mark.text)}`;
  if (mark.kind === "note") return `  Note over p${mark.lane}: ${mark.lines.map(safe).join("<br/>")}`;
  return `  %% ${plain(mark.text)}`;
}

/** What has a meaning in mermaid is written by its number. */
function safe(text: string): string {
  return plain(text).replaceAll(/[#;<>"&]/g, (sign) => `#${sign.codePointAt(0)};`);
}
