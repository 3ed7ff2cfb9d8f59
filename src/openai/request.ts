import type * as z from "zod";
import { MODEL } from "../contract/choices.ts";
import { InvalidRequest } from "../contract/invalid_request.ts";
import type {
  FileReference,
  InlineReference,
  ReferenceSource,
} from "../contract/reference_schema.ts";
import { refuseIssue } from "../contract/refuse_issue.ts";
import {
  type GenerateRequest,
  parseGenerateRequest,
} from "../contract/request.ts";
import { isIgnored } from "./fields.ts";
import {
  editsSchema,
  generationsSchema,
  OLD_QUALITIES,
  type ResponseFormat,
} from "./schema.ts";

const MASK = "mask";
const SIZE_HINT =
  `; set the size in your client to "auto", or to one such as "1024x1024", "1536x1024" or "1024x1536"`;
const MASK_WARNING =
  "Codex's image tool has no mask: it was passed as a reference with instructions, and what lies outside of it may have changed too";

/** A request of an OpenAI client, understood. */
export interface OpenAiRequest {
  /** What it means here. */
  readonly wanted: GenerateRequest;
  /** How the images shall be answered. */
  readonly responseFormat: ResponseFormat;
  /** Whether they shall be answered as they come. */
  readonly stream: boolean;
  /** The names of the fields that had no effect, in alphabetical order. */
  readonly ignored: readonly string[];
  /** What else the caller should know. */
  readonly warnings: readonly string[];
}

type Fields =
  & z.output<typeof generationsSchema>
  & Partial<
    Pick<z.output<typeof editsSchema>, "images" | "mask">
  >;

/**
 * Reads the JSON body of `POST /v1/images/generations`.
 *
 * @throws {InvalidRequest} With the code of the contract and the field at fault, by its name in this body.
 */
export function parseGenerations(body: unknown): OpenAiRequest {
  return understand(body, parse(generationsSchema, body), []);
}

/**
 * Reads the JSON body of `POST /v1/images/edits`, or what a form says instead of it.
 *
 * @param uploads The files of the form; undefined where there is no form.
 * @throws {InvalidRequest} With the code of the contract and the field at fault, by its name in this body.
 */
export function parseEdits(
  body: unknown,
  uploads?: readonly FileReference[],
): OpenAiRequest {
  if (uploads === undefined) {
    const fields = parse(editsSchema, body);
    return understand(body, fields, inlineReferences(fields));
  }
  const fields = parse(generationsSchema, body);
  const images = uploads.filter(({ param }) => param !== MASK);
  if (images.length === 0) {
    throw new InvalidRequest(
      "Cannot use image: it is missing, expected at least one file",
      { code: "invalid_reference", param: "image" },
    );
  }
  const [mask] = uploads.filter(({ param }) => param === MASK);
  return understand(body, fields, withMask(images, mask));
}

function understand(
  body: unknown,
  fields: Fields,
  references: readonly ReferenceSource[],
): OpenAiRequest {
  // The own route's rules look at what the caller wrote, and not at what this schema has made of it.
  const raw = body as Readonly<Record<string, unknown>>;
  const format = fields.output_format ?? "png";
  const isPng = format === "png";
  const quality = fields.quality ?? "auto";
  const hasMask = references.some(({ label }) => label === MASK);
  const wanted = parseGenerateRequest({
    prompt: raw.prompt,
    n: raw.n,
    size: raw.size,
    quality: modernQuality(quality),
    output_format: raw.output_format,
    output_compression: isPng ? undefined : raw.output_compression,
    background: raw.background,
  }, references);
  const isOtherModel = fields.model !== undefined && fields.model !== MODEL;
  const ignored = Object.keys(raw).filter((name) =>
    raw[name] !== null &&
    (isIgnored(name) || (name === "output_compression" && isPng) ||
      (name === "model" && isOtherModel))
  ).sort();
  return {
    wanted: { ...wanted, hasMask },
    responseFormat: fields.response_format ?? "b64_json",
    stream: fields.stream ?? false,
    ignored,
    warnings: [
      ...ignored.map((name) => ignoredWarning(name)),
      ...(quality in OLD_QUALITIES ? [qualityWarning(quality)] : []),
      ...(hasMask ? [MASK_WARNING] : []),
    ],
  };
}
