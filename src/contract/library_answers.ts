import * as z from "zod";
import { QUALITIES } from "./choices.ts";
import { pictureSchema, referenceAnswerSchema } from "./image_answers.ts";

/** The schema of all that is known of a stored image. */
export const storedImageSchema = pictureSchema.extend({
  generation_id: z.string(),
  created_at: z.iso.datetime(),
  thumbnail_url: z.url(),
  requested_size: z.string(),
  width: z.int(),
  height: z.int(),
  quality: z.enum(QUALITIES),
  prompt: z.string().nullable().meta({
    description: "The caller's words, where prompts are stored",
  }),
  codex_version: z.string(),
  references: z.array(referenceAnswerSchema),
  original: z.object({
    mime_type: z.string(),
    sha256: z.string(),
    bytes: z.int(),
    url: z.url(),
  }).nullable().meta({
    description: "The file as Codex wrote it, where it was converted",
  }),
});

/** The schema of the answer of `GET /v1/images`. */
export const imageListSchema = z.object({
  object: z.literal("list"),
  data: z.array(storedImageSchema),
  next_cursor: z.string().nullable().meta({
    description: "The cursor of the next page; null on the last one",
  }),
  indexing: z.boolean().meta({
    description: "Whether older images are still being found",
  }),
});
