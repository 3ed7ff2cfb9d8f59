/** The media type of what {@linkcode writeExposition} writes. */
export const EXPOSITION_TYPE = "text/plain; version=0.0.4; charset=utf-8";

/** What tells the values of one family apart; never anything that a caller can choose freely. */
export type Labels = Readonly<Record<string, string>>;

/** One value. */
export interface Sample {
  /** What follows the family's name, such as `_sum`; nothing when left out. */
  readonly suffix?: string;
  readonly labels?: Labels;
  readonly value: number;
}

/** All values of one name. */
export interface MetricFamily {
  readonly name: string;
  /** One line for people. */
  readonly help: string;
  readonly type: "counter" | "gauge" | "histogram";
  readonly samples: readonly Sample[];
}

/**
 * Writes families in the text format of Prometheus, version 0.0.4.
 *
 * @see {@link https://prometheus.io/docs/instrumenting/exposition_formats/}
 *
 * @example
 * ```ts
 * import { writeExposition } from "./exposition.ts";
 *
 * const samples = [{ labels: { room: "north" }, value: 21.5 }];
 * writeExposition([{ name: "temperature", help: "Air", type: "gauge", samples }]);
 * ```
 */
export function writeExposition(families: readonly MetricFamily[]): string {
  return families.map(writeFamily).join("");
}

function writeFamily({ name, help, type, samples }: MetricFamily): string {
  return [
    `# HELP ${name} ${escapeLine(help)}\n`,
    `# TYPE ${name} ${type}\n`,
    ...samples.map(({ suffix = "", labels = {}, value }) =>
      `${name}${suffix}${writeLabels(labels)} ${writeValue(value)}\n`
    ),
  ].join("");
}

function writeLabels(labels: Labels): string {
  const pairs = Object.entries(labels).map(([name, value]) =>
    `${name}="${escapeLine(value).replaceAll('"', '\\"')}"`
  );
  return pairs.length === 0 ? "" : `{${pairs.join(",")}}`;
}

function escapeLine(text: string): string {
  return text.replaceAll("\\", "\\\\").replaceAll("\n", "\\n");
}

function writeValue(value: number): string {
  if (Number.isFinite(value) || Number.isNaN(value)) return `${value}`;
  return value > 0 ? "+Inf" : "-Inf";
}
