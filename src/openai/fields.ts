import type * as z from "zod";
import { MODEL } from "../api/fields.ts";
import type { generationsSchema } from "./request.ts";

/**
 * How a field is treated: as it is meant; accepted without effect, which every answer says; or answered with 400 and its
 * name as `param`.
 */
export type Treatment = "done" | "ignored" | "refused";

/** What callers should know about a field. */
export interface Field {
  /** How it is treated. */
  readonly treatment: Treatment;
  /** The particulars, in Markdown. */
  readonly note: string;
}

/** Every field of the OpenAI Images API, in the order in which faults are reported. */
export const FIELDS = {
  prompt: { treatment: "done", note: "1 to 32,000 characters" },
  model: {
    treatment: "done",
    note:
      "`gpt-image-2` draws, whatever image model is named; a model that plainly makes no images, such as `gpt-4o`, is refused",
  },
  n: { treatment: "done", note: "1 to 4 distinct images, never clamped" },
  size: {
    treatment: "done",
    note:
      "`auto` or `WIDTHxHEIGHT` by the rules above, and `1K`, `2K`, `4K`; a refusal says what to set instead",
  },
  quality: {
    treatment: "done",
    note:
      "`auto`, `low`, `medium`, `high`; of older models, `standard` counts as `auto` and `hd` as `high`",
  },
  background: {
    treatment: "done",
    note: "`auto`, `opaque`, `transparent` (`png` or `webp` only)",
  },
  output_format: { treatment: "done", note: "`png`, `jpeg`, `webp`" },
  output_compression: {
    treatment: "done",
    note: "0 to 100; ignored with `png`, which loses nothing",
  },
  response_format: {
    treatment: "done",
    note: "`b64_json` (default) or `url`, and never both in one answer",
  },
  stream: {
    treatment: "done",
    note: "every image is sent as it is finished",
  },
  image: {
    treatment: "done",
    note: "edits as a form: a file, also repeated or named `image[]`; up to 16",
  },
  images: {
    treatment: "done",
    note:
      'edits as JSON: `[{"image_url": "data:image/png;base64,…"}]`; other URLs are refused and never fetched',
  },
  mask: {
    treatment: "done",
    note:
      "edits: a PNG with an alpha channel and the size of the first image; it is shown to the model with instructions, so other places may change too, and the answer says so",
  },
  partial_images: {
    treatment: "ignored",
    note: "0 to 3; Codex shows no unfinished images, so that none are sent",
  },
  moderation: { treatment: "ignored", note: "`auto` or `low`" },
  style: { treatment: "ignored", note: "say it in the prompt" },
  user: { treatment: "ignored", note: "neither stored nor passed on" },
  safety_identifier: {
    treatment: "ignored",
    note: "neither stored nor passed on",
  },
  input_fidelity: {
    treatment: "refused",
    note: "`gpt-image-2` always looks at images in full detail",
  },
} as const satisfies Readonly<Record<string, Field>>;

/** The name of a field of the OpenAI Images API. */
export type FieldName = keyof typeof FIELDS;

type Fields = z.output<typeof generationsSchema>;

/** Names the fields of a request that have no effect, in alphabetical order. */
export function ignoredFields(fields: Fields): FieldName[] {
  const { model = MODEL, output_format = "png" } = fields;
  const names = Object.keys(FIELDS) as FieldName[];
  return names.filter((name) =>
    name in fields && fields[name as keyof Fields] !== undefined &&
    (FIELDS[name].treatment === "ignored" ||
      (name === "model" && model !== MODEL) ||
      (name === "output_compression" && output_format === "png"))
  ).sort();
}
