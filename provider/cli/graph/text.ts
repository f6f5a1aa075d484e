import { type Fate, type Graph, type GraphEdge, type GraphNode, type NodeKind, sign } from "./model.ts";

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

/** What is drawn in a colour of its own, and in which. */
const marks = { drift: "#c00", added: "#188038", removed: "#c00", changed: "#b06000" } as const;

/** What became of a part, or that it drifted. */
function markOf({
  drift,
  fate,
}: {
  drift: readonly string[];
  fate?: Fate | undefined;
}): keyof typeof marks | undefined {
  return fate ?? (drift.length > 0 ? "drift" : undefined);
}

/** The picture in the language of mermaid (flowchart), which GitHub and GitLab draw. */
export function mermaid(graph: Graph): string {
  const ids = idsOf(graph);
  const nodeLine = ({ id, kind, label, lines, fate }: GraphNode) => {
    const [open, close] = shapes[kind];
    return `  ${ids.get(id)}${open}"${[`${sign(fate)}${label}`, ...lines].map(mermaidText).join("<br/>")}"${close}`;
  };
  const edgeLine = ({ from, to, label, dashed }: GraphEdge) =>
    `  ${ids.get(from)} ${dashed ? "-.-" : "---"}${label ? `|"${mermaidText(label)}"|` : ""} ${ids.get(to)}`;
  return [
    "flowchart LR",
    ...graph.nodes.map(nodeLine),
    ...graph.edges.map(edgeLine),
    ...Object.entries(marks).flatMap(([mark, colour]) => mermaidMark(graph, mark, colour)),
    "",
  ].join("\n");
}

/** The lines that colour what has a mark. */
function mermaidMark(graph: Graph, mark: string, colour: string): string[] {
  const ids = idsOf(graph);
  const nodes = graph.nodes.filter((one) => markOf(one) === mark).map(({ id }) => ids.get(id));
  const edges = graph.edges.flatMap((one, index) => (markOf(one) === mark ? [index] : []));
  const stroke = `stroke:${colour},stroke-width:3px${mark === "removed" ? ",stroke-dasharray:3 3" : ""}`;
  return [
    ...(nodes.length > 0 ? [`  classDef ${mark} ${stroke},color:${colour}`, `  class ${nodes.join(",")} ${mark}`] : []),
    ...(edges.length > 0 ? [`  linkStyle ${edges.join(",")} ${stroke}`] : []),
  ];
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

/** dot knows colours of six digits only. */
function dotColour(part: GraphNode | GraphEdge): string | undefined {
  const mark = markOf(part);
  return mark && marks[mark].replace(/^#(.)(.)(.)$/, "#$1$1$2$2$3$3");
}

function dotNode(node: GraphNode): string {
  const { kind, label, lines, drift, about, fate, changes = [] } = node;
  const text = [`${sign(fate)}${label}`, ...lines].map(dotText).join("\\n");
  const tooltip = dotText([...about, ...drift, ...changes].join("; "));
  const colour = dotColour(node);
  return attributes({ label: text, shape: dotShapes[kind], color: colour, fontcolor: colour, tooltip });
}

/** The picture in the language of Graphviz. */
export function dot(graph: Graph): string {
  const ids = idsOf(graph);
  const edges = graph.edges.map((edge) => {
    const { from, to, label, dashed } = edge;
    const shown = { label: dotText(label) || undefined, style: dashed ? "dashed" : undefined, color: dotColour(edge) };
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
