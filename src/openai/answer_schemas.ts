import * as z from "zod";
import { BACKGROUNDS, OUTPUT_FORMATS, QUALITIES } from "../contract/choices.ts";

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
