import type { Progress } from "../generation/progress.ts";
import type { JobRecord } from "../jobs/job_record.ts";
import type { JobObserver, JobUsage } from "../jobs/job_observer.ts";
import { Counter } from "./counter.ts";
import type { MetricFamily } from "./exposition.ts";
import { Histogram } from "./histogram.ts";

/** In seconds; pictures take ten to three hundred. */
const BOUNDS = [1, 5, 10, 15, 20, 30, 45, 60, 90, 120, 180, 300, 600];
/** The code of what has not failed. */
const NONE = "";

/** Counts what became of jobs, candidates and images since the start. */
export class JobMetrics implements JobObserver {
  readonly #jobs = new Counter({
    name: "codex_image_server_jobs_total",
    help: "Jobs that ended, by how they ended and why.",
  }, [
    { status: "completed", code: NONE },
    { status: "partial", code: NONE },
  ]);
  readonly #candidates = new Counter({
    name: "codex_image_server_candidates_total",
    help: "Candidates that ended, by how they ended and why.",
  }, [{ outcome: "saved", code: NONE }]);
  readonly #jobSeconds = new Histogram({
    name: "codex_image_server_job_duration_seconds",
    help: "From the request to the answer, of jobs with images.",
  }, BOUNDS);
  readonly #candidateSeconds = new Histogram({
    name: "codex_image_server_candidate_duration_seconds",
    help: "From the start of the worker to the stored image.",
  }, BOUNDS);
  readonly #images = new Counter({
    name: "codex_image_server_stored_images_total",
    help: "Images stored since the start.",
  }, [{}]);
  readonly #bytes = new Counter({
    name: "codex_image_server_stored_bytes_total",
    help: "Bytes of images stored since the start.",
  }, [{ variant: "delivered" }, { variant: "original" }]);
  readonly #references = new Counter({
    name: "codex_image_server_reference_bytes_total",
    help:
      "Bytes of references that went to the models for stored images, as originals or to be seen.",
  }, [{ delivered: "original" }, { delivered: "seen" }]);
  readonly #tokens = new Counter({
    name: "codex_image_server_model_tokens_total",
    help:
      "Tokens of the chat model that jobs with images took, as far as the CLI told.",
  }, [{ direction: "input" }, { direction: "output" }]);

  onProgress(progress: Progress): void {
    const { phase } = progress;
    if (phase === "failed" || phase === "canceled") {
      const { code } = progress.failure;
      this.#candidates.add({ outcome: phase, code });
    }
    if (phase !== "saved") return;
    const { sidecar } = progress.candidate.image;
    this.#candidates.add({ outcome: phase, code: NONE });
    this.#candidateSeconds.observe(sidecar.duration_ms / 1000);
    this.#images.add({});
    this.#bytes.add({ variant: "delivered" }, sidecar.bytes);
    const original = sidecar.original?.bytes ?? 0;
    this.#bytes.add({ variant: "original" }, original);
    for (const { bytes, delivered } of sidecar.references) {
      this.#references.add({ delivered }, bytes);
    }
  }

  onEnd(record: JobRecord, usage?: JobUsage): void {
    const { createdAt, endedAt = createdAt, failure, status } = record;
    this.#jobs.add({ status, code: failure?.code ?? NONE });
    if (usage === undefined) return;
    this.#jobSeconds.observe((endedAt - createdAt) / 1000);
    this.#tokens.add({ direction: "input" }, usage.input_tokens);
    this.#tokens.add({ direction: "output" }, usage.output_tokens);
  }

  /** What there is to show. */
  get families(): readonly MetricFamily[] {
    return [
      this.#jobs.family,
      this.#candidates.family,
      this.#jobSeconds.family,
      this.#candidateSeconds.family,
      this.#images.family,
      this.#bytes.family,
      this.#references.family,
      this.#tokens.family,
    ];
  }
}
