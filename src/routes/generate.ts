import { STATUS_CODE } from "@std/http/status";
import { GENERATE_FORM } from "../contract/generate_form.ts";
import { parseGenerateRequest } from "../contract/request.ts";
import { leaving } from "../http/leaving.ts";
import type { StreamPlaces } from "../http/stream_places.ts";
import type { CallerOptions } from "../jobs/callers.ts";
import {
  type IdempotencyKeys,
  readIdempotencyKey,
} from "../jobs/idempotency.ts";
import type { JobEntry } from "../jobs/job_entry.ts";
import type { Jobs } from "../jobs/jobs.ts";
import { startUnderKey } from "../jobs/start_under_key.ts";
import { tellJob } from "../telemetry/request_span.ts";
import type { GenerateAnswer } from "./generate_answer.ts";
import { jobStream } from "./job_stream.ts";
import { type ReadParts, readRequest } from "./read_request.ts";

/** When to ask for an accepted job again, in seconds. */
const POLL_SECONDS = 2;

/** What the route works with. */
export interface GenerateParts extends ReadParts {
  readonly jobs: Jobs<GenerateAnswer>;
  readonly keys: IdempotencyKeys<GenerateAnswer>;
  readonly streams: StreamPlaces;
}

/**
 * Makes `POST /v1/images/generate`.
 *
 * It answers when all candidates are done; with `Accept: text/event-stream` as they come, and with
 * `Prefer: respond-async` at once.
 */
export function generate(parts: GenerateParts) {
  const { jobs, keys, streams } = parts;
  return async (
    request: Request,
    { requestId }: { readonly requestId: string },
  ): Promise<Response> => {
    const gone = leaving(request.signal);
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
    const start = (caller: CallerOptions) =>
      jobs.start(wanted, {
        requestId,
        caller: independent ? undefined : caller,
      });
    const entry =
      await (key === undefined
        ? start({ signal })
        : startUnderKey(keys, { key, wanted, signal, start }));
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
