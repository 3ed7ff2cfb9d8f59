import type { Config } from "../config.ts";
import { MAX_IMAGES, MODEL, OUTPUT_FORMATS, QUALITIES } from "./fields.ts";
import { REFERENCE_LIMITS } from "./references.ts";
import {
  formatSize,
  MAX_EDGE,
  MAX_PIXELS,
  MAX_RATIO,
  MIN_PIXELS,
  MULTIPLE_OF,
  PRESETS,
  presetSize,
  RATIO_OPTIONS,
} from "./size.ts";
import { MAX_OUTPUT_PIXELS, OUTPUT_EDGES } from "./target.ts";

const SIZE_OPTIONS = [
  "auto",
  ...PRESETS,
  "1024x1024",
  "1536x1024",
  "1024x1536",
  "2048x2048",
  "2048x1152",
  "1152x2048",
  "3840x2160",
  "2160x3840",
  "2880x2880",
] as const;

let largestSizes: ReturnType<typeof findLargestSizes> | undefined;

/** What the server can do, as `GET /v1/capabilities` answers. */
export type Capabilities = ReturnType<typeof capabilities>;

/** Tells what the server can do, from the same constants that requests are checked against. */
export function capabilities(
  { apiKey, maxBodyBytes, maxQueue, maxRequestPixels, maxWorkers, timeoutMs }:
    Pick<
      Config,
      | "apiKey"
      | "maxBodyBytes"
      | "maxQueue"
      | "maxRequestPixels"
      | "maxWorkers"
      | "timeoutMs"
    >,
) {
  return {
    auth_required: apiKey !== undefined,
    backend: "codex-exec",
    model: MODEL,
    generation_timeout_ms: timeoutMs,
    max_images: Math.min(MAX_IMAGES, maxWorkers + maxQueue),
    max_body_bytes: maxBodyBytes,
    output_formats: OUTPUT_FORMATS,
    qualities: QUALITIES,
    quality_control: "prompt",
    ratio_options: RATIO_OPTIONS,
    size_options: SIZE_OPTIONS,
    size_constraints: {
      custom_size: true,
      max_edge: MAX_EDGE,
      max_pixels: MAX_PIXELS,
      min_pixels: MIN_PIXELS,
      multiple_of: MULTIPLE_OF,
      max_ratio: `${MAX_RATIO}:1`,
    },
    output_size_constraints: {
      min_edge: OUTPUT_EDGES.min,
      max_edge: OUTPUT_EDGES.max,
      max_pixels: MAX_OUTPUT_PIXELS,
    },
    high_resolution_presets: largestSizes ??= findLargestSizes(),
    references: {
      mode: "original_image",
      max_images: REFERENCE_LIMITS.maxImages,
      max_originals: REFERENCE_LIMITS.maxOriginals,
      max_bytes: REFERENCE_LIMITS.maxBytes,
      max_pixels: REFERENCE_LIMITS.maxPixels,
      max_total_pixels: maxRequestPixels,
      formats: REFERENCE_LIMITS.formats,
    },
  } as const;
}

function findLargestSizes() {
  return {
    landscape: formatSize(presetSize("4K", { width: 16, height: 9 })),
    portrait: formatSize(presetSize("4K", { width: 9, height: 16 })),
    square: formatSize(presetSize("4K", { width: 1, height: 1 })),
  };
}
