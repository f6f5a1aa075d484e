import { place } from "./layout.ts";
import type { Graph } from "./model.ts";
import { drawn, xml } from "./svg.ts";

const page = `
  html, body { margin: 0; height: 100%; font: 14px sans-serif; color: #202124; }
  body { display: flex; flex-direction: column; }
  header { padding: 8px 16px; border-bottom: 1px solid #dadce0; display: flex; gap: 16px; align-items: baseline; }
  h1 { font-size: 16px; margin: 0; }
  main { flex: 1; overflow: hidden; cursor: grab; touch-action: none; }
  main svg { display: block; width: 100%; height: 100%; }
  #about { position: fixed; max-width: 420px; padding: 8px 12px; background: #202124; color: #ffffff; border-radius: 4px; white-space: pre-wrap; pointer-events: none; }
  #about[hidden] { display: none; }
  .bad { color: #c5221f; font-weight: bold; }`;

/** Moves and zooms by the view box: the wheel, dragging, + and - and 0. What a pointer rests on is told beside it. */
const program = `
  const svg = document.querySelector("main svg");
  const whole = svg.getAttribute("viewBox").split(" ").map(Number);
  let box = whole.slice();
  const show = () => svg.setAttribute("viewBox", box.join(" "));
  const zoom = (factor, x, y) => {
    const size = Math.min(Math.max(box[2] * factor, whole[2] / 20), whole[2] * 4) / box[2];
    box = [x - (x - box[0]) * size, y - (y - box[1]) * size, box[2] * size, box[3] * size];
    show();
  };
  const at = (event) => {
    const point = new DOMPoint(event.clientX, event.clientY).matrixTransform(svg.getScreenCTM().inverse());
    return [point.x, point.y];
  };
  svg.addEventListener("wheel", (event) => { event.preventDefault(); zoom(event.deltaY > 0 ? 1.15 : 0.87, ...at(event)); }, { passive: false });
  let held;
  svg.addEventListener("pointerdown", (event) => { held = at(event); svg.setPointerCapture(event.pointerId); });
  svg.addEventListener("pointerup", () => { held = undefined; });
  svg.addEventListener("pointermove", (event) => {
    if (!held) return;
    const [x, y] = at(event);
    box = [box[0] + held[0] - x, box[1] + held[1] - y, box[2], box[3]];
    show();
  });
  addEventListener("keydown", ({ key }) => {
    const [x, y] = [box[0] + box[2] / 2, box[1] + box[3] / 2];
    if (key === "+" || key === "=") zoom(0.8, x, y);
    if (key === "-") zoom(1.25, x, y);
    if (key === "0") { box = whole.slice(); show(); }
  });
  const about = document.getElementById("about");
  for (const part of svg.querySelectorAll(".node, .edge")) {
    const title = part.querySelector("title");
    const text = title.textContent;
    // The browser's own hint would lie over ours.
    title.remove();
    part.setAttribute("aria-label", text);
    part.addEventListener("pointermove", (event) => {
      about.textContent = text;
      about.hidden = text === "";
      about.style.left = Math.min(event.clientX + 14, innerWidth - about.offsetWidth - 8) + "px";
      about.style.top = Math.min(event.clientY + 14, innerHeight - about.offsetHeight - 8) + "px";
    });
    part.addEventListener("pointerleave", () => { about.hidden = true; });
  }`;

/** The picture as one page that needs nothing else: it may be opened from a file, and loads nothing. */
export function html(graph: Graph): string {
  const drifted = [...graph.nodes, ...graph.edges].filter(({ drift }) => drift.length > 0).length;
  const state = drifted > 0 ? `<span class="bad">${drifted} of them not as declared (red)</span>` : "";
  const counted = graph.nodes.filter(({ kind }) => kind === "container").length;
  return [
    "<!doctype html>",
    '<html lang="en">',
    '<meta charset="utf-8">',
    `<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'; script-src 'unsafe-inline'">`,
    '<meta name="viewport" content="width=device-width, initial-scale=1">',
    `<title>${xml(graph.title)}</title>`,
    `<style>${page}</style>`,
    `<header><h1>${xml(graph.title)}</h1><span>${counted} containers</span>${state}<span>wheel or + - 0: zoom; drag: move</span></header>`,
    `<main>${drawn(place(graph))}</main>`,
    '<div id="about" role="tooltip" hidden></div>',
    `<script>${program}</script>`,
    "</html>",
    "",
  ].join("\n");
}
