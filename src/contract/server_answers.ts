import * as z from "zod";
import { MODEL, OUTPUT_FORMATS, QUALITIES } from "./choices.ts";
import { REFERENCE_LIMITS } from "./reference_limits.ts";

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

/** The schema of the answer of `GET /healthz`. */
export const healthSchema = z.object({
  status: z.literal("ok"),
  auth_required: z.boolean(),
  backend,
  generation_timeout_ms: z.int(),
  log_file: z.string().nullable(),
  model,
  output_dir: z.string(),
  version: z.string(),
  codex_version: z.string().nullable(),
  uptime_s: z.int(),
  workers: z.object({
    active: z.int(),
    max: z.int(),
    queued: z.int(),
    queue_max: z.int(),
  }),
  sandbox: z.boolean(),
  instance: z.string(),
});

/** The schema of the answer of `GET /readyz`. */
export const readySchema = z.object({
  status: z.enum(["ready", "not_ready"]),
  checks: z.array(
    z.object({ name: z.string(), ok: z.boolean(), detail: z.string() }),
  ),
});

/** The schema of the answer of `GET /v1/capabilities`. */
export const capabilitiesSchema = z.object({
  auth_required: z.boolean(),
  backend,
  model,
  generation_timeout_ms: z.int(),
  max_images: z.int(),
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
    formats: z.array(z.enum(REFERENCE_LIMITS.formats)),
  }),
});
