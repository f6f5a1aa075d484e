import { place } from "./layout.ts";
import type { Fate, Graph } from "./model.ts";
import { pageHelp, pageProgram, pageStyle } from "./page.ts";
import { drawn, xml } from "./svg.ts";

/** The picture as one page that needs nothing else: it may be opened from a file, and loads nothing. */
export function html(graph: Graph): string {
  const counted = graph.nodes.filter(({ kind }) => kind === "container").length;
  const policy = "default-src 'none'; style-src 'unsafe-inline'; script-src 'unsafe-inline'";
  return [
    "<!doctype html>",
    '<html lang="en">',
    '<meta charset="utf-8">',
    `<meta http-equiv="Content-Security-Policy" content="${policy}">`,
    '<meta name="viewport" content="width=device-width, initial-scale=1">',
    `<title>${xml(graph.title)}</title>`,
    `<style>${pageStyle}</style>`,
    `<header><h1>${xml(graph.title)}</h1><span>${counted} containers</span>${stateText(graph)}<span>${pageHelp}</span></header>`,
    `<main>${drawn(place(graph))}</main>`,
    '<div id="about" role="tooltip" hidden></div>',
    `<script>${pageProgram}\n  shown();</script>`,
    "</html>",
    "",
  ].join("\n");
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
