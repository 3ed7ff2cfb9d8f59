import * as z from "zod";
import { FITS, MODEL, QUALITIES } from "./choices.ts";

const DELIVERED = ["original", "seen"] as const;
const MIME_TYPES = ["image/png", "image/jpeg", "image/webp"] as const;

const size = z.string().meta({ examples: ["1536x864"] });
const index = z.int().meta({
  description: "Which of the request's candidates, from 0",
});

/** The schema of tokens of the chat model that leads the image tool. */
export const usageSchema = z.object({
  input_tokens: z.int(),
  output_tokens: z.int(),
});

/** The schema of what is told of a picture, wherever one is told of. */
export const pictureSchema = z.object({
  id: z.string().meta({ examples: ["codex-9f0c1a52-…"] }),
  label: z.string(),
  mime_type: z.enum(MIME_TYPES),
  model: z.string().meta({ examples: [MODEL] }),
  path: z.string().meta({ description: "The file, as the host sees it" }),
  url: z.url().meta({ description: "Where to fetch the file" }),
  resolved_size: size.meta({ description: "Pixels of the delivered file" }),
  native_size: size.meta({ description: "Pixels of what Codex made" }),
  resize: z.object({ fit: z.enum(FITS), scale: z.number() }).nullable().meta({
    description: "How the one became the other; null where nothing was done",
  }),
  revised_prompt: z.string().nullable().meta({
    description: "The prompt that the chat model gave to the image tool",
  }),
  sha256: z.string(),
  bytes: z.int(),
  transparent: z.boolean(),
  variation: z.string().meta({
    description: "The direction that set this candidate apart",
  }),
  duration_ms: z.number(),
});

/** The schema of one picture of an answer. */
export const madeImageSchema = pictureSchema.extend({
  index,
  warnings: z.array(z.string()),
  usage: usageSchema,
});

/** The schema of what became of a reference. */
export const referenceAnswerSchema = z.object({
  label: z.string(),
  sha256: z.string(),
  bytes: z.int(),
  width: z.int(),
  height: z.int(),
  delivered: z.enum(DELIVERED).meta({
    description:
      "original: the image model got the very file; seen: only the chat model saw it",
  }),
});

/** The schema of the answer of `POST /v1/images/generate`. */
export const generateAnswerSchema = z.object({
  id: z.string().meta({ examples: ["gen_9f0c1a52-…"] }),
  status: z.enum(["completed", "partial"]),
  backend: z.literal("codex-exec"),
  model: z.literal(MODEL),
  requested_size: z.string().meta({ description: "What the caller sent" }),
  resolved_size: size,
  quality: z.enum(QUALITIES),
  mime_type: z.enum(MIME_TYPES),
  path: z.string(),
  url: z.url(),
  revised_prompt: z.string().nullable(),
  data: z.array(madeImageSchema).min(1),
  errors: z.array(z.object({ index, code: z.string(), message: z.string() }))
    .meta({ description: "The candidates that failed" }),
  warnings: z.array(z.object({ index, message: z.string() })),
  references: z.array(referenceAnswerSchema),
  smallest_distance: z.number().nullable().meta({
    description:
      "How far apart the two most alike pictures are, in bits of a 64-bit perceptual hash",
  }),
  usage: usageSchema,
});
