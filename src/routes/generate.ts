import { STATUS_CODE } from "@std/http/status";
import { join } from "@std/path";
import { MODEL } from "../api/fields.ts";
import { type Form, GENERATE_FORM } from "../api/form.ts";
import {
  type FileReference,
  parseGenerateRequest,
  REFERENCE_LIMITS,
} from "../api/generate_request.ts";
import type { Config } from "../config.ts";
import { toApiError } from "../errors.ts";
import type {
  FinishedCandidate,
  Generation,
  Usage,
} from "../generation/generation.ts";
import { readJson } from "../http/body.ts";
import { isMultipart, readMultipart } from "../http/multipart.ts";
import type { SseLimiter } from "../http/sse.ts";
import type { JobEntry, Jobs, SubscriberOptions } from "../jobs/jobs.ts";
import { readIdempotencyKey, type Replay } from "../jobs/replay.ts";
import type { Log } from "../log.ts";
import { tellJob } from "../telemetry/request_span.ts";
import { linkAbortController } from "../util.ts";
import { jobStream } from "./jobs.ts";
import type { Addresses } from "./links.ts";

/** The most fields of text in a form. */
const MAX_FIELDS = 64;

/** What requests are read with. */
export interface ReadParts {
  readonly config: Pick<
    Config,
    "dataDir" | "maxBodyBytes" | "minUploadBytesPerS" | "uploadGraceMs"
  >;
  readonly log: Log;
}

/** How {@linkcode readRequest} reads. */
export interface ReadRequestOptions<Wanted> {
  /** The form that may come instead of JSON; none may when undefined. */
  readonly form: Form | undefined;
  /** Makes sense of the body, and of the files of a form. */
  readonly parse: (
    body: unknown,
    uploads?: readonly FileReference[],
  ) => Wanted;
  /** The request's id in the log. */
  readonly requestId: string;
  /** Ends the reading. */
  readonly signal: AbortSignal;
  /** Removes in the end what was uploaded and not moved elsewhere. */
  readonly uploaded: AsyncDisposableStack;
}

/**
 * Reads a request for images from JSON or from a form; one that cannot be used is logged.
 *
 * @throws {ApiError} It cannot be read, or says something it may not.
 */
export async function readRequest<Wanted>(
  request: Request,
  { config, log }: ReadParts,
  options: ReadRequestOptions<Wanted>,
): Promise<Wanted> {
  const { form, parse, requestId, signal, uploaded } = options;
  const maxBytes = config.maxBodyBytes;
  const pace = {
    bytesPerS: config.minUploadBytesPerS,
    graceMs: config.uploadGraceMs,
  };
  try {
    if (form === undefined || !isMultipart(request)) {
      return parse(await readJson(request, { maxBytes, pace }));
    }
    const sent = await readMultipart(request, {
      shape: form,
      maxBytes,
      pace,
      maxFileBytes: REFERENCE_LIMITS.maxBytes,
      maxFiles: REFERENCE_LIMITS.maxImages,
      maxFields: MAX_FIELDS,
      directory: join(config.dataDir, "work", `upload-${crypto.randomUUID()}`),
      signal,
    });
    const { body, uploads } = form.read(uploaded.use(sent));
    return parse(body, uploads);
  } catch (error) {
    const { code } = toApiError(error);
    const gone = code === "request_canceled";
    const event = gone ? "generate.abort" : "generate.error";
    log(gone ? "info" : "warn", event, { request_id: requestId, code });
    throw error;
  }
}

/** The answer of `POST /v1/images/generate`. */
export type GenerateAnswer = ReturnType<typeof generateAnswer>;

