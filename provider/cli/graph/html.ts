import { place } from "./layout.ts";
import type { Fate, Graph } from "./model.ts";
import { pageHelp, pageProgram, pageStyle, wholePage } from "./page.ts";
import { drawn } from "./svg.ts";

/** The picture as one page that needs nothing else: it may be opened from a file, and loads nothing. */
export function html(graph: Graph): string {
  const counted = graph.nodes.filter(({ kind }) => kind === "container").length;
  return wholePage({
    title: graph.title,
    policy: "style-src 'unsafe-inline'; script-src 'unsafe-inline'",
    style: pageStyle,
    header: `<span>${counted} containers</span>${stateText(graph)}<span>${pageHelp}</span>`,
    body: [
      `<main>${drawn(place(graph))}</main>`,
      '<div id="about" role="tooltip" hidden></div>',
      `<script>${pageProgram}\n  shown();</script>`,
    ],
  });
}

/** How many drifted, and in a picture of two states how many came, went and changed, in their colours. */
function stateText({ nodes, edges }: Graph): string {
  const parts = [...nodes, ...edges];
  const drifted = parts.filter(({ drift }) => drift.length > 0).length;
  const fates = (["added", "removed", "changed"] satisfies Fate[]).map((fate) => {
    const count = parts.filter((one) => one.fate === fate).length;
    return count > 0 ? `<span class="${fate}">${count} ${fate}</span>` : "";
  });
  return [drifted > 0 ? `<span class="bad">${drifted} of them not as declared (red)</span>` : "", ...fates].join("");
}
