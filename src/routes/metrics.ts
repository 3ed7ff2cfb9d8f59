import type { Codex } from "../codex/codex.ts";
import type { Slots } from "../generation/slots.ts";
import type { Job } from "../jobs/job.ts";
import { EXPOSITION_TYPE, writeExposition } from "../metrics/exposition.ts";
import type { JobMetrics } from "../metrics/job_metrics.ts";
import { loadMetrics } from "../metrics/load_metrics.ts";
import { processMetrics } from "../metrics/process_metrics.ts";

/** What the answer tells of. */
export interface MetricsParts {
  readonly codex: Codex;
  readonly jobs: { readonly all: readonly Job[] };
  readonly metrics: JobMetrics;
  readonly slots: Slots;
}

/** Makes `GET /metrics`: numbers for Prometheus, from memory alone. */
export function metrics(parts: MetricsParts): () => Response {
  const { codex, jobs, slots } = parts;
  return () => {
    const statuses = jobs.all.map(({ record }) => record.status);
    const text = writeExposition([
      ...processMetrics(codex.version),
      ...loadMetrics(slots.load, statuses),
      ...parts.metrics.families,
    ]);
    return new Response(text, {
      headers: { "content-type": EXPOSITION_TYPE, "cache-control": "no-store" },
    });
  };
}
