import type { ServerSentEventMessage } from "@std/http/server-sent-event-stream";
import { eventStream } from "../http/events.ts";
import type { Job } from "../jobs/job.ts";

/** From where and for whom a job is streamed. */
export interface JobStreamOptions {
  /** The id of the last event that the reader has. */
  readonly after?: number;
  /** Called when the reader is gone or the job is over. */
  readonly onClose?: () => void;
}

/** Answers with the events of a job: progress, images as they land, and the answer or the error at the end. */
export function jobStream(job: Job, options: JobStreamOptions = {}): Response {
  const { after = 0, onClose } = options;
  return eventStream(messages(job, after), { onClose });
}

async function* messages(
  job: Job,
  after: number,
): AsyncGenerator<ServerSentEventMessage> {
  for await (const { id, type, data } of job.watch(after)) {
    yield { id, event: type, data: JSON.stringify(data) };
  }
}
