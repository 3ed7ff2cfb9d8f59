import * as z from "zod";
import { MODEL, OUTPUT_FORMATS, QUALITIES } from "./fields.ts";
import { REFERENCE_LIMITS } from "./references.ts";
import { waitingSchema } from "./schemas.ts";

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
  output_size_constraints: z.object({
    min_edge: z.int(),
    max_edge: z.int(),
    max_pixels: z.int(),
  }).meta({ description: "What `output_size` may be" }),
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
