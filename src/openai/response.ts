import * as z from "zod";
import {
  BACKGROUNDS,
  OUTPUT_FORMATS,
  type OutputFormat,
  QUALITIES,
  type Quality,
} from "../api/fields.ts";
import type { UnlinkedAnswer, UnlinkedImage } from "../api/schemas.ts";
import { ApiError, type ErrorCode, toApiError } from "../errors.ts";
import type { JobEntry } from "../jobs/jobs.ts";
import type { ResponseFormat } from "./fields.ts";

const tokens = z.int().nonnegative();

/** The schema of tokens, as OpenAI's clients read them; they are those of the chat model that leads the image tool. */
export const openAiUsageSchema = z.object({
  input_tokens: tokens,
  output_tokens: tokens,
  total_tokens: tokens,
  input_tokens_details: z.object({ image_tokens: tokens, text_tokens: tokens })
    .meta({
      description: "Codex does not tell them apart: all of them count as text",
    }),
});

const SHARED = {
  background: z.enum(BACKGROUNDS),
  output_format: z.enum(OUTPUT_FORMATS),
  quality: z.enum(QUALITIES),
  size: z.string().meta({
    description: "Pixels of the image, read from its file",
    examples: ["1536x864"],
  }),
  usage: openAiUsageSchema,
};

const IMAGE = {
  b64_json: z.string().optional().meta({
    description: "The file in base64, unless a URL was asked for",
  }),
  url: z.url().optional().meta({
    description: "Where to fetch the file, if that was asked for",
  }),
  revised_prompt: z.string().optional(),
};

/** The schema of the answers of `POST /v1/images/generations` and `/v1/images/edits`. */
export const openAiAnswerSchema = z.object({
  created: z.int().meta({ description: "Seconds since 1970" }),
  data: z.array(z.object(IMAGE)).min(1),
  ...SHARED,
  warnings: z.array(z.object({
    index: z.int().nullable().meta({
      description: "Which candidate, from 0; null where all are meant",
    }),
    message: z.string(),
  })),
});

/** The schema of the event of a finished image. */
export const completedEventSchema = z.object({
  type: z.enum(["image_generation.completed", "image_edit.completed"]),
  ...IMAGE,
  created_at: z.int(),
  ...SHARED,
  warnings: z.array(z.string()),
});

/** The schema of the event of a failure. */
export const errorEventSchema = z.object({
  type: z.literal("error"),
  error: z.object({
    message: z.string(),
    type: z.string(),
    code: z.string(),
    param: z.string().nullable(),
  }),
});

/** The schema of the answer of `GET /v1/models/:id`. */
export const modelSchema = z.object({
  id: z.string(),
  object: z.literal("model"),
  created: z.int(),
  owned_by: z.string(),
});

/** The schema of the answer of `GET /v1/models`. */
export const modelListSchema = z.object({
  object: z.literal("list"),
  data: z.array(modelSchema),
});

/** The answer of `POST /v1/images/generations` and `/v1/images/edits`. */
export type OpenAiAnswer = z.output<typeof openAiAnswerSchema>;

/** The event of a finished image. */
export type CompletedEvent = z.output<typeof completedEventSchema>;

/** The event of a failure. */
export type ErrorEvent = z.output<typeof errorEventSchema>;

/** How many bytes four characters of base64 hold. */
const GROUP = 3;
const BASE64_GROUP = 4;

/** Encodes bytes in base64 as they come, so that no more than a chunk of them is in memory. */
export async function* base64Chunks(
  chunks: AsyncIterable<Uint8Array<ArrayBuffer>>,
): AsyncGenerator<string> {
  let rest = new Uint8Array();
  for await (const chunk of chunks) {
    const bytes = new Uint8Array(rest.length + chunk.length);
    bytes.set(rest);
    bytes.set(chunk, rest.length);
    const whole = bytes.length - bytes.length % GROUP;
    yield bytes.subarray(0, whole).toBase64();
    rest = bytes.slice(whole);
  }
  yield rest.toBase64();
}

/** Tells of an image in the words of OpenAI, without its bytes. */
export function describeDelivered(
  { mime_type, resolved_size, transparent }: UnlinkedImage,
  { quality, usage }: {
    readonly quality: Quality;
    readonly usage: UnlinkedImage["usage"];
  },
) {
  const { input_tokens, output_tokens } = usage;
  return {
    background: transparent ? "transparent" as const : "opaque" as const,
    output_format: formatOf(mime_type),
    quality,
    size: resolved_size,
    usage: {
      input_tokens,
      output_tokens,
      total_tokens: input_tokens + output_tokens,
      // The CLI does not tell them apart.
      input_tokens_details: { image_tokens: 0, text_tokens: input_tokens },
    },
  };
}

function formatOf(mimeType: UnlinkedImage["mime_type"]): OutputFormat {
  return mimeType.slice("image/".length) as OutputFormat;
}

/** Opens the file of an image. */
export type OpenImage = (
  id: string,
) => Promise<ReadableStream<Uint8Array<ArrayBuffer>>>;

