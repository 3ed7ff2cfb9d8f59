import type * as z from "zod";
import { describeValue, quoteValue } from "./describe_value.ts";
import { InvalidRequest, type InvalidRequestCode } from "./invalid_request.ts";
import type { generateRequestSchema } from "./request_schema.ts";

/** The longest name of an unknown field that is reported, in UTF-16 code units. */
const MAX_PARAM = 60;

type OwnField = keyof typeof generateRequestSchema.shape;

/** The fields in which other bodies than that of the own route hold pictures. */
type PictureField = "image" | "images" | "mask";

type Field = OwnField | PictureField;

const CODES: Readonly<Record<Field, InvalidRequestCode>> = {
  prompt: "invalid_prompt",
  count: "invalid_count",
  n: "invalid_count",
  size: "invalid_size",
  aspect: "invalid_aspect",
  canvas_size: "invalid_aspect",
  quality: "invalid_quality",
  output_format: "invalid_output_format",
  output_compression: "invalid_output_format",
  background: "invalid_output_format",
  fit: "invalid_size",
  references: "invalid_reference",
  return: "unknown_parameter",
  model: "unknown_parameter",
  fail_fast: "unknown_parameter",
  image: "invalid_reference",
  images: "invalid_reference",
  mask: "invalid_reference",
};

/** Tells the code for a field at fault; for one that does not exist, `unknown_parameter`. */
export function codeOf(field: string): InvalidRequestCode {
  return Object.hasOwn(CODES, field)
    ? CODES[field as Field]
    : "unknown_parameter";
}

/**
 * Puts an issue that the schema found in a body into the words and the code of the contract.
 *
 * A prompt and pictures are described by length or kind; other values are shown, cut after about 60 characters.
 */
export function refuseIssue(
  issue: z.core.$ZodIssue,
  body: unknown,
): InvalidRequest {
  if (issue.code === "unrecognized_keys") return refuseUnknown(issue);
  if (issue.path.length === 0) return refuseBody(body, issue);
  const field = String(issue.path[0]);
  const code = codeOf(field);
  const param = formatPath(issue.path);
  const value = valueAt(body, issue.path);
  if (field === "prompt" && isMissing(value)) {
    return new InvalidRequest(
      `Cannot use prompt: it is missing or blank, ${issue.message}`,
      { code: "missing_prompt", param },
    );
  }
  return new InvalidRequest(
    `Cannot use ${param}${describe(value, code)} ${issue.message}`,
    { code, param },
  );
}

function refuseUnknown(
  issue: z.core.$ZodIssueUnrecognizedKeys,
): InvalidRequest {
  const name = formatPath([...issue.path, issue.keys[0]]);
  return new InvalidRequest(
    `Cannot use ${quoteValue(name)}: ${issue.message}`,
    { code: "unknown_parameter", param: name.slice(0, MAX_PARAM) },
  );
}

function refuseBody(body: unknown, issue: z.core.$ZodIssue): InvalidRequest {
  const kind = Array.isArray(body)
    ? "a list"
    : body === null
    ? "null"
    : `of type ${typeof body}`;
  return new InvalidRequest(
    `Cannot use the body: ${issue.message}, and it is ${kind}`,
    { code: "invalid_json", param: null },
  );
}

function isMissing(value: unknown): boolean {
  return value === undefined || value === null ||
    (typeof value === "string" && value.trim() === "");
}

function describe(value: unknown, code: InvalidRequestCode): string {
  if (value === undefined) return ": it is missing,";
  const isPrivate = code === "invalid_prompt" || code === "invalid_reference";
  return ` ${isPrivate ? describeValue(value) : quoteValue(value)}:`;
}

function formatPath(path: readonly PropertyKey[]): string {
  return path.map((part, index) => {
    if (typeof part === "number") return `[${part}]`;
    return index === 0 ? String(part) : `.${String(part)}`;
  }).join("");
}

function valueAt(body: unknown, path: readonly PropertyKey[]): unknown {
  return path.reduce(
    (value, part) => (value as Record<PropertyKey, unknown>)[part],
    body,
  );
}
