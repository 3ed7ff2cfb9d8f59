import type { ServerSentEventMessage } from "@std/http/server-sent-event-stream";
import { STATUS_CODE } from "@std/http/status";
import type { SchemaName } from "../api/json_schema.ts";
import { json, type Parameter } from "../api/openapi.ts";
import type { JobView, UnlinkedAnswer, UnlinkedImage } from "../api/schemas.ts";
import { ApiError } from "../errors.ts";
import { eventStream, type EventStreamOptions } from "../http/sse.ts";
import type { Job } from "../jobs/job.ts";
import type { FeedEventType, JobEntry, Jobs } from "../jobs/jobs.ts";
import { setSpanAttribute } from "../observability/tracing.ts";
import { type Link, linkAnswer, linkImage } from "./links.ts";
import { readLimit } from "./list_query.ts";
import type { ApiRoute, HandlerContext } from "./route.ts";

/** When to ask for a job under way again, in seconds. */
const POLL_SECONDS = 2;
/** Tells the events of this life of the server from those of another one. */
const LIFE = Date.now().toString(36);

/** The schemas of the events of a job. */
export const JOB_EVENTS = [
  "Candidate",
  "MadeImage",
  "GenerateAnswer",
  "JobFailure",
] as const satisfies readonly SchemaName[];

const JOB_ID: Parameter = {
  in: "path",
  name: "id",
  description: "The id of a job, `gen_…`",
};

type Needed = "jobs" | "links" | "streams";

/** The routes of jobs: list, look, watch one or all, cancel. */
export const JOB_ROUTES: readonly ApiRoute<Needed>[] = [
  {
    method: "GET",
    path: "/v1/jobs",
    handler: listJobs,
    operation: {
      id: "listJobs",
      tag: "Jobs",
      summary: "List jobs, the newest first",
      parameters: [
        { in: "query", name: "limit", description: "1 to 100, 20 if left out" },
      ],
      answers: { 200: json("JobList", "The jobs") },
    },
  },
  {
    method: "GET",
    path: "/v1/jobs/:id",
    handler: showJob,
    operation: {
      id: "showJob",
      tag: "Jobs",
      summary: "Look at a job",
      parameters: [JOB_ID],
      answers: { 200: json("Job", "The job") },
    },
  },
  {
    method: "DELETE",
    path: "/v1/jobs/:id",
    handler: cancelJob,
    operation: {
      id: "cancelJob",
      tag: "Jobs",
      summary: "Cancel a job",
      parameters: [JOB_ID],
      answers: { 200: json("Job", "The job as it stood") },
    },
  },
  {
    method: "GET",
    path: "/v1/jobs/:id/events",
    handler: watchJob,
    operation: {
      id: "watchJob",
      tag: "Jobs",
      summary: "Watch a job",
      parameters: [JOB_ID, {
        in: "header",
        name: "Last-Event-ID",
        description: "The last event that the reader has",
      }],
      answers: {
        200: {
          description:
            "The events `progress`, `image` and at the end `completed` or `error`, with this for their data",
          content: { "text/event-stream": JOB_EVENTS },
        },
      },
    },
  },
  {
    method: "GET",
    path: "/v1/events",
    handler: watchJobs,
    operation: {
      id: "watchJobs",
      tag: "Jobs",
      summary: "Watch all jobs",
      description:
        "One stream without an end. It begins with the jobs under way, or goes on after `Last-Event-ID` where that is known.",
      parameters: [{
        in: "header",
        name: "Last-Event-ID",
        description: "The last event that the reader has",
      }],
      answers: {
        200: {
          description:
            "The event `job` with a job when it begins and when it ends, and between them its own events, their data with its `job_id`",
          content: { "text/event-stream": ["Job", ...JOB_EVENTS] },
        },
      },
    },
  },
  {
    method: "DELETE",
    path: "/v1/jobs/:id/candidates/:index",
    handler: cancelCandidate,
    operation: {
      id: "cancelCandidate",
      tag: "Jobs",
      summary: "Cancel one candidate of a job",
      parameters: [JOB_ID, {
        in: "path",
        name: "index",
        description: "Which candidate, from 0",
      }],
      answers: { 200: json("Job", "The job as it stood") },
    },
  },
];

/** From where and for whom a job is streamed. */
export interface JobStreamOptions extends EventStreamOptions {
  /** The id of the last event that the reader has. */
  readonly after?: number;
  readonly link: Link;
}

/** Answers with the events of a job: progress, images as they land, and the answer or the error at the end. */
export function jobStream(job: Job, options: JobStreamOptions): Response {
  return eventStream(messages(job, options), options);
}

/** Shows a job to whoever asks. */
export function jobView(job: Job, link: Link): JobView {
  return linkView(job.view(), link);
}

function linkView(view: JobView, link: Link): JobView {
  return view.answer === null
    ? view
    : { ...view, answer: linkAnswer(view.answer as UnlinkedAnswer, link) };
}

