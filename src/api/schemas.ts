import * as z from "zod";
import { FITS, MODEL, OUTPUT_FORMATS, QUALITIES } from "./fields.ts";
import { REFERENCE_LIMITS } from "./references.ts";
import { requestSummarySchema } from "./request_summary.ts";

/** What a schema describes, for reading alone. */
export type Described<Schema extends z.ZodType> = DeepReadonly<
  z.infer<Schema>
>;

type DeepReadonly<Value> = Value extends object
  ? { readonly [Key in keyof Value]: DeepReadonly<Value[Key]> }
  : Value;

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
  resize: z.object({
    fit: z.enum(FITS),
    scale: z.number(),
    method: z.enum(["lanczos3", "bicubic", "none"]).optional(),
  }).nullable().meta({
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
  request: requestSummarySchema.nullable().meta({
    description: "What was asked for; null where an earlier version made it",
  }),
});

/** The schema of one picture of an answer. */
export const madeImageSchema = pictureSchema.extend({
  index,
  warnings: z.array(z.string()),
  usage: usageSchema,
});

/** One picture of an answer. */
export type MadeImage = Described<typeof madeImageSchema>;

/** The schema of what became of a reference. */
export const referenceAnswerSchema = z.object({
  label: z.string(),
  id: z.string().optional().meta({
    description: "The stored picture that it was",
  }),
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

/** The answer of `POST /v1/images/generate`. */
export type GenerateAnswer = Described<typeof generateAnswerSchema>;

/** An image of an answer before anybody has asked for it: its URL depends on who does. */
export type UnlinkedImage = Omit<MadeImage, "url">;

/** The answer of a job before anybody has asked for it. */
export type UnlinkedAnswer = Omit<GenerateAnswer, "data" | "url"> & {
  readonly data: readonly UnlinkedImage[];
};

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

/** The schema of what a job or a candidate waits for, beside its turn. */
export const waitingSchema = z.object({
  code: z.string().meta({ examples: ["usage_limit_reached"] }),
  until: z.iso.datetime().meta({
    description:
      "When it ends at the latest; a changed login or a candidate that gets through ends it sooner",
  }),
}).nullable();

/** The schema of how far one candidate has come. */
export const candidateSchema = z.object({
  index: z.int(),
  phase: z.enum(PHASES),
  position: z.int().nullable().meta({
    description: "The place in the queue, from 1, while it waits",
  }),
  waiting: waitingSchema,
  elapsed_ms: z.number().nullable(),
  estimate_ms: z.number().nullable().meta({
    description: "What may be left, by the median of recent candidates",
  }),
  image_id: z.string().nullable(),
  code: z.string().nullable(),
  message: z.string().nullable(),
});

/** How far one candidate has come. */
export type CandidateView = Described<typeof candidateSchema>;

/** The schema of why a job has no answer. */
export const jobFailureSchema = z.object({
  code: z.string(),
  message: z.string(),
  retry_after: z.int().nullable().meta({
    description: "In how many seconds to try again; null where nobody knows",
  }),
});

/** Why a job has no answer. */
export type JobFailureView = Described<typeof jobFailureSchema>;

/** The schema of a job. */
export const jobSchema = z.object({
  id: z.string().meta({ examples: ["gen_9f0c1a52-…"] }),
  object: z.literal("job"),
  status: z.enum(JOB_STATUSES),
  created_at: z.iso.datetime(),
  ended_at: z.iso.datetime().nullable(),
  // Records of earlier versions have but the five.
  request: requestSummarySchema.partial().extend({
    count: z.int(),
    requested_size: z.string(),
    quality: z.enum(QUALITIES),
    output_format: z.enum(OUTPUT_FORMATS),
    reference_count: z.int(),
  }),
  waiting: waitingSchema,
  candidates: z.array(candidateSchema),
  answer: generateAnswerSchema.nullable(),
  error: jobFailureSchema.nullable(),
});

/** A job, as callers see it. */
export type JobView = Described<typeof jobSchema>;

/** The schema of the answer of `GET /v1/jobs`. */
export const jobListSchema = z.object({
  object: z.literal("list"),
  data: z.array(jobSchema),
});

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

/** All that is known of a stored image. */
export type StoredImageAnswer = Described<typeof storedImageSchema>;

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

const backend = z.literal("codex-exec");
const model = z.literal(MODEL);

/** The schema of every error. */
export const errorSchema = z.object({
  error: z.object({
    message: z.string(),
    type: z.enum([
      "invalid_request_error",
      "server_error",
      "image_generation_user_error",
    ]),
    code: z.string().meta({
      description: "What happened, for programs",
      examples: ["invalid_size", "usage_limit_reached"],
    }),
    param: z.string().nullable().meta({ description: "The field at fault" }),
    request_id: z.string(),
  }),
});

/** What the open routes tell callers without the key, beside a status. */
const openFacts = { auth_required: z.boolean(), version: z.string() };

/** The schema of the answer of `GET /healthz`. */
export const healthSchema = z.object({
  status: z.literal("ok"),
  ...openFacts,
  ...z.object({
    backend,
    generation_timeout_ms: z.int(),
    log_file: z.string().nullable(),
    model,
    output_dir: z.string(),
    codex_version: z.string().nullable(),
    uptime_s: z.int(),
    workers: z.object({
      active: z.int(),
      max: z.int(),
      queued: z.int(),
      queue_max: z.int(),
    }),
    sandbox: z.boolean(),
  }).partial().shape,
});

/** The schema of the answer of `GET /readyz`. */
export const readySchema = z.object({
  status: z.enum(["ready", "not_ready"]),
  ...openFacts,
  checks: z.array(
    z.object({ name: z.string(), ok: z.boolean(), detail: z.string() }),
  ).optional(),
});

/** The schema of the answer of `GET /v1/usage`. */
export const quotaSchema = z.object({
  as_of: z.iso.datetime(),
  source: z.enum(["codex", "last_run"]).meta({
    description: "Whether Codex was asked, or told it with the last image",
  }),
  limit_reached: z.boolean(),
  paused: waitingSchema.meta({ description: "Why nothing is started" }),
  windows: z.array(z.object({
    limit: z.string().meta({ examples: ["codex"] }),
    minutes: z.int().meta({ description: "How long it is", examples: [300] }),
    used_percent: z.number(),
    resets_at: z.iso.datetime().nullable(),
  })),
  images: z.object({
    count: z.int().meta({ description: "How many it is estimated from" }),
    percent_per_image: z.number().meta({
      description: "Of the shortest window of Codex",
    }),
    estimate: z.literal(true),
  }).nullable().meta({
    description: "Null until there were ten images in one window",
  }),
});

/** The answer of `GET /v1/usage`; nothing of it tells of the account. */
export type UsageView = z.infer<typeof quotaSchema>;

/** The schema of the answer of `POST /v1/queue/resume`. */
export const resumedSchema = z.object({
  resumed: z.boolean().meta({ description: "Whether there was a pause" }),
});

/** The schema of the answer of `GET /v1/capabilities`. */
export const capabilitiesSchema = z.object({
  auth_required: z.boolean(),
  backend,
  model,
  generation_timeout_ms: z.int(),
  max_images: z.int(),
  max_body_bytes: z.int(),
  output_formats: z.array(z.enum(OUTPUT_FORMATS)),
  qualities: z.array(z.enum(QUALITIES)),
  quality_control: z.literal("prompt").meta({
    description: "Codex takes quality as words in the prompt only",
  }),
  ratio_options: z.array(z.string()),
  size_options: z.array(z.string()),
  size_constraints: z.object({
    custom_size: z.boolean(),
    max_edge: z.int(),
    max_pixels: z.int(),
    min_pixels: z.int(),
    multiple_of: z.int(),
    max_ratio: z.string(),
  }),
  high_resolution_presets: z.object({
    landscape: z.string(),
    portrait: z.string(),
    square: z.string(),
  }),
  references: z.object({
    mode: z.literal("original_image"),
    max_images: z.int(),
    max_originals: z.int(),
    max_bytes: z.int(),
    max_pixels: z.int(),
    max_total_pixels: z.int().meta({
      description: "What all references of a request may have together",
    }),
    formats: z.array(z.enum(REFERENCE_LIMITS.formats)),
  }),
});
