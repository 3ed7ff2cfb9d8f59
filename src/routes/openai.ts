import type { ServerSentEventMessage } from "@std/http/server-sent-event-stream";
import type { Form } from "../api/form.ts";
import type { ReferenceSource } from "../api/references.ts";
import { type Answer, json } from "../api/openapi.ts";
import type { UnlinkedAnswer, UnlinkedImage } from "../api/schemas.ts";
import { describeError } from "../http/error_response.ts";
import { eventStream, type EventStreamOptions } from "../http/sse.ts";
import type { ImageStore, StoredImage } from "../images/store.ts";
import type { JobEntry } from "../jobs/jobs.ts";
import type { SubscriberOptions } from "../jobs/subscribers.ts";
import { readIdempotencyKey } from "../jobs/replay.ts";
import { listModels, showModel } from "../openai/models.ts";
import {
  EDITS_FORM,
  type OpenAiRequest,
  parseEdits,
  parseGenerations,
} from "../openai/request.ts";
import {
  openAiEvents,
  type Operation,
  writeAnswer,
} from "../openai/response.ts";
import { setSpanAttribute } from "../observability/tracing.ts";
import { linkAbortController } from "../util.ts";
import { type GenerationNeeds, IDEMPOTENCY_KEY } from "./generate.ts";
import { imageNotFound } from "./images.ts";
import type { Link } from "./links.ts";
import { readRequest } from "./read_request.ts";
import type { ApiRoute, HandlerContext } from "./route.ts";

type Needed = GenerationNeeds | "store";