/**
 * Finds a job.
 *
 * @throws {ApiError} `not_found`: it is not under way, and did not end not long ago.
 */
export function findJob(
  jobs: Jobs,
  id: string,
): JobEntry {
  const entry = jobs.get(id);
  if (entry !== undefined) {
    setSpanAttribute("codex.job", id);
    return entry;
  }
  throw new ApiError(
    "not_found",
    `Cannot find job ${
      JSON.stringify(id.slice(0, 80))
    }: expected the id of a job under way or of one that ended not long ago`,
  );
}

async function* messages(
  job: Job,
  { after = 0, link }: JobStreamOptions,
): AsyncGenerator<ServerSentEventMessage> {
  for await (const event of job.watch(after)) {
    const data = JSON.stringify(linkEvent(event, link));
    yield { id: event.id, event: event.type, data };
  }
}

// What the service has written of an image or of all of them: `describeImage` and `generateAnswer`.
function linkEvent(
  { data, type }: { readonly data: unknown; readonly type: FeedEventType },
  link: Link,
): unknown {
  if (type === "job") return linkView(data as JobView, link);
  if (type === "image") return linkImage(data as UnlinkedImage, link);
  if (type === "completed") return linkAnswer(data as UnlinkedAnswer, link);
  return data;
}

function listJobs(
  request: Request,
  { service: { jobs, links } }: HandlerContext<Needed>,
): Response {
  const link = links.for(request);
  const limit = readLimit(new URL(request.url).searchParams.get("limit"));
  const data = jobs.all.slice(0, limit).map((job) => jobView(job, link));
  return Response.json({ object: "list", data });
}

function showJob(
  request: Request,
  { params, service: { jobs, links } }: HandlerContext<Needed>,
): Response {
  return show(findJob(jobs, params.id), links.for(request));
}

function watchJob(
  request: Request,
  { params, service: { jobs, links, streams } }: HandlerContext<Needed>,
): Response {
  const { job } = findJob(jobs, params.id);
  const place = streams.take();
  return jobStream(job, {
    after: readLastEventId(request.headers),
    link: links.for(request),
    onClose: () => place.dispose(),
  });
}

function watchJobs(
  request: Request,
  { service: { jobs, links, streams } }: HandlerContext<Needed>,
): Response {
  const place = streams.take();
  const lastId = request.headers.get("last-event-id") ?? "";
  const link = links.for(request);
  return eventStream(messagesOfAll(jobs, { lastId, link }), {
    onClose: () => place.dispose(),
  });
}

// What was told in another life of the server, or is kept no more, cannot be gone on after.
async function* messagesOfAll(
  { all, feed }: Jobs,
  { lastId, link }: { readonly lastId: string; readonly link: Link },
): AsyncGenerator<ServerSentEventMessage> {
  const [, life, event] = /^(\w+)-(\d{1,15})$/.exec(lastId) ?? [];
  const goesOn = life === LIFE && feed.holdsAfter(Number(event));
  const after = goesOn ? Number(event) : feed.lastId;
  const open = goesOn ? [] : all.filter(({ finished }) => !finished);
  for (const job of open.reverse()) {
    const data = JSON.stringify(jobView(job, link));
    yield { id: `${LIFE}-${after}`, event: "job", data };
  }
  for await (const event of feed.read(after)) {
    const data = JSON.stringify(linkEvent(event, link));
    yield { id: `${LIFE}-${event.id}`, event: event.type, data };
  }
}

function cancelJob(
  request: Request,
  { params, service: { jobs, links } }: HandlerContext<Needed>,
): Response {
  const entry = findJob(jobs, params.id);
  entry.cancel();
  return show(entry, links.for(request));
}

function cancelCandidate(
  request: Request,
  { params, service: { jobs, links } }: HandlerContext<Needed>,
): Response {
  const entry = findJob(jobs, params.id);
  entry.cancel(readIndex(params.index, entry));
  return show(entry, links.for(request));
}

function show({ job }: JobEntry, link: Link): Response {
  const headers = job.finished
    ? undefined
    : { "retry-after": `${POLL_SECONDS}` };
  return Response.json(jobView(job, link), { status: STATUS_CODE.OK, headers });
}

function readIndex(text: string, { job }: JobEntry): number {
  const { count } = job.record.request;
  if (/^\d$/.test(text) && Number(text) < count) return Number(text);
  throw new ApiError(
    "not_found",
    `Cannot find candidate ${
      JSON.stringify(text.slice(0, 20))
    }: expected 0 to ${count - 1}`,
  );
}

// A reader that names an event we never sent starts anew.
function readLastEventId(headers: Headers): number {
  const text = headers.get("last-event-id") ?? "";
  return /^\d{1,9}$/.test(text) ? Number(text) : 0;
}
