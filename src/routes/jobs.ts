import type { ServerSentEventMessage } from "@std/http/server-sent-event-stream";
import { STATUS_CODE } from "@std/http/status";
import { ApiError } from "../errors.ts";
import type { RouteContext } from "../http/router.ts";
import {
  eventStream,
  type EventStreamOptions,
  type SseLimiter,
} from "../http/sse.ts";
import type { Job } from "../jobs/job.ts";
import type { JobAnswer, JobEntry, Jobs } from "../jobs/jobs.ts";
import { tellJob } from "../telemetry/request_span.ts";

/** From where and for whom a job is streamed. */
export interface JobStreamOptions extends EventStreamOptions {
  /** The id of the last event that the reader has. */
  readonly after?: number;
}

/** Answers with the events of a job: progress, images as they land, and the answer or the error at the end. */
export function jobStream(job: Job, options: JobStreamOptions = {}): Response {
  const { after = 0, ...ends } = options;
  return eventStream(messages(job, after), ends);
}

async function* messages(
  job: Job,
  after: number,
): AsyncGenerator<ServerSentEventMessage> {
  for await (const { id, type, data } of job.watch(after)) {
    yield { id, event: type, data: JSON.stringify(data) };
  }
}

/** When to ask for a job under way again, in seconds. */
const POLL_SECONDS = 2;
const DEFAULT_LIMIT = 20;
const MAX_LIMIT = 100;

type Handler = (
  request: Request,
  context: RouteContext<object>,
) => Response;

/** What the routes work with. */
export interface JobRoutesParts<Answer extends JobAnswer> {
  readonly jobs: Jobs<Answer>;
  readonly streams: SseLimiter;
}

/** Makes the routes of jobs: list, look, watch, cancel. */
export function jobRoutes<Answer extends JobAnswer>(
  { jobs, streams }: JobRoutesParts<Answer>,
): {
  readonly [Name in "list" | "show" | "events" | "cancel" | "cancelCandidate"]:
    Handler;
} {
  return {
    list: (request) => {
      const limit = readLimit(request);
      const data = jobs.all.slice(0, limit).map((job) => job.view());
      return Response.json({ object: "list", data });
    },
    show: (_request, { params }) => show(find(jobs, params.id)),
    events: (request, { params }) => {
      const { job } = find(jobs, params.id);
      const place = streams.take();
      return jobStream(job, {
        after: readLastEventId(request.headers),
        onClose: () => place.dispose(),
      });
    },
    cancel: (_request, { params }) => {
      const entry = find(jobs, params.id);
      entry.cancel();
      return show(entry);
    },
    cancelCandidate: (_request, { params }) => {
      const entry = find(jobs, params.id);
      entry.cancel(readIndex(params.index, entry));
      return show(entry);
    },
  };
}

function find<Answer extends JobAnswer>(
  jobs: Jobs<Answer>,
  id: string,
): JobEntry<Answer> {
  const entry = jobs.get(id);
  if (entry !== undefined) {
    tellJob(id);
    return entry;
  }
  throw new ApiError(
    "not_found",
    `Cannot find job ${
      JSON.stringify(id.slice(0, 80))
    }: expected the id of a job under way or of one that ended not long ago`,
  );
}

function show({ job }: JobEntry<unknown>): Response {
  const headers = job.finished
    ? undefined
    : { "retry-after": `${POLL_SECONDS}` };
  return Response.json(job.view(), { status: STATUS_CODE.OK, headers });
}

function readIndex(text: string, { job }: JobEntry<unknown>): number {
  const { count } = job.record.request;
  if (/^\d$/.test(text) && Number(text) < count) return Number(text);
  throw new ApiError(
    "not_found",
    `Cannot find candidate ${
      JSON.stringify(text.slice(0, 20))
    }: expected 0 to ${count - 1}`,
  );
}

function readLimit(request: Request): number {
  const text = new URL(request.url).searchParams.get("limit");
  if (text === null) return DEFAULT_LIMIT;
  const limit = /^\d{1,3}$/.test(text) ? Number(text) : 0;
  if (limit >= 1 && limit <= MAX_LIMIT) return limit;
  throw new ApiError(
    "unknown_parameter",
    `Cannot use limit ${
      JSON.stringify(text.slice(0, 20))
    }: expected a whole number from 1 to ${MAX_LIMIT}`,
    { param: "limit" },
  );
}

// A reader that names an event we never sent starts anew.
function readLastEventId(headers: Headers): number {
  const text = headers.get("last-event-id") ?? "";
  return /^\d{1,9}$/.test(text) ? Number(text) : 0;
}
