import type { Form } from "../contract/form.ts";
import type { FileReference } from "../contract/reference_schema.ts";
import { leaving } from "../http/leaving.ts";
import type { StreamPlaces } from "../http/stream_places.ts";
import type { ImageStore } from "../images/store.ts";
import type { CallerOptions } from "../jobs/callers.ts";
import {
  type IdempotencyKeys,
  readIdempotencyKey,
} from "../jobs/idempotency.ts";
import type { Jobs } from "../jobs/jobs.ts";
import { startUnderKey } from "../jobs/start_under_key.ts";
import { tellJob } from "../telemetry/request_span.ts";
import { EDITS_FORM } from "../openai/edits_form.ts";
import type { Operation } from "../openai/events.ts";
import {
  type OpenAiRequest,
  parseEdits,
  parseGenerations,
} from "../openai/request.ts";
import { Retries } from "../openai/retries.ts";
import type { GenerateAnswer } from "./generate_answer.ts";
import { openAiAnswer } from "./openai_answer.ts";
import { type ReadParts, readRequest } from "./read_request.ts";

/** What the routes work with. */
export interface OpenAiParts extends ReadParts {
  readonly jobs: Jobs<GenerateAnswer>;
  readonly keys: IdempotencyKeys<GenerateAnswer>;
  readonly store: ImageStore;
  readonly streams: StreamPlaces;
}

type Handler = (
  request: Request,
  context: { readonly requestId: string },
) => Promise<Response>;

/** How a kind of request is read and answered. */
interface Kind {
  readonly operation: Operation;
  /** The form that may come instead of JSON. */
  readonly form: Form | undefined;
  readonly parse: (
    body: unknown,
    uploads?: readonly FileReference[],
  ) => OpenAiRequest;
}

const GENERATIONS: Kind = {
  operation: "image_generation",
  form: undefined,
  parse: parseGenerations,
};

const EDITS: Kind = {
  operation: "image_edit",
  form: EDITS_FORM,
  parse: parseEdits,
};

/**
 * Makes `POST /v1/images/generations` and `POST /v1/images/edits` as OpenAI's clients know them.
 *
 * They start the jobs of the own route, and only read and write in other words.
 */
export function openAiRoutes(
  parts: OpenAiParts,
): { readonly generations: Handler; readonly edits: Handler } {
  const { jobs, keys, store, streams } = parts;
  const retries = new Retries<GenerateAnswer>();
  return { generations: handler(GENERATIONS), edits: handler(EDITS) };

  function handler({ form, operation, parse }: Kind): Handler {
    return async (request, { requestId }) => {
      const { headers } = request;
      const gone = leaving(request.signal);
      const { signal } = gone;
      const key = readIdempotencyKey(headers);
      // A job that is started moves its files away, and whatever else was uploaded goes in the end.
      await using uploaded = new AsyncDisposableStack();
      const options = { form, parse, requestId, signal, uploaded };
      const asked = await readRequest(request, parts, options);
      const { stream, wanted } = asked;
      // Before anything is started: what is drawn for a stream that cannot be opened is lost.
      using place = stream ? streams.take() : undefined;
      const start = (caller: CallerOptions) =>
        jobs.start(wanted, { requestId, caller });
      const entry = key === undefined
        ? await retries.start({
          wanted,
          retry: readRetry(headers),
          signal,
          start,
        })
        : await startUnderKey(keys, { key, wanted, signal, start });
      tellJob(entry.job.record.id);
      const held = place?.move();
      const ends = {
        onClose: () => held?.dispose(),
        // Who has read everything is not one whose images were lost.
        onCut: () => gone.abort(),
      };
      return await openAiAnswer(entry, { ...asked, operation, store, ends });
    };
  }
}

/** Reads how often a client says that it has sent the request before; nothing where it is none that counts. */
function readRetry(headers: Headers): number | undefined {
  const text = headers.get("x-stainless-retry-count") ?? "";
  return /^\d{1,3}$/.test(text) ? Number(text) : undefined;
}