/** What {@linkcode writeAnswer} says beside what was made. */
export interface AnswerOptions {
  /** When the request came, in seconds since 1970. */
  readonly created: number;
  /** Tells where whoever asks can fetch an image. */
  readonly link: (image: UnlinkedImage) => string;
  readonly open: OpenImage;
  readonly responseFormat: ResponseFormat;
  /** What the caller should know of the request. */
  readonly warnings: readonly string[];
}

/** The JSON of an answer, which is written piece by piece, because four images in base64 can have 100 MB. */
export interface WrittenAnswer {
  /** How many bytes it has. */
  readonly length: number;
  /** Its pieces. */
  readonly pieces: AsyncIterable<string>;
}

/**
 * Writes the JSON of an answer.
 *
 * An image has its bytes or its URL and never both: some clients would fetch the URL then.
 */
export function writeAnswer(
  answer: UnlinkedAnswer,
  options: AnswerOptions,
): WrittenAnswer {
  const parts = [...answerParts(answer, options)];
  const lengths = parts.map((part) =>
    typeof part === "string"
      ? new TextEncoder().encode(part).length
      : BASE64_GROUP * Math.ceil(part.bytes / GROUP)
  );
  return {
    length: lengths.reduce((sum, length) => sum + length, 0),
    pieces: writeParts(parts, options),
  };
}

async function* writeParts(
  parts: readonly (string | UnlinkedImage)[],
  { open }: AnswerOptions,
): AsyncGenerator<string> {
  for (const part of parts) {
    if (typeof part === "string") yield part;
    else yield* base64Chunks(await open(part.id));
  }
}

/** Gives the text of an answer, with an image where its file in base64 stands. */
function* answerParts(
  answer: UnlinkedAnswer,
  options: AnswerOptions,
): Generator<string | UnlinkedImage> {
  const { created, link, responseFormat } = options;
  yield `{"created":${created},"data":[`;
  for (const [position, image] of answer.data.entries()) {
    if (position > 0) yield ",";
    const { revised_prompt } = image;
    const revised = revised_prompt === null ? {} : { revised_prompt };
    if (responseFormat === "url") {
      yield JSON.stringify({ url: link(image), ...revised });
      continue;
    }
    const end = `"}`;
    yield JSON.stringify({ ...revised, b64_json: "" }).slice(0, -end.length);
    yield image;
    yield end;
  }
  yield `],${JSON.stringify(describeRest(answer, options)).slice(1)}`;
}

function describeRest(
  answer: UnlinkedAnswer,
  { warnings }: AnswerOptions,
): Omit<OpenAiAnswer, "created" | "data"> {
  return {
    ...describeDelivered(answer.data[0], answer),
    warnings: [
      ...warnings.map((message) => ({ index: null, message })),
      ...answer.errors.map(({ index, code, message }) => ({
        index,
        message: `Image ${index + 1} failed with ${code}: ${message}`,
      })),
      ...answer.warnings,
    ],
  };
}

/** What the events of a request are named after. */
export type Operation = "image_edit" | "image_generation";

/** What {@linkcode openAiEvents} say beside what was made. */
export interface EventsOptions extends AnswerOptions {
  readonly operation: Operation;
  /** The quality that was asked for. */
  readonly quality: Quality;
  /** Describes a failure as the envelope of every error does. */
  readonly describeError: (failure: ApiError) => ErrorEvent["error"];
}

/**
 * Tells of a job: every image as it lands, and what failed at the end, because clients read nothing after an error.
 *
 * @returns Events whose names are their types.
 */
export async function* openAiEvents(
  { answer, job }: JobEntry,
  options: EventsOptions,
): AsyncGenerator<CompletedEvent | ErrorEvent> {
  try {
    for await (const { data, type } of job.watch()) {
      // It was written by the service's `describeImage`.
      if (type === "image") {
        yield await completed(data as UnlinkedImage, options);
      }
    }
    for (const { code, message } of (await answer).errors) {
      yield failed(new ApiError(code as ErrorCode, message), options);
    }
  } catch (error) {
    yield failed(toApiError(error), options);
  }
}

async function completed(
  image: UnlinkedImage,
  options: EventsOptions,
): Promise<CompletedEvent> {
  const { created, link, open, operation, quality, responseFormat } = options;
  const { id, revised_prompt, usage, warnings } = image;
  const bytes = responseFormat === "url"
    ? undefined
    : await new Response(await open(id)).bytes();
  return {
    type: `${operation}.completed`,
    ...(bytes === undefined
      ? { url: link(image) }
      : { b64_json: bytes.toBase64() }),
    ...(revised_prompt === null ? {} : { revised_prompt }),
    created_at: created,
    ...describeDelivered(image, { quality, usage }),
    warnings: [...options.warnings, ...warnings],
  };
}

function failed(
  failure: ApiError,
  { describeError }: EventsOptions,
): ErrorEvent {
  return { type: "error", error: describeError(failure) };
}
