import { cpuUsage } from "node:process";
import { Counter, Gauge, Histogram, Registry } from "prom-client";
import type { Usage } from "../codex/usage.ts";
import type { Load } from "../generation/fair_queue.ts";
import type { Progress } from "../generation/generation.ts";
import type { JobRecord, JobStatus } from "../jobs/job_store.ts";
import type { JobObserver, JobUsage } from "../jobs/jobs.ts";
import { VERSION } from "../version.ts";

const PREFIX = "codex_image_server_";
const MICROSECONDS = 1_000_000;
/** In seconds; pictures take ten to three hundred. */
const BUCKETS = [1, 5, 10, 15, 20, 30, 45, 60, 90, 120, 180, 300, 600];
/** The code of what has not failed. */
const NONE = "";

/** What is told as it is when it is asked for. */
export interface ServerState {
  /** The version of the CLI, if it could be asked. */
  readonly codexVersion: string | undefined;
  readonly jobs: readonly JobStatus[];
  readonly library: { readonly bytes: number; readonly images: number };
  readonly load: Load;
  /** How much of the quota is used, as far as that is known without asking. */
  readonly usage: Usage | undefined;
}

/** Numbers that go up and down: their names, one line for people, and where they come from. */
const GAUGES: readonly (readonly [
  name: string,
  help: string,
  read: (state: ServerState) => number,
])[] = [
  [
    "process_resident_memory_bytes",
    "Memory of the server, without its workers.",
    () => Deno.memoryUsage().rss,
  ],
  [
    "process_heap_bytes",
    "Memory of the server's JavaScript.",
    () => Deno.memoryUsage().heapTotal,
  ],
  [
    "process_start_time_seconds",
    "When the server started, in seconds since 1970.",
    () => performance.timeOrigin / 1000,
  ],
  [
    `${PREFIX}workers_active`,
    "Workers that run.",
    ({ load }) => load.active,
  ],
  [
    `${PREFIX}workers_max`,
    "Workers that may run at once.",
    ({ load }) => load.max,
  ],
  [
    `${PREFIX}queue_length`,
    "Candidates that wait for a worker.",
    ({ load }) => load.queued,
  ],
  [
    `${PREFIX}queue_max`,
    "Candidates that may wait.",
    ({ load }) => load.queueMax,
  ],
  [
    `${PREFIX}queue_paused`,
    "Whether nothing is started because of a usage limit.",
    ({ load }) => load.paused === undefined ? 0 : 1,
  ],
  [
    `${PREFIX}library_images`,
    "Images there are.",
    ({ library }) => library.images,
  ],
  [
    `${PREFIX}library_bytes`,
    "Bytes of their files, originals too.",
    ({ library }) => library.bytes,
  ],
];

