import * as z from "zod";
import { OUTPUT_FORMATS, QUALITIES } from "./choices.ts";
import { generateAnswerSchema } from "./image_answers.ts";

const JOB_STATUSES = [
  "queued",
  "running",
  "completed",
  "partial",
  "failed",
  "canceled",
] as const;

const PHASES = [
  "queued",
  "started",
  "drawing",
  "saved",
  "failed",
  "canceled",
] as const;

/** The schema of how far one candidate has come. */
export const candidateSchema = z.object({
  index: z.int(),
  phase: z.enum(PHASES),
  position: z.int().nullable().meta({
    description: "The place in the queue, from 1, while it waits",
  }),
  elapsed_ms: z.number().nullable(),
  estimate_ms: z.number().nullable().meta({
    description: "What may be left, by the median of recent candidates",
  }),
  image_id: z.string().nullable(),
  code: z.string().nullable(),
  message: z.string().nullable(),
});

/** The schema of why a job has no answer. */
export const jobFailureSchema = z.object({
  code: z.string(),
  message: z.string(),
  retry_after: z.int().nullable().meta({
    description: "In how many seconds to try again; null where nobody knows",
  }),
});

/** The schema of a job. */
export const jobSchema = z.object({
  id: z.string().meta({ examples: ["gen_9f0c1a52-…"] }),
  object: z.literal("job"),
  status: z.enum(JOB_STATUSES),
  created_at: z.iso.datetime(),
  ended_at: z.iso.datetime().nullable(),
  request: z.object({
    count: z.int(),
    requested_size: z.string(),
    quality: z.enum(QUALITIES),
    output_format: z.enum(OUTPUT_FORMATS),
    reference_count: z.int(),
  }),
  candidates: z.array(candidateSchema),
  answer: generateAnswerSchema.nullable(),
  error: jobFailureSchema.nullable(),
});

/** The schema of the answer of `GET /v1/jobs`. */
export const jobListSchema = z.object({
  object: z.literal("list"),
  data: z.array(jobSchema),
});
