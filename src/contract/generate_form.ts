import { type FieldKind, Form } from "./form.ts";
import type { generateRequestSchema } from "./request_schema.ts";

type Field =
  | Exclude<keyof typeof generateRequestSchema.shape, "references">
  | "reference";

const FIELDS = {
  prompt: "text",
  count: "number",
  n: "number",
  size: "text",
  aspect: "text",
  canvas_size: "object",
  quality: "text",
  output_format: "text",
  output_compression: "number",
  background: "text",
  fit: "text",
  reference: "files",
  return: "text",
  model: "text",
  fail_fast: "boolean",
} as const satisfies Record<Field, FieldKind>;

/** The form of `POST /v1/images/generate`: the fields of its JSON body, and a file for each reference. */
export const GENERATE_FORM: Form = new Form(FIELDS);
