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

/** What came of a trial, and whether the host that it was tried on cannot be reached now: it is not told what it was then. */
export type Tried = Result & { lost: boolean };

/**
 * What reaches what, as a table: a cell for each pair, and all in words of what is not as it should be.
 * @param unpaired whether there are too many containers to try every pair
 */
export function matrixHtml(results: readonly Tried[] | undefined, unpaired = false): string {
  if (!results) return "<h2>Checks</h2><p>Trying what reaches what…</p>";
  const seen = results.filter(({ lost }) => !lost);
  const away = results.length - seen.length;
  const wrong = seen.filter((one) => isWrong(one) || one.fault !== undefined);
  const { held, total } = pointsOf(results.map((one) => (one.lost ? { ...one, fault: lostText } : one)));
  return [
    "<h2>Checks</h2>",
    away > 0 ? `<p class="changed">Of ${away} it is not known: their host cannot be reached.</p>` : "",
    verdict(wrong.length, seen.length, away),
    total > 0 ? `<p>${held} of ${total} points</p>` : "",
    unpaired
      ? `<p>Not every pair of more than ${mostPaired} containers is tried here: linuxnet check does that.</p>`
      : "",
    table(results),
    `<ul>${wrong.slice(0, mostLines).map(lineHtml).join("")}</ul>`,
    wrong.length > mostLines ? `<p class="bad">And ${wrong.length - mostLines} more.</p>` : "",
  ].join("");
}

const lostText = "the host cannot be reached";

function verdict(wrong: number, seen: number, away: number): string {
  if (wrong > 0) return `<p class="bad">${wrong} of ${seen} are not as they should be.</p>`;
  if (seen === 0 && away > 0) return "";
  return `<p class="good">All ${away > 0 ? "other " : ""}${seen} are as they should be.</p>`;
}

const lineHtml = (one: Result) => `<li class="bad">${xml(plain(sentence(one)))}</li>`;

/** Names without their Lab, where they tell the containers apart all the same. */
function shortNames(names: readonly string[]): (name: string) => string {
  const short = (name: string) => name.slice(name.lastIndexOf("/") + 1);
  return new Set(names.map(short)).size === names.length ? short : (name) => name;
}

function table(results: readonly Tried[]): string {
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
function cellHtml(found: readonly Tried[]): string {
  const worst = found.find(isWrong) ?? found.find(({ held }) => !held) ?? found[0];
  if (!worst) return "<td></td>";
  if (worst.lost) return `<td class="unknown" title="${lostText}">?</td>`;
  const title = xml(plain(sentence(worst)));
  if (worst.fault !== undefined) return `<td class="unknown" title="${title}">?</td>`;
  const kind = isWrong(worst) ? "wrong" : worst.held ? "yes" : "no";
  const sign = { wrong: worst.held ? "✓!" : "✗!", yes: "✓", no: "✗" }[kind];
  return `<td class="${kind}" title="${title}">${sign}</td>`;
}
