import type { Labels, MetricFamily } from "./exposition.ts";

/** What a metric is called. */
export interface MetricName {
  readonly name: string;
  /** One line for people. */
  readonly help: string;
}

/** A number that only grows, one for each set of labels. */
export class Counter<Set extends Labels = Labels> {
  readonly #metric: MetricName;
  readonly #series = new Map<string, { readonly labels: Set; value: number }>();

  /** @param known Labels that are shown from the start, so that their first increase is seen as one. */
  constructor(metric: MetricName, known: readonly Set[] = []) {
    this.#metric = metric;
    for (const labels of known) this.add(labels, 0);
  }

  /** Adds to the number of some labels, 1 when left out. */
  add(labels: Set, value = 1): void {
    const key = JSON.stringify(labels);
    const series = this.#series.get(key);
    if (series === undefined) this.#series.set(key, { labels, value });
    else series.value += value;
  }

  /** What there is to show. */
  get family(): MetricFamily {
    return {
      ...this.#metric,
      type: "counter",
      samples: [...this.#series.values()],
    };
  }
}
