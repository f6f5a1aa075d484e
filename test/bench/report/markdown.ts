/** A table of Markdown: the first row is its head; the first column is text, the others are aligned to the right. */
export function table(rows: readonly (readonly string[])[]): string {
  const widths = (rows[0] ?? []).map((_, column) => Math.max(3, ...rows.map((row) => (row[column] ?? "").length)));
  const line = (row: readonly string[]) =>
    `| ${row.map((cell, column) => (column === 0 ? cell.padEnd(widths[0] ?? 0) : cell.padStart(widths[column] ?? 0))).join(" | ")} |`;
  const [head = [], ...body] = rows;
  const rule = widths.map((width, column) => (column === 0 ? "-".repeat(width) : `${"-".repeat(width - 1)}:`));
  return [line(head), `| ${rule.join(" | ")} |`, ...body.map(line)].join("\n");
}

/** A number with about three digits that count; nothing for one that is not known. */
export function digits(value: number | undefined): string {
  if (value === undefined || !Number.isFinite(value)) return "";
  const size = Math.abs(value);
  if (size >= 100) return value.toFixed(0);
  return value.toFixed(size >= 10 ? 1 : 2);
}

/** Two numbers as `up / down`; nothing when neither is known. */
export function pair(first: number, second: number): string {
  const [one, two] = [digits(first), digits(second)];
  return one || two ? `${one} / ${two}` : "";
}
