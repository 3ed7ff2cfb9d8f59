import type { generateRequestSchema } from "../contract/request_schema.ts";

/** What the fields of `POST /v1/images/generate` mean, in Markdown. */
export const FIELD_NOTES: Readonly<
  Record<keyof typeof generateRequestSchema.shape, string>
> = {
  prompt: "What to draw, 1 to 32,000 characters",
  count: "How many distinct candidates to make",
  n: "The same as `count`",
  size:
    "`auto` (default), `1K`, `2K`, `4K`, or `WIDTHxHEIGHT`: multiples of 16, the longest edge at most 3840, 655,360 to 8,294,400 pixels, at most 3:1",
  aspect:
    "`W:H`, `landscape`, `portrait`, `square`, `reference` (that of the first) or `canvas` (that of `canvas_size`); for `auto` and the presets",
  canvas_size: "The size of the caller's canvas, in any unit",
  quality: "The wanted quality, which Codex takes as words in the prompt",
  output_format: "The format of the file",
  output_compression: "How much to lose in JPEG and WebP, 100 for the least",
  background: "`transparent` needs PNG or WebP",
  fit:
    "How the image comes to its size: `cover` scales and crops, `contain` scales and pads, `none` leaves it",
  references:
    "Images to work from, PNG, JPEG or WebP by their bytes; the first five reach the image model as files",
  return: "For older clients",
  model: "The one model",
  fail_fast:
    "Whether the first failed candidate cancels the rest and fails the request",
};
