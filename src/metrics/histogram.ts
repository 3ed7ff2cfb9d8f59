import type { MetricName } from "./counter.ts";
import type { MetricFamily } from "./exposition.ts";

/** How many values were no larger than each of some bounds. */
export class Histogram {
  readonly #metric: MetricName;
  readonly #buckets: readonly { readonly bound: number; count: number }[];
  #sum = 0;

  /** @param bounds In ascending order. */
  constructor(metric: MetricName, bounds: readonly number[]) {
    this.#metric = metric;
    this.#buckets = [...bounds, Infinity].map((bound) => ({ bound, count: 0 }));
  }

  /** Adds a value. */
  observe(value: number): void {
    this.#sum += value;
    for (const bucket of this.#buckets) {
      if (value <= bucket.bound) bucket.count++;
    }
  }

  /** What there is to show. */
  get family(): MetricFamily {
    const samples = this.#buckets.map(({ bound, count }) => ({
      suffix: "_bucket",
      labels: { le: bound === Infinity ? "+Inf" : `${bound}` },
      value: count,
    }));
    const total = samples[samples.length - 1].value;
    return {
      ...this.#metric,
      type: "histogram",
      samples: [
        ...samples,
        { suffix: "_sum", value: this.#sum },
        { suffix: "_count", value: total },
      ],
    };
  }
}
