import { isWrong, type Result } from "../checking/probing.ts";
import { pointsOf, sentence } from "../checking/report.ts";
import { xml } from "../graph/svg.ts";
import { plain } from "../terminal.ts";
import { mostPaired } from "./host-watch.ts";

/** Beyond so many containers the cells are small, and the columns have no names. */
const many = 10;

/** So many sentences are told of what is not as it should be. */
const mostLines = 30;

const groups = ["containers", "gateways", "world"] as const;

/**
 * What reaches what, as a table: a cell for each pair, and all in words of what is not as it should be.
 * @param unpaired whether there are too many containers to try every pair
 */
export function matrixHtml(results: readonly Result[] | undefined, unpaired = false): string {
  if (!results) return "<h2>Checks</h2><p>Trying what reaches what…</p>";
  const wrong = results.filter((one) => isWrong(one) || one.fault !== undefined);
  const { held, total } = pointsOf(results);
  return [
    "<h2>Checks</h2>",
    wrong.length === 0
      ? `<p class="good">All ${results.length} are as they should be.</p>`
      : `<p class="bad">${wrong.length} of ${results.length} are not as they should be.</p>`,
    total > 0 ? `<p>${held} of ${total} points</p>` : "",
    unpaired
      ? `<p>Not every pair of more than ${mostPaired} containers is tried here: linuxnet check does that.</p>`
      : "",
    table(results),
    `<ul>${wrong.slice(0, mostLines).map(lineHtml).join("")}</ul>`,
    wrong.length > mostLines ? `<p class="bad">And ${wrong.length - mostLines} more.</p>` : "",
  ].join("");
}

const lineHtml = (one: Result) => `<li class="bad">${xml(plain(sentence(one)))}</li>`;

/** Names without their Lab, where they tell the containers apart all the same. */
function shortNames(names: readonly string[]): (name: string) => string {
  const short = (name: string) => name.slice(name.lastIndexOf("/") + 1);
  return new Set(names.map(short)).size === names.length ? short : (name) => name;
}

function table(results: readonly Result[]): string {
  const own = results.filter(({ group }) => (groups as readonly string[]).includes(group));
  const names = [...new Set(own.map(({ from }) => from))];
  if (names.length === 0) return "";
  const short = shortNames(names);
  const small = names.length > many;
  const others = own.some(({ group }) => group === "containers") ? names : [];
  const pairs = Map.groupBy(own, ({ group, from, to }) => `${group} ${from} ${group === "containers" ? to : ""}`);
  const cell = (group: string, from: string, to = "") => cellHtml(pairs.get(`${group} ${from} ${to}`) ?? []);
  const heads = small
    ? `<td colspan="${others.length || 1}">${others.length > 0 ? "to the others, in the same order" : ""}</td>`
    : others.map((name) => `<th scope="col"><span>${xml(plain(short(name)))}</span></th>`).join("");
  const rows = names.map((from) => {
    const cells = others.map((to) => (to === from ? '<td class="self"></td>' : cell("containers", from, to))).join("");
    return `<tr><th scope="row">${xml(plain(short(from)))}</th>${cells}${cell("gateways", from)}${cell("world", from)}</tr>`;
  });
  const ways = `<th scope="col"><span>gateway</span></th><th scope="col"><span>world</span></th>`;
  return `<table class="${small ? "small" : "large"}"><thead><tr><td></td>${heads}${ways}</tr></thead><tbody>${rows.join("")}</tbody></table>`;
}

/** A sign and a colour: `!` is what is not as it should be. */
function cellHtml(found: readonly Result[]): string {
  const worst = found.find(isWrong) ?? found.find(({ held }) => !held) ?? found[0];
  if (!worst) return "<td></td>";
  const title = xml(plain(sentence(worst)));
  if (worst.fault !== undefined) return `<td class="unknown" title="${title}">?</td>`;
  const kind = isWrong(worst) ? "wrong" : worst.held ? "yes" : "no";
  const sign = { wrong: worst.held ? "✓!" : "✗!", yes: "✓", no: "✗" }[kind];
  return `<td class="${kind}" title="${title}">${sign}</td>`;
}
