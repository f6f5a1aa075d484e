import { pageHelp, pageProgram, pageStyle } from "../graph/page.ts";
import { style, xml } from "../graph/svg.ts";
import type { PageFile } from "./server.ts";

/** Large, for a projector: the picture, and beside it what reaches what. */
const viewStyle = `${pageStyle}
${style}
  body { font-size: 17px; }
  h1 { font-size: 24px; }
  h2 { font-size: 20px; margin: 12px 0 4px; }
  p { margin: 4px 0; }
  #all { flex: 1; min-height: 0; display: flex; }
  aside { box-sizing: border-box; width: 400px; padding: 0 16px 12px; border-left: 1px solid #dadce0; overflow: auto; }
  aside ul { margin: 4px 0; padding-left: 20px; overflow-wrap: anywhere; }
  #hosts { display: flex; flex-wrap: wrap; gap: 4px 16px; margin-left: auto; }
  #fault:empty { display: none; }
  #fault, #lost { background: #c5221f; color: #ffffff; padding: 6px 16px; font-weight: bold; }
  #lost[hidden] { display: none; }
  .good { color: #137333; }
  .quiet { color: #5f6368; font-size: 14px; }
  .stale main, .stale aside { opacity: 0.45; }
  .linuxnet .unseen { opacity: 0.4; }
  .linuxnet .rate { fill: #1a56b0; }
  table { border-collapse: collapse; margin: 8px 0; }
  th { font-weight: normal; text-align: left; padding: 1px 6px 1px 0; white-space: nowrap; }
  td { text-align: center; border: 1px solid #ffffff; }
  table.large td { min-width: 30px; height: 30px; }
  table.large thead th { vertical-align: bottom; padding: 0 2px 4px; }
  table.large thead th span { writing-mode: vertical-rl; transform: rotate(180deg); }
  table.small { font-size: 12px; line-height: 12px; table-layout: auto; }
  table.small td { min-width: 8px; height: 13px; font-size: 8px; padding: 0; overflow: hidden; }
  table.small thead td { max-width: none; font-size: 12px; text-align: left; }
  table.small thead th { vertical-align: bottom; padding: 0; width: 17px; }
  table.small thead th span { writing-mode: vertical-rl; transform: rotate(180deg); }
  td.yes { background: #ceead6; color: #0d652d; }
  td.no { background: #e8eaed; color: #5f6368; }
  td.self { background: #f8f9fa; }
  td.wrong { background: #c5221f; color: #ffffff; font-weight: bold; }
  td.unknown { background: #feefc3; color: #8a4b00; }
  @media (max-aspect-ratio: 1) { #all { flex-direction: column; } main { min-height: 60%; } aside { width: auto; border-left: none; } }`;

/** Puts in place of the old only what is new: nothing flickers. */
const viewProgram = `${pageProgram}
  const byId = (id) => document.getElementById(id);
  const last = {};
  let hosts = [], heard = 0;
  const events = new EventSource("events");
  events.onmessage = ({ data }) => {
    const event = JSON.parse(data);
    for (const [id, text] of Object.entries(event.pieces)) {
      if (last[id] === text) continue;
      last[id] = text;
      if (id === "picture") { main.innerHTML = text; shown(); } else byId(id).innerHTML = text;
    }
    counters = event.counters;
    for (const rate of main.querySelectorAll(".rate")) {
      const text = event.rates[rate.closest(".node").dataset.id] ?? "";
      if (rate.textContent !== text) rate.textContent = text;
    }
    for (const node of main.querySelectorAll(".node")) node.classList.toggle("unseen", event.unseen.includes(node.dataset.id));
    hosts = event.hosts;
    heard = performance.now();
    byId("lost").hidden = true;
    tick();
  };
  events.onerror = () => { byId("lost").hidden = false; document.body.classList.add("stale"); };
  const tick = () => {
    if (!byId("lost").hidden) return;
    const since = (performance.now() - heard) / 1000;
    const lines = hosts.map(({ name, seen, why }) => {
      const ago = seen === null ? "not looked at yet" : "looked " + Math.round(seen + since) + " s ago";
      return { text: name + ": " + (why === null ? ago : "cannot be reached, " + ago + " (" + why + ")"), bad: why !== null };
    });
    const list = byId("hosts");
    while (list.children.length > lines.length) list.lastChild.remove();
    lines.forEach(({ text, bad }, index) => {
      const line = list.children[index] ?? list.appendChild(document.createElement("span"));
      if (line.textContent !== text) line.textContent = text;
      line.className = bad ? "bad" : "";
    });
    document.body.classList.toggle("stale", hosts.length > 0 && lines.every(({ bad }) => bad));
  };
  setInterval(tick, 1000);
`;

const body = (title: string) => `<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>${xml(title)}</title>
<link rel="stylesheet" href="page.css">
<header><h1 id="title">${xml(title)}</h1><span id="count"></span><span class="quiet">↓ received ↑ sent, bytes per second · ${pageHelp}</span><span id="hosts" role="status"></span></header>
<div id="lost" hidden>This page is no longer kept up to date: linuxnet view has ended, or cannot be reached.</div>
<div id="fault" role="alert"></div>
<div id="all"><main></main><aside><section id="checks"></section><section id="drift"></section></aside></div>
<div id="about" role="tooltip" hidden></div>
<script src="page.js"></script>
</html>
`;

/** The files of the page, by name. */
export function pageFiles(title: string): Map<string, PageFile> {
  return new Map<string, PageFile>([
    ["", { type: "text/html", text: body(title) }],
    ["page.css", { type: "text/css", text: viewStyle }],
    ["page.js", { type: "text/javascript", text: viewProgram }],
  ]);
}
