import type { ServerSentEventMessage } from "@std/http/server-sent-event-stream";
import { describeFailure } from "../http/error.ts";
import { eventStream, type EventStreamOptions } from "../http/events.ts";
import type { ImageStore, StoredImage } from "../images/store.ts";
import type { JobEntry } from "../jobs/job_entry.ts";
import { writeAnswer } from "../openai/answer.ts";
import { openAiEvents, type Operation } from "../openai/events.ts";
import type { OpenAiRequest } from "../openai/request.ts";
import type { GenerateAnswer } from "./generate_answer.ts";
import { imageNotFound } from "./image_not_found.ts";

/** How a job is answered. */
export interface OpenAiAnswerOptions extends OpenAiRequest {
  readonly operation: Operation;
  readonly store: ImageStore;
  /** What follows the end of a stream. */
  readonly ends: EventStreamOptions;
}

/** Answers with the images of a job as OpenAI's clients read them: all of them together, or each as it lands. */
export async function openAiAnswer(
  entry: JobEntry<GenerateAnswer>,
  options: OpenAiAnswerOptions,
): Promise<Response> {
  const { ends, ignored, store, stream, wanted } = options;
  const about = {
    ...options,
    created: Math.floor(entry.job.record.createdAt / 1000),
    open: (id: string) => openImage(store, id),
    quality: wanted.quality,
    describeFailure,
  };
  const response = stream
    ? eventStream(toMessages(openAiEvents(entry, about)), ends)
    : await answerWhole(await entry.answer, about);
  if (ignored.length > 0) {
    response.headers.set("x-codex-image-ignored", ignored.join(","));
  }
  return response;
}

async function answerWhole(
  answer: GenerateAnswer,
  about: Parameters<typeof writeAnswer>[1] & { readonly store: ImageStore },
): Promise<Response> {
  // Of what a retry finds, some may have been removed; once the headers have left, it is too late to say so.
  for (const { id } of answer.data) await requireImage(about.store, id);
  const text = ReadableStream.from(writeAnswer(answer, about));
  return new Response(text.pipeThrough(new TextEncoderStream()), {
    headers: { "content-type": "application/json" },
  });
}

async function openImage(
  store: ImageStore,
  id: string,
): Promise<ReadableStream<Uint8Array<ArrayBuffer>>> {
  const image = await requireImage(store, id);
  const opened = await store.openFile(image, "delivered");
  if (opened === undefined) throw imageNotFound(id);
  return opened.file.readable;
}

async function requireImage(
  store: ImageStore,
  id: string,
): Promise<StoredImage> {
  const image = await store.find(id);
  if (image === undefined) throw imageNotFound(id);
  return image;
}

async function* toMessages(
  events: ReturnType<typeof openAiEvents>,
): AsyncGenerator<ServerSentEventMessage> {
  for await (const event of events) {
    yield { event: event.type, data: JSON.stringify(event) };
  }
}
