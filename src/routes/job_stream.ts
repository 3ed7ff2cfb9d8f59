import type { ServerSentEventMessage } from "@std/http/server-sent-event-stream";
import { eventStream, type EventStreamOptions } from "../http/events.ts";
import type { Job } from "../jobs/job.ts";

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
