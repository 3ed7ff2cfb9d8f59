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
  type ResponseFormat,
} from "./fields.ts";

/** The form of `POST /v1/images/edits`: the fields of its JSON body, with a file for each image and for the mask. */
export const EDITS_FORM: Form = new Form(FIELDS);

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
  uploads?: readonly ReferenceSource[],
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
