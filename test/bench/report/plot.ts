/** A line of a plot. */
export interface Series {
  title: string;
  points: readonly (readonly [x: number, y: number])[];
}

const [width, height] = [860, 520];
const area = { left: 70, right: 560, top: 40, bottom: 470 };
const colours = [
  "#0072b2",
  "#d55e00",
  "#009e73",
  "#cc79a7",
  "#e69f00",
  "#56b4e9",
  "#000000",
  "#882255",
  "#117733",
  "#999933",
];

/** A scale of logarithms from a range of values to a range of pixels. */
export function logScale(low: number, high: number, from: number, to: number): (value: number) => number {
  const [a, b] = [Math.log10(low), Math.log10(high)];
  return (value) => from + ((Math.log10(value) - a) / (b - a || 1)) * (to - from);
}

/** 1, 2 and 5 times each power of ten within a range. */
export function ticks(low: number, high: number): number[] {
  const found: number[] = [];
  for (let power = Math.floor(Math.log10(low)); 10 ** power <= high; power += 1)
    found.push(...[1, 2, 5].map((digit) => Number((digit * 10 ** power).toPrecision(1))));
  return found.filter((tick) => tick >= low && tick <= high);
}

const escaped = (text: string): string => text.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll("`", "");

/** A plot of lines with logarithms on both axes, as SVG. Values of zero and less are left out. */
export function plot(title: string, xTitle: string, yTitle: string, all: readonly Series[]): string {
  const series = all.map((one) => ({ ...one, points: one.points.filter(([x, y]) => x > 0 && y > 0) }));
  const points = series.flatMap((one) => one.points);
  if (points.length === 0) return frame(title, []);
  const [xs, ys] = [points.map(([x]) => x), points.map(([, y]) => y)];
  const bounds = { x: [Math.min(...xs), Math.max(...xs)], y: [Math.min(...ys) / 1.2, Math.max(...ys) * 1.2] } as const;
  const x = logScale(bounds.x[0], bounds.x[1], area.left, area.right);
  const y = logScale(bounds.y[0], bounds.y[1], area.bottom, area.top);
  const drawn = series.filter((one) => one.points.length > 0);
  return frame(title, [
    ...[...new Set(xs)].toSorted((a, b) => a - b).map((tick) => upright(x(tick), `${tick}`)),
    ...ticks(...bounds.y).map((tick) => level(y(tick), `${tick}`)),
    ...drawn.flatMap((one, number) => line(one, number, x, y)),
    text(area.right, area.bottom + 34, xTitle, "end"),
    text(area.left - 50, area.top - 12, yTitle, "start"),
  ]);
}

function line({ title, points }: Series, number: number, x: (v: number) => number, y: (v: number) => number): string[] {
  const colour = colours[number % colours.length];
  const dash = number >= colours.length ? ' stroke-dasharray="6 3"' : "";
  const at = points.map(([px, py]) => `${x(px).toFixed(1)},${y(py).toFixed(1)}`);
  const row = area.top + 22 * number;
  return [
    `<polyline points="${at.join(" ")}" fill="none" stroke="${colour}" stroke-width="2"${dash}/>`,
    ...at.map((one) => `<circle cx="${one.split(",")[0]}" cy="${one.split(",")[1]}" r="3" fill="${colour}"/>`),
    `<line x1="${area.right + 20}" x2="${area.right + 44}" y1="${row}" y2="${row}" stroke="${colour}" stroke-width="3"${dash}/>`,
    text(area.right + 50, row + 4, title, "start"),
  ];
}

const upright = (x: number, label: string): string =>
  `<line x1="${x.toFixed(1)}" x2="${x.toFixed(1)}" y1="${area.top}" y2="${area.bottom}" stroke="#ddd"/>${text(x, area.bottom + 16, label, "middle")}`;

const level = (y: number, label: string): string =>
  `<line x1="${area.left}" x2="${area.right}" y1="${y.toFixed(1)}" y2="${y.toFixed(1)}" stroke="#ddd"/>${text(area.left - 6, y + 4, label, "end")}`;

const text = (x: number, y: number, words: string, anchor: string): string =>
  `<text x="${x.toFixed(1)}" y="${y.toFixed(1)}" text-anchor="${anchor}">${escaped(words)}</text>`;

function frame(title: string, body: readonly string[]): string {
  const style = 'font-family="sans-serif" font-size="12"';
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${height}" ${style}>`,
    `<title>${escaped(title)}</title>`,
    `<rect width="${width}" height="${height}" fill="white"/>`,
    text(area.left, 18, title, "start"),
    ...body,
    "</svg>",
    "",
  ].join("\n");
}
