import * as z from "zod";
import { MODEL, type Quality } from "../contract/choices.ts";
import { optional } from "../contract/optional.ts";
import { REFERENCE_LIMITS } from "../contract/reference_limits.ts";
import {
  imageSchema,
  type InlineReference,
} from "../contract/reference_schema.ts";
import { generateRequestSchema } from "../contract/request_schema.ts";
import { strictFields } from "../contract/strict_fields.ts";
import type { FieldName } from "./fields.ts";
import { mayDraw } from "./models.ts";

const RESPONSE_FORMATS = ["b64_json", "url"] as const;

/** How images are answered: their bytes in base64, or where to fetch them. */
export type ResponseFormat = typeof RESPONSE_FORMATS[number];

const MODERATIONS = ["auto", "low"] as const;
const QUALITY_OF = {
  auto: "auto",
  low: "low",
  medium: "medium",
  high: "high",
  // What older models had.
  standard: "auto",
  hd: "high",
} as const satisfies Record<string, Quality>;

const { maxImages } = REFERENCE_LIMITS;
const MODEL_NAME =
  `expected an image model such as "${MODEL}", and this one makes no images`;
const QUALITY = `expected "auto", "low", "medium" or "high"`;
const PARTIAL_IMAGES = "expected a whole number from 0 to 3";
const IMAGES =
  `expected a list of 1 to ${maxImages} objects such as {"image_url": "data:image/png;base64,…"}`;
const TEXT = "expected text";
const FLAG = "expected true or false";
const FIDELITY =
  `expected nothing, "${MODEL}" always looks at images in full detail`;

const own = generateRequestSchema.shape;

const pictureSchema = strictFields(
  { image_url: imageSchema },
  "expected an object with image_url",
);

const FIELDS = {
  prompt: own.prompt,
  model: optional(z.string(TEXT).refine(mayDraw, MODEL_NAME)),
  n: own.n,
  size: own.size,
  quality: optional(
    z.enum(Object.keys(QUALITY_OF) as (keyof typeof QUALITY_OF)[], QUALITY)
      .transform((quality): Quality => QUALITY_OF[quality]),
  ),
  background: own.background,
  output_format: own.output_format,
  output_compression: own.output_compression,
  response_format: optional(
    z.enum(RESPONSE_FORMATS, `expected "b64_json" or "url"`),
  ),
  stream: optional(z.boolean(FLAG)),
} as const satisfies Partial<Record<FieldName, z.ZodType>>;

const PICTURES = {
  images: z.array(pictureSchema, IMAGES).min(1, IMAGES).max(maxImages, IMAGES)
    .transform((images) =>
      images.map(({ image_url }, index) =>
        inline(image_url, `images[${index}].image_url`)
      )
    ),
  mask: optional(
    pictureSchema.transform(({ image_url }) => inline(image_url, "mask")),
  ),
} as const satisfies Partial<Record<FieldName, z.ZodType>>;

const WITHOUT_EFFECT = {
  partial_images: optional(
    z.int(PARTIAL_IMAGES).min(0, PARTIAL_IMAGES).max(3, PARTIAL_IMAGES),
  ),
  moderation: optional(z.enum(MODERATIONS, `expected "auto" or "low"`)),
  style: optional(z.string(TEXT)),
  user: optional(z.string(TEXT)),
  safety_identifier: optional(z.string(TEXT)),
  input_fidelity: optional(z.never(FIDELITY)),
} as const satisfies Partial<Record<FieldName, z.ZodType>>;

const BODY = "expected a JSON object";

/** The schema of the JSON body of `POST /v1/images/generations`: the own route's rules under OpenAI's names. */
export const generationsSchema = strictFields(
  { ...FIELDS, ...WITHOUT_EFFECT },
  BODY,
);

/** The schema of the JSON body of `POST /v1/images/edits`; its pictures become references. */
export const editsSchema = strictFields(
  { ...FIELDS, ...PICTURES, ...WITHOUT_EFFECT },
  BODY,
);

function inline(dataUrl: string, param: string): InlineReference {
  return {
    kind: "inline",
    dataUrl,
    param,
    label: undefined,
    source: undefined,
  };
}
