import type { Graph, GraphEdge, GraphNode, NodeKind } from "./model.ts";

/** A name that both languages take: letters, digits and `_`. */
function idsOf({ nodes }: Graph): Map<string, string> {
  return new Map(nodes.map(({ id }, index) => [id, `n${index}`]));
}

const shapes: Record<NodeKind, [string, string]> = {
  world: ["((", "))"],
  host: ["[[", "]]"],
  bridge: ["{{", "}}"],
  container: ["[", "]"],
  tunnel: ["([", "])"],
};

/** A text within quotes of mermaid: signs that have a meaning there are written as entities. */
function mermaidText(text: string): string {
  return text.replaceAll(/["#<>&\\`]/g, (sign) => `#${sign.codePointAt(0)};`);
}

/** The picture in the language of mermaid (flowchart), which GitHub and GitLab draw. */
export function mermaid(graph: Graph): string {
  const ids = idsOf(graph);
  const nodeLine = ({ id, kind, label, lines }: GraphNode) => {
    const [open, close] = shapes[kind];
    return `  ${ids.get(id)}${open}"${[label, ...lines].map(mermaidText).join("<br/>")}"${close}`;
  };
  const edgeLine = ({ from, to, label, dashed }: GraphEdge) =>
    `  ${ids.get(from)} ${dashed ? "-.-" : "---"}${label ? `|"${mermaidText(label)}"|` : ""} ${ids.get(to)}`;
  const drifted = graph.nodes.filter(({ drift }) => drift.length > 0).map(({ id }) => ids.get(id));
  const red = graph.edges.flatMap(({ drift }, index) => (drift.length > 0 ? [index] : []));
  return [
    "flowchart LR",
    ...graph.nodes.map(nodeLine),
    ...graph.edges.map(edgeLine),
    ...(drifted.length > 0
      ? [`  classDef drift stroke:#c00,stroke-width:3px,color:#c00`, `  class ${drifted.join(",")} drift`]
      : []),
    ...(red.length > 0 ? [`  linkStyle ${red.join(",")} stroke:#c00,stroke-width:3px`] : []),
    "",
  ].join("\n");
}

/** A text within quotes of dot. */
function dotText(text: string): string {
  return text.replaceAll(/["\\]/g, "\\$&");
}

const dotShapes: Record<NodeKind, string> = {
  world: "ellipse",
  host: "box3d",
  bridge: "hexagon",
  container: "box",
  tunnel: "cds",
};

function attributes(pairs: Record<string, string | undefined>): string {
  return Object.entries(pairs)
    .flatMap(([key, value]) => (value === undefined ? [] : [`${key}="${value}"`]))
    .join(", ");
}

const red = (drift: readonly string[]) => (drift.length > 0 ? "#cc0000" : undefined);

function dotNode({ kind, label, lines, drift, about }: GraphNode): string {
  const text = [label, ...lines].map(dotText).join("\\n");
  const tooltip = dotText([...about, ...drift].join("; "));
  return attributes({ label: text, shape: dotShapes[kind], color: red(drift), fontcolor: red(drift), tooltip });
}

/** The picture in the language of Graphviz. */
export function dot(graph: Graph): string {
  const ids = idsOf(graph);
  const edges = graph.edges.map(({ from, to, label, dashed, drift }) => {
    const shown = { label: dotText(label) || undefined, style: dashed ? "dashed" : undefined, color: red(drift) };
    const style = attributes(shown);
    return `  ${ids.get(from)} -- ${ids.get(to)}${style ? ` [${style}]` : ""};`;
  });
  return [
    `graph "${dotText(graph.title)}" {`,
    "  rankdir=LR;",
    '  node [fontname="sans-serif"]; edge [fontname="sans-serif"];',
    ...graph.nodes.map((one) => `  ${ids.get(one.id)} [${dotNode(one)}];`),
    ...edges,
    "}",
    "",
  ].join("\n");
}
