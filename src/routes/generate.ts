import { STATUS_CODE } from "@std/http/status";
import { join } from "@std/path";
import type { Config } from "../config.ts";
import { GENERATE_FORM } from "../contract/generate_form.ts";
import { REFERENCE_LIMITS } from "../contract/reference_limits.ts";
import {
  type GenerateRequest,
  parseGenerateRequest,
} from "../contract/request.ts";
import { toFailure } from "../failure.ts";
import { readJson } from "../http/body.ts";
import { isMultipart, readMultipart } from "../http/multipart.ts";
import {
  fingerprintOf,
  type IdempotencyKeys,
  readIdempotencyKey,
} from "../jobs/idempotency.ts";
import type { JobEntry, Jobs } from "../jobs/jobs.ts";
import type { Log } from "../log.ts";
import type { GenerateAnswer } from "./generate_answer.ts";
import { jobStream } from "./job_stream.ts";

/** How long a job with an `Idempotency-Key` waits for its caller to come back, in milliseconds. */
const KEY_LINGER_MS = 10_000;
/** When to ask for an accepted job again, in seconds. */
const POLL_SECONDS = 2;
/** The most fields of text in a form. */
const MAX_FIELDS = 64;

/** What the route works with. */
export interface GenerateParts {
  readonly config: Pick<Config, "dataDir">;
  readonly jobs: Jobs<GenerateAnswer>;
  readonly keys: IdempotencyKeys<GenerateAnswer>;
  readonly log: Log;
  /** The largest body, in bytes. */
  readonly maxBodyBytes: number;
}

/**
 * Makes `POST /v1/images/generate`.
 *
 * It answers when all candidates are done; with `Accept: text/event-stream` as they come, and with
 * `Prefer: respond-async` at once.
 */
export function generate(parts: GenerateParts) {
  const { config, jobs, keys, log, maxBodyBytes } = parts;
  return async (
    request: Request,
    { requestId }: { readonly requestId: string },
  ): Promise<Response> => {
    // Touched before anything is awaited, or a disconnect would go unnoticed.
    const gone = leaving(request.signal);
    const independent = prefersAsync(request.headers);
    const key = readIdempotencyKey(request.headers);
    // A job that is started moves its references away, and whatever else was uploaded goes in the end.
    await using uploaded = new AsyncDisposableStack();
    const wanted = await read(request, {
      requestId,
      uploaded,
      signal: gone.signal,
    });
    const caller = {
      signal: gone.signal,
      lingerMs: key === undefined ? 0 : KEY_LINGER_MS,
    };
    const start = () =>
      jobs.start(wanted, {
        requestId,
        caller: independent ? undefined : caller,
      });
    const entry =
      await (key === undefined
        ? start()
        : find(key, wanted, { start, caller }));
    if (independent) return accepted(entry);
    if (wantsEvents(request.headers)) {
      return jobStream(entry.job, { onClose: () => gone.abort() });
    }
    return Response.json(await entry.answer);
  };

  async function read(
    request: Request,
    { requestId, signal, uploaded }: {
      readonly requestId: string;
      readonly signal: AbortSignal;
      readonly uploaded: AsyncDisposableStack;
    },
  ): Promise<GenerateRequest> {
    const maxBytes = maxBodyBytes;
    try {
      if (!isMultipart(request)) {
        return parseGenerateRequest(await readJson(request, { maxBytes }));
      }
      const form = await readMultipart(request, {
        shape: GENERATE_FORM,
        maxBytes,
        maxFileBytes: REFERENCE_LIMITS.maxBytes,
        maxFiles: REFERENCE_LIMITS.maxImages,
        maxFields: MAX_FIELDS,
        directory: join(
          config.dataDir,
          "work",
          `upload-${crypto.randomUUID()}`,
        ),
        signal,
      });
      const { body, uploads } = GENERATE_FORM.read(uploaded.use(form));
      return parseGenerateRequest(body, uploads);
    } catch (error) {
      const { code } = toFailure(error);
      const gone = code === "request_canceled";
      const event = gone ? "generate.abort" : "generate.error";
      log(gone ? "info" : "warn", event, { request_id: requestId, code });
      throw error;
    }
  }

  async function find(
    key: string,
    wanted: GenerateRequest,
    { start, caller }: {
      readonly start: () => Promise<JobEntry<GenerateAnswer>>;
      readonly caller: Parameters<JobEntry<unknown>["attach"]>[0];
    },
  ): Promise<JobEntry<GenerateAnswer>> {
    const fingerprint = await fingerprintOf(wanted);
    const { entry, repeated } = await keys.use(key, fingerprint, start);
    if (repeated) entry.attach(caller);
    return entry;
  }
}

// Once an answer streams, its own end tells that the caller is gone, and not the request's signal.
function leaving(signal: AbortSignal): AbortController {
  const gone = new AbortController();
  if (signal.aborted) gone.abort(signal.reason);
  signal.addEventListener("abort", () => gone.abort(signal.reason), {
    once: true,
  });
  return gone;
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
