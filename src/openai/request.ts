import type * as z from "zod";
import { Form } from "../api/form.ts";
import {
  type GenerateRequest,
  parseGenerateRequest,
} from "../api/generate_request.ts";
import type { ReferenceSource } from "../api/references.ts";
import { toValidationError, ValidationError } from "../api/validation_error.ts";
import {
  editsSchema,
  FIELDS,
  generationsSchema,
  ignoredFields,
  IMAGES,
  type ResponseFormat,
} from "./fields.ts";
import { isOldModel } from "./models.ts";

/** The form of `POST /v1/images/edits`: the fields of its JSON body, with a file for each image and for the mask. */
export const EDITS_FORM: Form = new Form(FIELDS);

const MASK = "mask";
/** The sizes of older models that the image model does not draw. */
const SMALL_SIZES: readonly unknown[] = ["256x256", "512x512"];
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

/** What is understood of a body. */
interface Understood {
  readonly fields: z.output<typeof generationsSchema>;
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
  return understand(body, { fields, images: [], mask: undefined });
}

/**
 * Reads the JSON body of `POST /v1/images/edits`, or what a form says instead of it.
 *
 * @param uploads The files of the form; undefined where there is none.
 * @throws {ValidationError} With the code of the contract and the field at fault.
 */
export function parseEdits(
  body: unknown,
  uploads?: readonly ReferenceSource[],
): OpenAiRequest {
  if (uploads === undefined) {
    const fields = parse(editsSchema, body);
    const { image, images = [], mask } = fields;
    const all = image === undefined ? images : [image, ...images];
    if (all.length === 0) {
      throw new ValidationError(
        `Cannot use images: it is missing, ${IMAGES}`,
        { code: "invalid_reference", param: "images" },
      );
    }
    return understand(body, { fields, images: all, mask });
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
  return understand(body, { fields, images, mask });
}

function parse<Schema extends z.ZodType>(
  schema: Schema,
  body: unknown,
): z.output<Schema> {
  const result = schema.safeParse(
    smallSize(body) === undefined ? body : { ...body as object, size: null },
  );
  if (result.success) return result.data;
  const failure = toValidationError(result.error.issues[0], {
    body,
    fields: FIELDS,
  });
  if (failure.code !== "invalid_size") throw failure;
  // Some clients show the message to people who have never chosen a size, and do not show where to.
  throw new ValidationError(failure.message + SIZE_HINT, {
    code: failure.code,
    param: failure.param,
    logged: failure.logged,
  });
}

/** Tells the size of a request that only the models which it names have. */
function smallSize(body: unknown): string | undefined {
  if (typeof body !== "object" || body === null) return undefined;
  const { model, size } = body as Readonly<Record<string, unknown>>;
  const isOld = typeof model === "string" && isOldModel(model);
  return isOld && SMALL_SIZES.includes(size) ? `${size}` : undefined;
}

function understand(
  body: unknown,
  { fields, images, mask }: Understood,
): OpenAiRequest {
  const raw = body as z.input<typeof generationsSchema>;
  const ignored = ignoredFields(fields);
  const small = smallSize(body);
  const wanted = parseGenerateRequest(
    {
      prompt: raw.prompt,
      n: raw.n,
      size: small === undefined ? raw.size : null,
      output_size: small,
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
  const isOld = isOldModel(fields.model ?? "");
  return {
    wanted: { ...wanted, requestedSize: small ?? wanted.requestedSize },
    responseFormat: fields.response_format ?? (isOld ? "url" : "b64_json"),
    stream: fields.stream ?? false,
    ignored,
    warnings: [
      ...ignored.map((name) => `The field ${name} has no effect`),
      ...(small === undefined ? [] : [
        `Size "${small}" was drawn larger and scaled, because the image model does not draw it`,
      ]),
      ...(typeof raw.quality === "string" && raw.quality !== fields.quality
        ? [`Quality "${raw.quality}" was taken as "${fields.quality}"`]
        : []),
      ...(mask === undefined ? [] : [MASK_WARNING]),
    ],
  };
}
