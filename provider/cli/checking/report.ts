import { xml } from "../graph/svg.ts";
import { paint, plain, type Terminal, table } from "../terminal.ts";
import { isWrong, type Result } from "./probing.ts";

/** How many of the program's expectations hold. */
export interface Points {
  held: number;
  total: number;
}

/** The grade of a lab: a point for each Expect that holds. */
export function pointsOf(results: readonly Result[]): Points {
  const graded = results.filter(({ group }) => group === "expect");
  return { held: graded.filter((one) => one.fault === undefined && !isWrong(one)).length, total: graded.length };
}

/** What a result says, in words. */
export function sentence(result: Result): string {
  const { group, from, to, held, fault, said } = result;
  const why = fault ?? said;
  const tail = why ? ` (${plain(why)})` : "";
  if (fault !== undefined) return `${from} to ${to} could not be tried${tail}`;
  if (group === "names") return held ? `${from} knows the name ${to}` : `${from} does not know the name ${to}${tail}`;
  if (group === "expect") return `${to} ${isWrong(result) ? "does not hold" : "holds"}: ${tried(result)}${tail}`;
  if (isWrong(result) && held) return `${from} reaches ${to}, and must not`;
  return held ? `${from} reaches ${to}` : `${from} does not reach ${to}${tail}`;
}

/** What an expectation tried: `client-1a2b reaches 10.5.0.2 port 80`. */
function tried({ from, question, held }: Result): string {
  if (question.kind === "name") return from;
  const { to, port } = question.probe;
  return `${from} ${held ? "reaches" : "does not reach"} ${to}${port === undefined ? "" : ` port ${port}`}`;
}

/** As a table: what each container reaches, then what is not as it should be, then the points. */
export function asTable(results: readonly Result[], terminal: Terminal): string {
  const wrong = results.filter((one) => isWrong(one) || one.fault !== undefined);
  const { held, total } = pointsOf(results);
  const groups = (["names", "ports", "expect"] as const).flatMap((group) => counted(results, group));
  return [
    matrix(results, terminal),
    ...groups,
    ...(wrong.length > 0 ? ["", "Not as it should be:"] : []),
    ...wrong.map((one) => paint(terminal, "red", `  ${plain(sentence(one))}`)),
    ...(total > 0 ? ["", `${held} of ${total} points`] : []),
    wrong.length === 0 ? paint(terminal, "green", "All is as it should be.") : "",
  ]
    .join("\n")
    .trimEnd()
    .concat("\n");
}

const titles = { names: "names", ports: "published ports", expect: "expectations" } as const;

function counted(results: readonly Result[], group: keyof typeof titles): string[] {
  const own = results.filter((one) => one.group === group);
  const right = own.filter((one) => one.fault === undefined && !isWrong(one)).length;
  return own.length === 0 ? [] : [`${titles[group]}: ${right} of ${own.length} as they should be`];
}

/** Beyond so many columns they are numbered, by the rows. */
const manyColumns = 8;

function matrix(results: readonly Result[], terminal: Terminal): string {
  const own = results.filter(({ group }) => group === "containers" || group === "gateways" || group === "world");
  const names = [...new Set(own.map(({ from }) => from))];
  if (names.length === 0) return "There are no containers.\n";
  const numbered = names.length > manyColumns;
  const heads = names.map((name, index) => (numbered ? `${index + 1}` : plain(name)));
  const rows = names.map((from, index) => {
    const cell = (group: Result["group"], to?: string) =>
      mark(
        own.filter((one) => one.group === group && one.from === from && (to === undefined || one.to === to)),
        terminal,
      );
    const first = numbered ? `${index + 1} ${plain(from)}` : plain(from);
    return [first, ...names.map((to) => (to === from ? "-" : cell("containers", to))), cell("gateways"), cell("world")];
  });
  return table(["FROM \\ TO", ...heads, "gateway", "world"], rows);
}

/** `yes`, `no`, with a sign of exclamation where it is not as it should be. */
function mark(found: readonly Result[], terminal: Terminal): string {
  if (found.length === 0) return "";
  const bad = found.some(isWrong);
  const worst = found.find(isWrong) ?? found.find(({ held }) => !held) ?? found[0];
  if (worst?.fault !== undefined) return paint(terminal, "yellow", "?");
  const text = worst?.held ? "yes" : "no";
  return paint(terminal, bad ? "red" : worst?.held ? "green" : "dim", bad ? `${text}!` : text);
}

/** As JSON. */
export function asJson(title: { project: string; stack: string }, results: readonly Result[]): string {
  const trials = results.map((one) => ({
    group: one.group,
    from: one.from,
    to: one.to,
    host: one.connection?.host ?? "",
    expected: one.expected ?? null,
    held: one.fault === undefined ? one.held : null,
    wrong: isWrong(one),
    ...((one.fault ?? one.said) && { said: one.fault ?? one.said }),
  }));
  const summary = {
    points: pointsOf(results),
    wrong: results.filter(isWrong).length,
    untried: results.filter(({ fault }) => fault).length,
  };
  return `${JSON.stringify({ ...title, ...summary, trials }, null, 2)}\n`;
}

/** As JUnit's XML, as CI systems read it: a suite per group. What nothing is declared of is no test case. */
export function asJunit(title: string, results: readonly Result[]): string {
  const suites = [
    ...Map.groupBy(
      results.filter(({ expected }) => expected !== undefined),
      ({ group }) => group,
    ),
  ];
  const lines = suites.flatMap(([group, own]) => {
    const failures = own.filter(isWrong).length;
    const errors = own.filter(({ fault }) => fault !== undefined).length;
    const name = xml(`${title} ${group}`);
    return [
      `  <testsuite name="${name}" tests="${own.length}" failures="${failures}" errors="${errors}">`,
      ...own.map((one) => testCase(name, one)),
      "  </testsuite>",
    ];
  });
  return ['<?xml version="1.0" encoding="UTF-8"?>', "<testsuites>", ...lines, "</testsuites>", ""].join("\n");
}

function testCase(suite: string, result: Result): string {
  const { from, to, expected } = result;
  const name = xml(`${from} ${expected ? "reaches" : "does not reach"} ${to}`);
  const head = `    <testcase classname="${suite}" name="${name}"`;
  if (result.fault !== undefined) return `${head}><error message="${xml(sentence(result))}"/></testcase>`;
  return isWrong(result) ? `${head}><failure message="${xml(sentence(result))}"/></testcase>` : `${head}/>`;
}