/** Numbers for Prometheus; no label has a value that a caller can choose freely. */
export class Metrics implements JobObserver {
  readonly #registry = new Registry();
  readonly #build = this.#gauge(
    `${PREFIX}build_info`,
    "The versions, as labels.",
    ["version", "codex_version", "deno_version"],
  );
  readonly #cpu = this.#counter(
    "process_cpu_seconds_total",
    "Processor time of the server, without its workers.",
  );
  readonly #underWay = this.#gauge(`${PREFIX}jobs`, "Jobs under way.", [
    "status",
  ]);
  readonly #gauges = GAUGES.map(([name, help, read]) => ({
    gauge: this.#gauge(name, help),
    read,
  }));
  readonly #quotaUsed = this.#gauge(
    `${PREFIX}quota_used_percent`,
    "How much of each window of the quota is used.",
    ["limit", "minutes"],
  );
  readonly #quotaReset = this.#gauge(
    `${PREFIX}quota_reset_time_seconds`,
    "When each window starts over, in seconds since 1970.",
    ["limit", "minutes"],
  );
  readonly #quotaKnown = this.#gauge(
    `${PREFIX}quota_known_time_seconds`,
    "When the quota was last told, in seconds since 1970; 0 for never.",
  );
  readonly #quotaPerImage = this.#gauge(
    `${PREFIX}quota_percent_per_image`,
    "What an image takes of the shortest window, estimated once there were ten.",
    ["limit"],
  );
  readonly #jobs = this.#counter(
    `${PREFIX}jobs_total`,
    "Jobs that ended, by how they ended and why.",
    { status: "completed", code: NONE },
    { status: "partial", code: NONE },
  );
  readonly #candidates = this.#counter(
    `${PREFIX}candidates_total`,
    "Candidates that ended, by how they ended and why.",
    { outcome: "saved", code: NONE },
  );
  readonly #jobSeconds = this.#histogram(
    `${PREFIX}job_duration_seconds`,
    "From the request to the answer, of jobs with images.",
  );
  readonly #candidateSeconds = this.#histogram(
    `${PREFIX}candidate_duration_seconds`,
    "From the start of the worker to the stored image.",
  );
  readonly #images = this.#counter(
    `${PREFIX}stored_images_total`,
    "Images stored since the start.",
  );
  readonly #bytes = this.#counter(
    `${PREFIX}stored_bytes_total`,
    "Bytes of images stored since the start.",
    { variant: "delivered" },
    { variant: "original" },
  );
  readonly #references = this.#counter(
    `${PREFIX}reference_bytes_total`,
    "Bytes of references that went to the models for stored images, as originals or to be seen.",
    { delivered: "original" },
    { delivered: "seen" },
  );
  readonly #tokens = this.#counter(
    `${PREFIX}model_tokens_total`,
    "Tokens of the chat model that jobs with images took, as far as the CLI told.",
    { direction: "input" },
    { direction: "output" },
  );

  onProgress(progress: Progress): void {
    const { phase } = progress;
    if (phase === "failed" || phase === "canceled") {
      const { code } = progress.failure;
      this.#candidates.inc({ outcome: phase, code });
    }
    if (phase !== "saved") return;
    const { sidecar } = progress.candidate.image;
    this.#candidates.inc({ outcome: phase, code: NONE });
    this.#candidateSeconds.observe(sidecar.duration_ms / 1000);
    this.#images.inc();
    this.#bytes.inc({ variant: "delivered" }, sidecar.bytes);
    this.#bytes.inc({ variant: "original" }, sidecar.original?.bytes ?? 0);
    for (const { bytes, delivered } of sidecar.references) {
      this.#references.inc({ delivered }, bytes);
    }
  }

  onEnd(record: JobRecord, usage?: JobUsage): void {
    const { createdAt, endedAt = createdAt, failure, status } = record;
    this.#jobs.inc({ status, code: failure?.code ?? NONE });
    if (usage === undefined) return;
    this.#jobSeconds.observe((endedAt - createdAt) / 1000);
    this.#tokens.inc({ direction: "input" }, usage.input_tokens);
    this.#tokens.inc({ direction: "output" }, usage.output_tokens);
  }

  /** The media type of {@linkcode Metrics.write}. */
  get contentType(): string {
    return this.#registry.contentType;
  }

  /** Writes all numbers in the text format of Prometheus. */
  async write(state: ServerState): Promise<string> {
    this.#build.reset();
    this.#build.set({
      version: VERSION,
      codex_version: state.codexVersion ?? NONE,
      deno_version: Deno.version.deno,
    }, 1);
    const { system, user } = cpuUsage();
    this.#cpu.reset();
    this.#cpu.inc((system + user) / MICROSECONDS);
    for (const status of ["queued", "running"]) {
      const { length } = state.jobs.filter((other) => other === status);
      this.#underWay.set({ status }, length);
    }
    for (const { gauge, read } of this.#gauges) gauge.set(read(state));
    this.#setQuota(state.usage);
    return await this.#registry.metrics();
  }

  #setQuota(usage: Usage | undefined): void {
    this.#quotaUsed.reset();
    this.#quotaReset.reset();
    for (const window of usage?.windows ?? []) {
      const labels = { limit: window.limit, minutes: `${window.minutes}` };
      this.#quotaUsed.set(labels, window.usedPercent);
      if (window.resetsAt !== undefined) {
        this.#quotaReset.set(labels, window.resetsAt);
      }
    }
    this.#quotaKnown.set((usage?.asOf ?? 0) / 1000);
    this.#quotaPerImage.reset();
    if (usage?.images !== undefined) {
      this.#quotaPerImage.set({ limit: "codex" }, usage.images.percentPerImage);
    }
  }

  #gauge(name: string, help: string, labelNames: readonly string[] = []) {
    return new Gauge({ name, help, labelNames, registers: [this.#registry] });
  }

  /** Labels that are known are shown from the start, so that their first increase is seen as one. */
  #counter(
    name: string,
    help: string,
    ...known: readonly Readonly<Record<string, string>>[]
  ) {
    const labelNames = Object.keys(known[0] ?? {});
    const registers = [this.#registry];
    const counter = new Counter({ name, help, labelNames, registers });
    for (const labels of known) counter.inc(labels, 0);
    return counter;
  }

  #histogram(name: string, help: string) {
    const registers = [this.#registry];
    return new Histogram({ name, help, buckets: BUCKETS, registers });
  }
}
