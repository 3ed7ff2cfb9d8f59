const NAME_WIDTH = 42;
const WIDTH = 14;

/** One line of the table. */
export interface Row {
  readonly name: string;
  /** One for each column; nothing where undefined. */
  readonly values: readonly (number | undefined)[];
  /** How many digits stand behind the point. */
  readonly digits?: number;
  /** What is aimed at. */
  readonly aim?: string;
}

/** Writes a table for people. */
export function writeTable(
  columns: readonly string[],
  rows: readonly Row[],
): string {
  const head = line("", columns, "aim");
  const body = rows.map(({ name, values, digits = 0, aim = "" }) =>
    line(name, values.map((value) => value?.toFixed(digits) ?? ""), aim)
  );
  return [head, "-".repeat(head.length), ...body].join("\n");
}

/** The middle of some numbers; of an even count, the upper of the two. */
export function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b);
  return sorted[Math.floor(sorted.length / 2)];
}

function line(name: string, cells: readonly string[], aim: string): string {
  const columns = cells.map((cell) => cell.padStart(WIDTH)).join("");
  return `${name.padEnd(NAME_WIDTH)}${columns}  ${aim}`.trimEnd();
}