const OPENAI_PATH =
  /^\/+(?:openai\/+(?:deployments\/+[^/]+\/+)?)?(?:v1\/+)*(images(?=\/+(?:generations|edits)\/*$)|models)(?:\/+(.+?))?\/*$/;

/** How a kind of request is read and answered. */
interface Kind {
  readonly operation: Operation;
  /** The form that may come instead of JSON. */
  readonly form: Form | undefined;
  readonly parse: (
    body: unknown,
    uploads?: readonly ReferenceSource[],
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
 * The routes that OpenAI's clients know.
 *
 * They start the jobs of the own route, and only read and write in other words.
 */
export const OPENAI_ROUTES: readonly ApiRoute<Needed>[] = [
  {
    method: "POST",
    path: "/v1/images/generations",
    handler: (request, context) => answerImages(request, context, GENERATIONS),
    operation: {
      id: "createImage",
      tag: "OpenAI",
      summary: "Make images as OpenAI's clients ask for them",
      description:
        "`x-codex-image-ignored` names the fields that had no effect. The path works without `/v1` too, and below `/openai/deployments/NAME`.",
      parameters: [IDEMPOTENCY_KEY],
      body: { "application/json": "GenerationsRequest" },
      answers: { 200: describeAnswer("image_generation") },
    },
  },
  {
    method: "POST",
    path: "/v1/images/edits",
    handler: (request, context) => answerImages(request, context, EDITS),
    operation: {
      id: "editImage",
      tag: "OpenAI",
      summary: "Make images of images as OpenAI's clients ask for them",
      description:
        "In a form, `image` may be repeated or called `image[]`. The path works without `/v1` too, and below `/openai/deployments/NAME`.",
      parameters: [IDEMPOTENCY_KEY],
      body: {
        "multipart/form-data": "EditsForm",
        "application/json": "EditsRequest",
      },
      answers: { 200: describeAnswer("image_edit") },
    },
  },
  {
    method: "GET",
    path: "/v1/models",
    handler: () => Response.json(listModels()),
    operation: {
      id: "listModels",
      tag: "OpenAI",
      summary: "List the model under its names",
      answers: { 200: json("ModelList", "The models") },
    },
  },
  {
    method: "GET",
    path: "/v1/models/:id(.+)",
    handler: (_request, { params }) => Response.json(showModel(params.id)),
    operation: {
      id: "showModel",
      tag: "OpenAI",
      summary: "Look at the model",
      parameters: [{
        in: "path",
        name: "id",
        description: "The name of the model",
      }],
      answers: { 200: json("Model", "The model") },
    },
  },
];

/**
 * Tells the path that a client of OpenAI means: base URLs come with and without `/v1`, with it twice, with slashes at
 * their ends, and with the deployments of Azure. Other paths stay as they are.
 */
export function openAiPath(pathname: string): string {
  const [, collection, rest] = OPENAI_PATH.exec(pathname) ?? [];
  if (collection === undefined) return pathname;
  return `/v1/${collection}${rest === undefined ? "" : `/${rest}`}`;
}

function describeAnswer(operation: Operation): Answer {
  return {
    description:
      `The images; with \`stream\` the events \`${operation}.completed\` for each image as it is finished, and \`error\` at the end`,
    content: {
      "application/json": ["OpenAiAnswer"],
      "text/event-stream": ["CompletedEvent", "ErrorEvent"],
    },
  };
}

/** How a job is answered. */
export interface OpenAiAnswerOptions extends OpenAiRequest {
  readonly link: Link;
  readonly operation: Operation;
  readonly store: ImageStore;
  /** What follows the end of a stream. */
  readonly ends: EventStreamOptions;
}

/** Answers with the images of a job as OpenAI's clients read them: all of them together, or each as it lands. */
export async function openAiAnswer(
  entry: JobEntry,
  options: OpenAiAnswerOptions,
): Promise<Response> {
  const { ends, ignored, link, store, stream, wanted } = options;
  const about = {
    ...options,
    created: Math.floor(entry.job.record.createdAt / 1000),
    link: ({ id, mime_type }: UnlinkedImage) =>
      link(id, { mimeType: mime_type }),
    open: (id: string) => openImage(store, id),
    quality: wanted.quality,
    describeError,
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
  answer: UnlinkedAnswer,
  about: Parameters<typeof writeAnswer>[1] & { readonly store: ImageStore },
): Promise<Response> {
  // Of what a retry finds, some may have been removed; once the headers have left, it is too late to say so.
  for (const { id } of answer.data) await requireImage(about.store, id);
  const { length, pieces } = writeAnswer(answer, about);
  const text = ReadableStream.from(pieces);
  return new Response(text.pipeThrough(new TextEncoderStream()), {
    headers: {
      "content-type": "application/json",
      "content-length": `${length}`,
    },
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

async function answerImages(
  request: Request,
  { requestId, service }: HandlerContext<Needed>,
  { form, operation, parse }: Kind,
): Promise<Response> {
  const { jobs, links, replay, store, streams } = service;
  const { headers } = request;
  const link = links.for(request);
  const gone = linkAbortController(request.signal);
  const { signal } = gone;
  const key = readIdempotencyKey(headers);
  // A job that is started moves its files away, and whatever else was uploaded goes in the end.
  await using uploaded = new AsyncDisposableStack();
  const options = { form, parse, requestId, signal, uploaded };
  const asked = await readRequest(request, service, options);
  const { stream, wanted } = asked;
  // Before anything is started: what is drawn for a stream that cannot be opened is lost.
  using place = stream ? streams.take() : undefined;
  const start = (caller: SubscriberOptions) =>
    jobs.start(wanted, { requestId, caller });
  const retry = readRetry(headers);
  const entry = await replay.start({ key, retry, wanted, signal, start });
  setSpanAttribute("codex.job", entry.job.record.id);
  const held = place?.move();
  const ends = {
    onClose: () => held?.dispose(),
    // Who has read everything is not one whose images were lost.
    onCut: () => gone.abort(),
  };
  return await openAiAnswer(entry, {
    ...asked,
    ends,
    link,
    operation,
    store,
  });
}

/** Reads how often a client says that it has sent the request before; nothing where it is none that counts. */
function readRetry(headers: Headers): number | undefined {
  const text = headers.get("x-stainless-retry-count") ?? "";
  return /^\d{1,3}$/.test(text) ? Number(text) : undefined;
}
