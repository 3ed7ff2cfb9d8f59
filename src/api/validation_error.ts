import type * as z from "zod";
import { ApiError } from "../errors.ts";

/** How much of a value is shown, in UTF-16 code units. */
const MAX_SHOWN = 60;

/** Up to how many UTF-16 code units text is counted in code points; beyond, nobody tells the difference. */
const MAX_COUNTED = 100_000;

/**
 * Shows a value from JSON as JSON, cut after about 60 characters.
 *
 * @example
 * ```ts
 * import { quoteValue } from "./validation_error.ts";
 *
 * quoteValue("huge"); // '"huge"'
 * ```
 */
export function quoteValue(value: unknown): string {
  if (typeof value === "string") return JSON.stringify(shorten(value));
  return shorten(JSON.stringify(value));
}

/** Describes a value from JSON that is not for other eyes: text and lists by their length, an object as such. */
export function describeValue(value: unknown): string {
  if (typeof value === "string") {
    return `of length ${countCharacters(value).toLocaleString("en-US")}`;
  }
  if (Array.isArray(value)) return `of length ${value.length}`;
  const isObject = typeof value === "object" && value !== null;
  return isObject ? "of type object" : quoteValue(value);
}

function countCharacters(text: string): number {
  return text.length > MAX_COUNTED ? text.length : Array.from(text).length;
}

function shorten(text: string): string {
  return text.length > MAX_SHOWN
    ? `${text.slice(0, MAX_SHOWN).toWellFormed()}…`
    : text;
}

/** The codes of 400 answers that a request can cause by what it says. */
export type ValidationErrorCode =
  | "invalid_json"
  | "missing_prompt"
  | "invalid_prompt"
  | "invalid_count"
  | "invalid_size"
  | "invalid_quality"
  | "invalid_output_format"
  | "invalid_aspect"
  | "invalid_reference"
  | "unknown_parameter";

/** Where an {@linkcode ValidationError} lies. */
export interface ValidationErrorOptions {
  /** The machine-readable code of the answer. */
  readonly code: ValidationErrorCode;
  /** The field at fault, such as `references[2].image`, or `null` for the whole body. */
  readonly param: string | null;
  /** Its value as a log may hold it; undefined where there is none to tell. */
  readonly logged?: string;
}

/** The one failure for a request that says something it may not. */
export class ValidationError extends ApiError {
  override name = "ValidationError";
  /** The value at fault as a log may hold it; undefined where there is none to tell. */
  readonly logged: string | undefined;

  /** @param message What is wrong; safe to show to the caller. */
  constructor(message: string, options: ValidationErrorOptions) {
    super(options.code, message, { param: options.param });
    this.logged = options.logged;
  }
}

const WORD = /^[\w.:/-]{1,40}$/;

/** The longest name of an unknown field that is reported, in UTF-16 code units. */
const MAX_PARAM = 60;

/** The codes of fields. */
export type FieldCodes = Readonly<
  Record<string, { readonly code: ValidationErrorCode }>
>;

/** Tells the code for a field at fault; for one that does not exist, `unknown_parameter`. */
export function codeOf(field: string, fields: FieldCodes): ValidationErrorCode {
  return Object.hasOwn(fields, field)
    ? fields[field].code
    : "unknown_parameter";
}

/**
 * Puts an issue that the schema found in a body into the words and the code of the contract.
 *
 * A prompt and pictures are described by length or kind; other values are shown, cut after about 60 characters.
 */
export function toValidationError(
  issue: z.core.$ZodIssue,
  { body, fields }: { readonly body: unknown; readonly fields: FieldCodes },
): ValidationError {
  if (issue.code === "unrecognized_keys") return refuseUnknown(issue);
  if (issue.path.length === 0) return refuseBody(body, issue);
  const field = String(issue.path[0]);
  const code = codeOf(field, fields);
  const param = formatPath(issue.path);
  const value = valueAt(body, issue.path);
  if (field === "prompt" && isMissing(value)) {
    return new ValidationError(
      `Cannot use prompt: it is missing or blank, ${issue.message}`,
      { code: "missing_prompt", param },
    );
  }
  return new ValidationError(
    `Cannot use ${param}${describe(value, code)} ${issue.message}`,
    { code, param, logged: describeForLog(value, code) },
  );
}

function refuseUnknown(
  issue: z.core.$ZodIssueUnrecognizedKeys,
): ValidationError {
  const name = formatPath([...issue.path, issue.keys[0]]);
  return new ValidationError(
    `Cannot use ${quoteValue(name)}: ${issue.message}`,
    { code: "unknown_parameter", param: name.slice(0, MAX_PARAM) },
  );
}

function refuseBody(body: unknown, issue: z.core.$ZodIssue): ValidationError {
  const kind = Array.isArray(body)
    ? "a list"
    : body === null
    ? "null"
    : `of type ${typeof body}`;
  return new ValidationError(
    `Cannot use the body: ${issue.message}, and it is ${kind}`,
    { code: "invalid_json", param: null },
  );
}

function isMissing(value: unknown): boolean {
  return value === undefined || value === null ||
    (typeof value === "string" && value.trim() === "");
}

function describe(value: unknown, code: ValidationErrorCode): string {
  if (value === undefined) return ": it is missing,";
  return ` ${isPrivate(code) ? describeValue(value) : quoteValue(value)}:`;
}

// A sentence in the wrong field may be a prompt.
function describeForLog(
  value: unknown,
  code: ValidationErrorCode,
): string | undefined {
  if (value === undefined) return undefined;
  const isWord = typeof value === "string" && WORD.test(value);
  return isWord && !isPrivate(code) ? value : describeValue(value);
}

function isPrivate(code: ValidationErrorCode): boolean {
  return code === "invalid_prompt" || code === "invalid_reference";
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
