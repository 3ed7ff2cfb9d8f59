import * as z from "zod";
import {
  bodySchema,
  type Field,
  optional,
  strictFields,
} from "../api/field.ts";
import { FIELDS as OWN, MODEL, type Quality } from "../api/fields.ts";
import {
  imageSchema,
  REFERENCE_LIMITS,
  toReference,
} from "../api/references.ts";
import { isImageModel } from "./models.ts";

const RESPONSE_FORMATS = ["b64_json", "url"] as const;

/** How images are answered: their bytes in base64, or where to fetch them. */
export type ResponseFormat = typeof RESPONSE_FORMATS[number];

const QUALITY_OF = {
  auto: "auto",
  low: "low",
  medium: "medium",
  high: "high",
  // What older models had.
  standard: "auto",
  hd: "high",
  // What newer ones have.
  xhigh: "high",
  max: "high",
} as const satisfies Record<string, Quality>;

const { maxImages } = REFERENCE_LIMITS;
const MODEL_NAME =
  `expected an image model such as "${MODEL}", and this one makes no images`;
const QUALITY = `expected "auto", "low", "medium" or "high"`;
const PARTIAL_IMAGES = "expected a whole number from 0 to 3";
/** What `images` should be, as the end of a sentence. */
export const IMAGES =
  `expected a list of 1 to ${maxImages} objects such as {"image_url": "data:image/png;base64,…"}`;
const TEXT = "expected text";

/** How a field is treated: as it is meant, or accepted without effect, which every answer says. */
export type Treatment = "done" | "ignored";

/** A field of the OpenAI Images API, and how it is treated here. */
export interface OpenAiField extends Field {
  readonly treatment: Treatment;
}

type OpenAiFields = Readonly<Record<string, OpenAiField>>;

const pictureSchema = strictFields(
  { image_url: imageSchema },
  "expected an object with image_url",
);

const WITH_EFFECT = {
  prompt: { ...OWN.prompt, treatment: "done", words: "1 to 32,000 characters" },
  model: {
    schema: optional(z.string(TEXT).refine(isImageModel, MODEL_NAME)),
    form: "text",
    code: "unknown_parameter",
    treatment: "done",
    words:
      "`gpt-image-2` draws, whatever image model is named; a model that plainly makes no images, such as `gpt-4o`, is refused",
  },
  n: {
    ...OWN.n,
    treatment: "done",
    words: "1 to 4 distinct images, never clamped",
  },
  size: {
    ...OWN.size,
    treatment: "done",
    words:
      "`auto` or `WIDTHxHEIGHT` by the rules above, and `1K`, `2K`, `4K`; a refusal says what to set instead. For `dall-e-2` and `dall-e-3` also `256x256` and `512x512`, drawn larger and scaled",
  },
  quality: {
    schema: optional(
      z.enum(Object.keys(QUALITY_OF) as (keyof typeof QUALITY_OF)[], QUALITY)
        .transform((quality): Quality => QUALITY_OF[quality]),
    ),
    form: "text",
    code: "invalid_quality",
    treatment: "done",
    words:
      "`auto`, `low`, `medium`, `high`; `standard` counts as `auto`, and `hd`, `xhigh` and `max` as `high`",
  },
  background: {
    ...OWN.background,
    treatment: "done",
    words: "`auto`, `opaque`, `transparent` (`png` or `webp` only)",
  },
  output_format: {
    ...OWN.output_format,
    treatment: "done",
    words: "`png`, `jpeg`, `webp`",
  },
  output_compression: {
    ...OWN.output_compression,
    treatment: "done",
    words: "0 to 100; ignored with `png`, which loses nothing",
  },
  response_format: {
    schema: optional(z.enum(RESPONSE_FORMATS, `expected "b64_json" or "url"`)),
    form: "text",
    code: "unknown_parameter",
    treatment: "done",
    words:
      "`b64_json` or `url`, and never both in one answer; `url` is the default of `dall-e-2` and `dall-e-3`, `b64_json` of all others",
  },
  stream: {
    schema: optional(z.boolean("expected true or false")),
    form: "boolean",
    code: "unknown_parameter",
    treatment: "done",
    words: "every image is sent as it is finished",
  },
} as const satisfies OpenAiFields;

const PICTURES = {
  image: {
    schema: optional(
      imageSchema.transform((image) => toReference(image, { param: "image" })),
    ),
    form: "files[]",
    code: "invalid_reference",
    treatment: "done",
    words:
      "edits as a form: a file, also repeated or named `image[]` or `image[0]`; up to 16; edits as JSON: one base64 data URL",
  },
  images: {
    schema: optional(
      z.array(pictureSchema, IMAGES).min(1, IMAGES).max(maxImages, IMAGES)
        .transform((images) =>
          images.map(({ image_url }, index) =>
            toReference(image_url, { param: `images[${index}].image_url` })
          )
        ),
    ),
    form: "files[]",
    code: "invalid_reference",
    treatment: "done",
    words:
      'edits as JSON: `[{"image_url": "data:image/png;base64,…"}]`; other URLs are refused and never fetched; as a form, the same as `image`',
  },
  mask: {
    schema: optional(
      pictureSchema.transform(({ image_url }) =>
        toReference(image_url, { param: "mask" })
      ),
    ),
    form: "file",
    code: "invalid_reference",
    treatment: "done",
    words:
      "edits: a PNG with an alpha channel and the size of the first image; it is shown to the model with instructions, so other places may change too, and the answer says so",
  },
} as const satisfies OpenAiFields;

const WITHOUT_EFFECT = {
  partial_images: {
    schema: optional(
      z.int(PARTIAL_IMAGES).min(0, PARTIAL_IMAGES).max(3, PARTIAL_IMAGES),
    ),
    form: "number",
    code: "unknown_parameter",
    treatment: "ignored",
    words: "0 to 3; Codex shows no unfinished images, so that none are sent",
  },
  moderation: {
    schema: optional(z.enum(["auto", "low"], `expected "auto" or "low"`)),
    form: "text",
    code: "unknown_parameter",
    treatment: "ignored",
    words: "`auto` or `low`",
  },
  style: {
    schema: optional(z.string(TEXT)),
    form: "text",
    code: "unknown_parameter",
    treatment: "ignored",
    words: "say it in the prompt",
  },
  user: {
    schema: optional(z.string(TEXT)),
    form: "text",
    code: "unknown_parameter",
    treatment: "ignored",
    words: "neither stored nor passed on",
  },
  safety_identifier: {
    schema: optional(z.string(TEXT)),
    form: "text",
    code: "unknown_parameter",
    treatment: "ignored",
    words: "neither stored nor passed on",
  },
  input_fidelity: {
    schema: optional(z.string(TEXT)),
    form: "text",
    code: "unknown_parameter",
    treatment: "ignored",
    words: "`gpt-image-2` always looks at images in full detail",
  },
} as const satisfies OpenAiFields;

/** Every field of the OpenAI Images API, in the order in which faults are reported. */
export const FIELDS = {
  ...WITH_EFFECT,
  ...PICTURES,
  ...WITHOUT_EFFECT,
} as const;

/** The schema of the JSON body of `POST /v1/images/generations`: the own route's rules under OpenAI's names. */
export const generationsSchema = bodySchema({
  ...WITH_EFFECT,
  ...WITHOUT_EFFECT,
});

/** The schema of the JSON body of `POST /v1/images/edits`; its pictures become references. */
export const editsSchema = bodySchema(FIELDS);

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
