import { xml } from "./svg.ts";

/** What a page that needs nothing else is made of; all but the title is HTML already. */
export interface WholePage {
  title: string;
  /** What it may do (CSP Level 3): of others it loads nothing. */
  policy: string;
  style: string;
  header: string;
  body: readonly string[];
}

/** A page in one file. */
export function wholePage({ title, policy, style, header, body }: WholePage): string {
  return [
    "<!doctype html>",
    '<html lang="en">',
    '<meta charset="utf-8">',
    `<meta http-equiv="Content-Security-Policy" content="default-src 'none'; ${policy}">`,
    '<meta name="viewport" content="width=device-width, initial-scale=1">',
    `<title>${xml(title)}</title>`,
    `<style>${style}</style>`,
    `<header><h1>${xml(title)}</h1>${header}</header>`,
    ...body,
    "</html>",
    "",
  ].join("\n");
}

/** The style of what both pages have: the head, the picture, and what is told beside the pointer. */
export const pageStyle = `
  html, body { margin: 0; height: 100%; font: 14px sans-serif; color: #202124; background: #ffffff; }
  body { display: flex; flex-direction: column; }
  header { padding: 8px 16px; border-bottom: 1px solid #dadce0; display: flex; flex-wrap: wrap; gap: 4px 16px; align-items: baseline; }
  h1 { font-size: 16px; margin: 0; }
  main { flex: 1; min-height: 0; min-width: 0; overflow: hidden; cursor: grab; touch-action: none; }
  main svg { display: block; width: 100%; height: 100%; }
  #about { position: fixed; max-width: 420px; padding: 8px 12px; background: #202124; color: #ffffff; border-radius: 4px; white-space: pre-wrap; overflow-wrap: anywhere; pointer-events: none; }
  #about[hidden] { display: none; }
  .bad { color: #c5221f; font-weight: bold; }
  .added { color: #137333; }
  .removed { color: #c5221f; }
  .changed { color: #8a4b00; }`;

/**
 * Moves and zooms by the view box: the wheel, dragging, + and - and 0. What a pointer rests on is told beside it. The picture may be
 * put in place of another (`shown()` is to be called then): it stays where it was moved to.
 */
export const pageProgram = `
  const main = document.querySelector("main");
  const about = document.getElementById("about");
  const picture = () => main.querySelector("svg");
  let whole = [0, 0, 1, 1], box, held, counters = {};
  const show = () => picture()?.setAttribute("viewBox", (box ?? whole).join(" "));
  const zoom = (factor, x, y) => {
    const now = box ?? whole;
    const size = Math.min(Math.max(now[2] * factor, whole[2] / 20), whole[2] * 4) / now[2];
    box = [x - (x - now[0]) * size, y - (y - now[1]) * size, now[2] * size, now[3] * size];
    show();
  };
  const at = (event) => {
    const point = new DOMPoint(event.clientX, event.clientY).matrixTransform(picture().getScreenCTM().inverse());
    return [point.x, point.y];
  };
  main.addEventListener("wheel", (event) => { event.preventDefault(); zoom(event.deltaY > 0 ? 1.15 : 0.87, ...at(event)); }, { passive: false });
  main.addEventListener("pointerdown", (event) => { held = at(event); main.setPointerCapture(event.pointerId); });
  main.addEventListener("pointerup", () => { held = undefined; });
  main.addEventListener("pointermove", (event) => {
    tell(event);
    if (!held) return;
    const [x, y] = at(event);
    const now = box ?? whole;
    box = [now[0] + held[0] - x, now[1] + held[1] - y, now[2], now[3]];
    show();
  });
  main.addEventListener("pointerleave", () => { about.hidden = true; });
  addEventListener("keydown", ({ key }) => {
    const now = box ?? whole;
    const [x, y] = [now[0] + now[2] / 2, now[1] + now[3] / 2];
    if (key === "+" || key === "=") zoom(0.8, x, y);
    if (key === "-") zoom(1.25, x, y);
    if (key === "0") { box = undefined; show(); }
  });
  const tell = (event) => {
    const part = document.elementFromPoint(event.clientX, event.clientY)?.closest(".node, .edge");
    about.textContent = [part?.getAttribute("aria-label") ?? "", ...(counters[part?.dataset.id] ?? [])].join("\\n").trim();
    about.hidden = about.textContent === "";
    if (about.hidden) return;
    about.style.left = Math.max(0, Math.min(event.clientX + 14, innerWidth - about.offsetWidth - 8)) + "px";
    about.style.top = Math.max(0, Math.min(event.clientY + 14, innerHeight - about.offsetHeight - 8)) + "px";
  };
  // The browser's own hint would lie over ours.
  const shown = () => {
    whole = picture().getAttribute("viewBox").split(" ").map(Number);
    for (const title of picture().querySelectorAll("title")) {
      title.parentElement.setAttribute("aria-label", title.textContent);
      title.remove();
    }
    show();
  };`;

/** What the keys and the mouse do. */
export const pageHelp = "wheel or + - 0: zoom; drag: move";