/** Writes the answer of `POST /v1/images/generate`, as the contract has it. */
export function generateAnswer(generation: Generation, addresses: Addresses) {
  const { failed, finished, references, request, usage } = generation;
  const data = finished.map((candidate) => describeImage(candidate, addresses));
  const [first] = data;
  return {
    id: generation.id,
    status: failed.length === 0 ? "completed" as const : "partial" as const,
    backend: "codex-exec" as const,
    model: MODEL,
    requested_size: request.requestedSize,
    resolved_size: first.resolved_size,
    quality: request.quality,
    mime_type: first.mime_type,
    path: first.path,
    url: first.url,
    revised_prompt: first.revised_prompt,
    data,
    errors: failed.map(({ index, failure }) => ({
      index,
      code: failure.code,
      message: failure.message,
    })),
    warnings: finished.flatMap(({ index, warnings }) =>
      warnings.map((message) => ({ index, message }))
    ),
    references: references.map(({ path: _, ...reference }, index) => ({
      ...reference,
      delivered:
        finished.every(({ receipts }) => receipts[index] === "original")
          ? "original" as const
          : "seen" as const,
    })),
    smallest_distance: generation.smallestDistance ?? null,
    usage: describeUsage(usage),
  };
}

/** Writes one image of the answer. */
export function describeImage(
  { image, index, usage, warnings }: FinishedCandidate,
  addresses: Addresses,
) {
  const { sidecar } = image;
  return {
    index,
    id: sidecar.id,
    label: sidecar.label,
    mime_type: sidecar.mime_type,
    model: sidecar.model,
    path: addresses.path(image),
    url: addresses.url(image),
    resolved_size: sidecar.resolved_size,
    revised_prompt: sidecar.revised_prompt,
    native_size: sidecar.native_size,
    resize: sidecar.resize,
    sha256: sidecar.sha256,
    bytes: sidecar.bytes,
    transparent: sidecar.transparent,
    variation: sidecar.variation,
    duration_ms: sidecar.duration_ms,
    warnings,
    usage: describeUsage(usage),
  };
}

function describeUsage({ inputTokens, outputTokens }: Readonly<Usage>) {
  return { input_tokens: inputTokens, output_tokens: outputTokens };
}

/** When to ask for an accepted job again, in seconds. */
const POLL_SECONDS = 2;

/** What the route works with. */
export interface GenerateParts extends ReadParts {
  readonly jobs: Jobs<GenerateAnswer>;
  readonly replay: Replay<GenerateAnswer>;
  readonly streams: SseLimiter;
}

/**
 * Makes `POST /v1/images/generate`.
 *
 * It answers when all candidates are done; with `Accept: text/event-stream` as they come, and with
 * `Prefer: respond-async` at once.
 */
export function generate(parts: GenerateParts) {
  const { jobs, replay, streams } = parts;
  return async (
    request: Request,
    { requestId }: { readonly requestId: string },
  ): Promise<Response> => {
    const gone = linkAbortController(request.signal);
    const { signal } = gone;
    const independent = prefersAsync(request.headers);
    const key = readIdempotencyKey(request.headers);
    // Before anything is started: what is drawn for a stream that cannot be opened is lost.
    const streamed = !independent && wantsEvents(request.headers);
    using place = streamed ? streams.take() : undefined;
    // A job that is started moves its references away, and whatever else was uploaded goes in the end.
    await using uploaded = new AsyncDisposableStack();
    const wanted = await readRequest(request, parts, {
      form: GENERATE_FORM,
      parse: parseGenerateRequest,
      requestId,
      signal,
      uploaded,
    });
    const start = (caller: SubscriberOptions) =>
      jobs.start(wanted, {
        requestId,
        caller: independent ? undefined : caller,
      });
    const entry = await replay.start({ key, wanted, signal, start });
    tellJob(entry.job.record.id);
    if (independent) return accepted(entry);
    if (place !== undefined) {
      const held = place.move();
      return jobStream(entry.job, {
        onClose: () => held.dispose(),
        onCut: () => gone.abort(),
      });
    }
    return Response.json(await entry.answer);
  };
}

function accepted({ job }: JobEntry<unknown>): Response {
  const view = job.view();
  return Response.json(view, {
    status: STATUS_CODE.Accepted,
    headers: {
      "location": `/v1/jobs/${view.id}`,
      "retry-after": `${POLL_SECONDS}`,
      "preference-applied": "respond-async",
    },
  });
}

function prefersAsync(headers: Headers): boolean {
  return /(?:^|,)\s*respond-async\s*(?:[,;]|$)/i.test(
    headers.get("prefer") ?? "",
  );
}

function wantsEvents(headers: Headers): boolean {
  return /\btext\/event-stream\b/i.test(headers.get("accept") ?? "");
}
