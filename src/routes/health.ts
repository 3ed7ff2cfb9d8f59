import { STATUS_CODE } from "@std/http/status";
import { MODEL } from "../api/fields.ts";
import type { Codex } from "../codex/codex.ts";
import type { Config } from "../config.ts";
import type { FairQueue } from "../generation/fair_queue.ts";
import type { Job } from "../jobs/job.ts";
import type { Library } from "../library/library.ts";
import {
  EXPOSITION_TYPE,
  gauge,
  type JobMetrics,
  loadMetrics,
  processMetrics,
  writeExposition,
} from "../observability/metrics.ts";
import { isWritable } from "../storage/data_dir.ts";
import { freeBytes } from "../storage/free_space.ts";
import { startStopwatch } from "../util.ts";
import { VERSION } from "../version.ts";

/** How long an answer is good for, in milliseconds. */
const CACHE_MS = 30_000;
const MIB = 1_048_576;

/** One thing that must be in order. */
export interface Check {
  /** What is checked. */
  readonly name: string;
  /** Whether it is in order. */
  readonly ok: boolean;
  /** What was found. */
  readonly detail: string;
}

/** What is checked. */
export interface ReadinessOptions {
  readonly codex: Codex;
  /** Where pictures are kept. */
  readonly outputDir: string;
  /** Where the server keeps its own files. */
  readonly dataDir: string;
  /** How much space has to be free, in bytes. */
  readonly minFreeBytes: number;
  readonly slots: FairQueue;
}

/** Tells whether a generation would have what it needs. */
export type Readiness = () => Promise<readonly Check[]>;

/** Makes a {@linkcode Readiness} that remembers its answer for 30 seconds. */
export function createReadiness(options: ReadinessOptions): Readiness {
  let answer: Promise<readonly Check[]> | undefined;
  let age = startStopwatch();
  return async () => {
    if (answer === undefined || age() > CACHE_MS) {
      age = startStopwatch();
      answer = checkAll(options);
    }
    // A pause is known without asking anybody, so that it is never out of date.
    return [...await answer, checkUsageLimit(options.slots)];
  };
}

function checkUsageLimit({ load }: FairQueue): Check {
  const { pausedUntil } = load;
  return {
    name: "usage_limit",
    ok: pausedUntil === undefined,
    detail: pausedUntil === undefined
      ? "none known"
      : `reached, until ${new Date(pausedUntil).toISOString()}`,
  };
}

function checkAll(options: ReadinessOptions): Promise<readonly Check[]> {
  const { codex, outputDir } = options;
  return Promise.all([
    named("codex", codex.checkVersion()),
    named("login", codex.checkLogin()),
    named("login_writable", codex.checkLoginWritable()),
    named("output_writable", checkWritable(outputDir)),
    named("free_disk", checkFreeDisk(options)),
    named("image_tool", codex.checkImageTool()),
  ]);
}

async function named(
  name: string,
  check: Promise<Omit<Check, "name">>,
): Promise<Check> {
  try {
    const { ok, detail } = await check;
    return { name, ok, detail };
  } catch (error) {
    // To be unable to look is an answer too.
    if (!(error instanceof Error)) throw error;
    return { name, ok: false, detail: `Cannot check: ${error.message}` };
  }
}

async function checkWritable(directory: string): Promise<Omit<Check, "name">> {
  const ok = await isWritable(directory);
  return { ok, detail: ok ? directory : `Cannot write to "${directory}"` };
}

async function checkFreeDisk(
  { dataDir, minFreeBytes, outputDir }: ReadinessOptions,
): Promise<Omit<Check, "name">> {
  try {
    const free = await freeBytes(outputDir, dataDir);
    const detail = `${Math.floor(free / MIB)} MiB free`;
    return { ok: free >= minFreeBytes, detail };
  } catch (error) {
    if (!(error instanceof Error)) throw error;
    const detail = `Cannot tell the free space: ${error.message}`;
    return { ok: false, detail };
  }
}

/** What the answer tells of. */
export interface HealthParts {
  readonly codex: Codex;
  readonly config: Config;
  readonly instance: string;
  readonly slots: FairQueue;
}

/** Makes `GET /healthz`: what the server is and how busy, from memory alone. */
export function health(parts: HealthParts): () => Response {
  const { codex, config, instance, slots } = parts;
  const startedAt = performance.now();
  return () => {
    const { active, max, queued, queueMax } = slots.load;
    return Response.json({
      status: "ok",
      auth_required: config.apiKey !== undefined,
      backend: "codex-exec",
      generation_timeout_ms: config.timeoutMs,
      log_file: config.logFile ?? null,
      model: MODEL,
      output_dir: config.publicDir ?? config.outputDir,
      version: VERSION,
      codex_version: codex.version ?? null,
      uptime_s: Math.floor((performance.now() - startedAt) / 1000),
      workers: { active, max, queued, queue_max: queueMax },
      sandbox: config.sandbox,
      instance,
    });
  };
}

/** Makes `GET /readyz`: 200 when a generation would have what it needs, else 503, with every check. */
export function ready(readiness: Readiness): () => Promise<Response> {
  return async () => {
    const checks = await readiness();
    const ok = checks.every((check) => check.ok);
    const status = ok ? STATUS_CODE.OK : STATUS_CODE.ServiceUnavailable;
    return Response.json({ status: ok ? "ready" : "not_ready", checks }, {
      status,
    });
  };
}

/** What the answer tells of. */
export interface MetricsParts {
  readonly codex: Codex;
  readonly jobs: { readonly all: readonly Job[] };
  readonly library: Pick<Library, "totals">;
  readonly metrics: JobMetrics;
  readonly slots: FairQueue;
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
