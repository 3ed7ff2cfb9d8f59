import { STATUS_CODE } from "@std/http/status";
import { MODEL } from "../api/fields.ts";
import { GENERATE_FORM } from "../api/form.ts";
import { parseGenerateRequest } from "../api/generate_request.ts";
import { json, type Parameter } from "../api/openapi.ts";
import type { UnlinkedAnswer, UnlinkedImage } from "../api/schemas.ts";
import type {
  FinishedCandidate,
  Generation,
  Usage,
} from "../generation/generation.ts";
import type { JobEntry } from "../jobs/jobs.ts";
import type { SubscriberOptions } from "../jobs/subscribers.ts";
import { readIdempotencyKey } from "../jobs/replay.ts";
import { setSpanAttribute } from "../observability/tracing.ts";
import { linkAbortController } from "../util.ts";
import { JOB_EVENTS, jobStream, jobView } from "./jobs.ts";
import { type Link, linkAnswer, type Links } from "./links.ts";
import { readRequest } from "./read_request.ts";
import type { ApiRoute, HandlerContext } from "./route.ts";

/** When to ask for an accepted job again, in seconds. */
const POLL_SECONDS = 2;

/** The header of requests that may be repeated without being paid for again. */
export const IDEMPOTENCY_KEY: Parameter = {
  in: "header",
  name: "Idempotency-Key",
  description:
    "A repeat under the same key gets the job that was started under it",
};

/** What a route needs of the service that makes images. */
export type GenerationNeeds =
  | "budget"
  | "config"
  | "jobs"
  | "links"
  | "log"
  | "replay"
  | "streams";

/** The route that makes images. */
export const GENERATE_ROUTES: readonly ApiRoute<GenerationNeeds>[] = [
  {
    method: "POST",
    path: "/v1/images/generate",
    handler: generate,
    operation: {
      id: "generate",
      tag: "Images",
      summary: "Make images",
      description:
        "Answers when all candidates are done; with `Accept: text/event-stream` as they come, and with `Prefer: respond-async` at once. When the caller leaves, all work ends.",
      parameters: [IDEMPOTENCY_KEY, {
        in: "header",
        name: "Prefer",
        description: "Whether to answer at once with the job",
        values: ["respond-async"],
      }],
      body: {
        "application/json": "GenerateRequest",
        "multipart/form-data": "GenerateForm",
      },
      answers: {
        200: {
          description:
            "The images, some of which may have failed; or the events `progress`, `image` and at the end `completed` or `error`, with this for their data",
          content: {
            "application/json": ["GenerateAnswer"],
            "text/event-stream": JOB_EVENTS,
          },
        },
        202: json("Job", "The job, which goes on by itself"),
      },
    },
  },
];

/** Writes the answer of `POST /v1/images/generate`, as the contract has it, but for its URLs. */
export function generateAnswer(
  generation: Generation,
  links: Links,
): UnlinkedAnswer {
  const { failed, finished, references, request, usage } = generation;
  const data = finished.map((candidate) => describeImage(candidate, links));
  const [first] = data;
  return {
    id: generation.id,
    status: failed.length === 0 ? "completed" : "partial",
    backend: "codex-exec",
    model: MODEL,
    requested_size: request.requestedSize,
    resolved_size: first.resolved_size,
    quality: request.quality,
    mime_type: first.mime_type,
    path: first.path,
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
          ? "original"
          : "seen",
    })),
    smallest_distance: generation.smallestDistance ?? null,
    usage: describeUsage(usage),
  };
}

/** Writes one image of the answer, but for its URL. */
export function describeImage(
  { image, index, usage, warnings }: FinishedCandidate,
  links: Links,
): UnlinkedImage {
  const { sidecar } = image;
  return {
    index,
    id: sidecar.id,
    label: sidecar.label,
    mime_type: sidecar.mime_type,
    model: sidecar.model,
    path: links.path(image),
    resolved_size: sidecar.resolved_size,
    revised_prompt: sidecar.revised_prompt,
    native_size: sidecar.native_size,
    resize: sidecar.resize,
    sha256: sidecar.sha256,
    bytes: sidecar.bytes,
    transparent: sidecar.transparent,
    variation: sidecar.variation,
    duration_ms: sidecar.duration_ms,
    request: sidecar.request ?? null,
    warnings,
    usage: describeUsage(usage),
  };
}

function describeUsage({ inputTokens, outputTokens }: Readonly<Usage>) {
  return { input_tokens: inputTokens, output_tokens: outputTokens };
}

async function generate(
  request: Request,
  { requestId, service }: HandlerContext<GenerationNeeds>,
): Promise<Response> {
  const { jobs, links, replay, streams } = service;
  const gone = linkAbortController(request.signal);
  const { signal } = gone;
  const independent = prefersAsync(request.headers);
  const link = links.for(request);
  const key = readIdempotencyKey(request.headers);
  // Before anything is started: what is drawn for a stream that cannot be opened is lost.
  const streamed = !independent && wantsEvents(request.headers);
  using place = streamed ? streams.take() : undefined;
  // A job that is started moves its references away, and whatever else was uploaded goes in the end.
  await using uploaded = new AsyncDisposableStack();
  const wanted = await readRequest(request, service, {
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
  setSpanAttribute("codex.job", entry.job.record.id);
  if (independent) return accepted(entry, link);
  if (place !== undefined) {
    const held = place.move();
    return jobStream(entry.job, {
      link,
      onClose: () => held.dispose(),
      onCut: () => gone.abort(),
    });
  }
  return Response.json(linkAnswer(await entry.answer, link));
}

function accepted({ job }: JobEntry, link: Link): Response {
  const view = jobView(job, link);
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
