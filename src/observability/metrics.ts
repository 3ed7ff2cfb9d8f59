import { cpuUsage } from "node:process";
import type { Load } from "../generation/fair_queue.ts";
import type { Progress } from "../generation/generation.ts";
import type { JobRecord, JobStatus } from "../jobs/job_store.ts";
import type { JobObserver, JobUsage } from "../jobs/jobs.ts";
import { VERSION } from "../version.ts";

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
 * import { writeExposition } from "./metrics.ts";
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

const MICROSECONDS = 1_000_000;

/**
 * Shows what this process is and takes, under the names that all clients of Prometheus use.
 *
 * @param codexVersion The version of the CLI, if it could be asked.
 */
export function processMetrics(
  codexVersion: string | undefined,
): readonly MetricFamily[] {
  const { heapTotal, rss } = Deno.memoryUsage();
  const { system, user } = cpuUsage();
  return [
    {
      name: "codex_image_server_build_info",
      help: "The versions, as labels.",
      type: "gauge",
      samples: [{
        labels: {
          version: VERSION,
          codex_version: codexVersion ?? "",
          deno_version: Deno.version.deno,
        },
        value: 1,
      }],
    },
    {
      name: "process_resident_memory_bytes",
      help: "Memory of the server, without its workers.",
      type: "gauge",
      samples: [{ value: rss }],
    },
    {
      name: "process_heap_bytes",
      help: "Memory of the server's JavaScript.",
      type: "gauge",
      samples: [{ value: heapTotal }],
    },
    {
      name: "process_cpu_seconds_total",
      help: "Processor time of the server, without its workers.",
      type: "counter",
      samples: [{ value: (system + user) / MICROSECONDS }],
    },
    {
      name: "process_start_time_seconds",
      help: "When the server started, in seconds since 1970.",
      type: "gauge",
      samples: [{ value: performance.timeOrigin / 1000 }],
    },
  ];
}

/** Shows how busy the server is now. */
export function loadMetrics(
  load: Load,
  statuses: readonly JobStatus[],
): readonly MetricFamily[] {
  const underWay = (["queued", "running"] as const).map((status) => ({
    labels: { status },
    value: statuses.filter((other) => other === status).length,
  }));
  return [
    {
      name: "codex_image_server_jobs",
      help: "Jobs under way.",
      type: "gauge",
      samples: underWay,
    },
    gauge("workers_active", "Workers that run.", load.active),
    gauge("workers_max", "Workers that may run at once.", load.max),
    gauge("queue_length", "Candidates that wait for a worker.", load.queued),
    gauge("queue_max", "Candidates that may wait.", load.queueMax),
    gauge(
      "queue_paused",
      "Whether nothing is started because of a usage limit.",
      load.pausedUntil === undefined ? 0 : 1,
    ),
  ];
}

/** Makes a family of one number that goes up and down. */
export function gauge(name: string, help: string, value: number): MetricFamily {
  return {
    name: `codex_image_server_${name}`,
    help,
    type: "gauge",
    samples: [{ value }],
  };
}

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
