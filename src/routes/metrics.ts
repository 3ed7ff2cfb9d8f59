import type { Codex } from "../codex/codex.ts";
import type { Slots } from "../generation/slots.ts";
import type { Job } from "../jobs/job.ts";
import type { Library } from "../library/library.ts";
import { EXPOSITION_TYPE, writeExposition } from "../metrics/exposition.ts";
import type { JobMetrics } from "../metrics/job_metrics.ts";
import { gauge, loadMetrics } from "../metrics/load_metrics.ts";
import { processMetrics } from "../metrics/process_metrics.ts";

/** What the answer tells of. */
export interface MetricsParts {
  readonly codex: Codex;
  readonly jobs: { readonly all: readonly Job[] };
  readonly library: Pick<Library, "totals">;
  readonly metrics: JobMetrics;
  readonly slots: Slots;
}

/** Makes `GET /metrics`: numbers for Prometheus, from memory alone. */
export function metrics(parts: MetricsParts): () => Response {
  const { codex, jobs, library, slots } = parts;
  return () => {
    const statuses = jobs.all.map(({ record }) => record.status);
    const { bytes, images } = library.totals;
    const text = writeExposition([
      ...processMetrics(codex.version),
      ...loadMetrics(slots.load, statuses),
      gauge("library_images", "Images there are.", images),
      gauge("library_bytes", "Bytes of their files, originals too.", bytes),
      ...parts.metrics.families,
    ]);
    return new Response(text, {
      headers: { "content-type": EXPOSITION_TYPE, "cache-control": "no-store" },
    });
  };
}
