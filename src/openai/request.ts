import * as z from "zod";
import { MODEL, optional, type Quality, strictFields } from "../api/fields.ts";
import { type FieldKind, Form } from "../api/form.ts";
import {
  type FileReference,
  type GenerateRequest,
  generateRequestSchema,
  imageSchema,
  type InlineReference,
  parseGenerateRequest,
  REFERENCE_LIMITS,
  type ReferenceSource,
} from "../api/generate_request.ts";
import { toValidationError, ValidationError } from "../api/validation_error.ts";
import { type FieldName, ignoredFields } from "./fields.ts";
import { isImageModel } from "./models.ts";

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
  model: optional(z.string(TEXT).refine(isImageModel, MODEL_NAME)),
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

type Field =
  | keyof typeof generationsSchema.shape
  | "image"
  | "image[]"
  | "mask";

const EDITS_FORM_FIELDS = {
  prompt: "text",
  model: "text",
  n: "number",
  size: "text",
  quality: "text",
  background: "text",
  output_format: "text",
  output_compression: "number",
  response_format: "text",
  stream: "boolean",
  image: "files",
  "image[]": "files",
  mask: "file",
  partial_images: "number",
  moderation: "text",
  style: "text",
  user: "text",
  safety_identifier: "text",
  input_fidelity: "text",
} as const satisfies Record<Field, FieldKind>;

/** The form of `POST /v1/images/edits`: the fields of its JSON body, with a file for each image and for the mask. */
export const EDITS_FORM: Form = new Form(EDITS_FORM_FIELDS);

const MASK = "mask";
const SIZE_HINT =
  `; set the size in your client to "auto", or to one such as "1024x1024", "1536x1024" or "1024x1536"`;
const MASK_WARNING =
  "The mask was passed as a reference with instructions, because the image tool of Codex takes no masks: what lies outside of it may have changed too";

/** A request of an OpenAI client, understood. */
export interface OpenAiRequest {
  /** What it means here. */
  readonly wanted: GenerateRequest;
  /** How the images are to be answered. */
  readonly responseFormat: ResponseFormat;
  /** Whether they are to be answered one by one. */
  readonly stream: boolean;
  /** The names of the fields that have no effect, in alphabetical order. */
  readonly ignored: readonly string[];
  /** What the caller should know before anything is drawn. */
  readonly warnings: readonly string[];
}

interface Pictures {
  readonly images: readonly ReferenceSource[];
  readonly mask: ReferenceSource | undefined;
}

/**
 * Reads the JSON body of `POST /v1/images/generations`.
 *
 * @throws {ValidationError} With the code of the contract and the field at fault.
 */
export function parseGenerations(body: unknown): OpenAiRequest {
  const fields = parse(generationsSchema, body);
  return understand(body, fields, { images: [], mask: undefined });
}

/**
 * Reads the JSON body of `POST /v1/images/edits`, or what a form says instead of it.
 *
 * @param uploads The files of the form; undefined where there is none.
 * @throws {ValidationError} With the code of the contract and the field at fault.
 */
export function parseEdits(
  body: unknown,
  uploads?: readonly FileReference[],
): OpenAiRequest {
  if (uploads === undefined) {
    const fields = parse(editsSchema, body);
    return understand(body, fields, fields);
  }
  const fields = parse(generationsSchema, body);
  const images = uploads.filter(({ param }) => param !== MASK);
  const mask = uploads.find(({ param }) => param === MASK);
  if (images.length === 0) {
    throw new ValidationError(
      "Cannot use image: it is missing, expected at least one file",
      { code: "invalid_reference", param: "image" },
    );
  }
  return understand(body, fields, { images, mask });
}

function parse<Schema extends z.ZodType>(
  schema: Schema,
  body: unknown,
): z.output<Schema> {
  const result = schema.safeParse(body);
  if (result.success) return result.data;
  const failure = toValidationError(result.error.issues[0], body);
  if (failure.code !== "invalid_size") throw failure;
  // Some clients show the message to people who have never chosen a size, and do not show where to.
  throw new ValidationError(failure.message + SIZE_HINT, {
    code: failure.code,
    param: failure.param,
  });
}

function understand(
  body: unknown,
  fields: z.output<typeof generationsSchema>,
  { images, mask }: Pictures,
): OpenAiRequest {
  const raw = body as z.input<typeof generationsSchema>;
  const ignored = ignoredFields(fields);
  const wanted = parseGenerateRequest(
    {
      prompt: raw.prompt,
      n: raw.n,
      size: raw.size,
      quality: fields.quality,
      background: raw.background,
      output_format: raw.output_format,
      output_compression: ignored.includes("output_compression")
        ? undefined
        : raw.output_compression,
    },
    images,
    mask,
  );
  return {
    wanted,
    responseFormat: fields.response_format ?? "b64_json",
    stream: fields.stream ?? false,
    ignored,
    warnings: [
      ...ignored.map((name) => `The field ${name} has no effect`),
      ...(raw.quality === "standard" || raw.quality === "hd"
        ? [`Quality "${raw.quality}" was taken as "${fields.quality}"`]
        : []),
      ...(mask === undefined ? [] : [MASK_WARNING]),
    ],
  };
}
