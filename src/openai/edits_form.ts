import { type FieldKind, Form } from "../contract/form.ts";
import type { generationsSchema } from "./schema.ts";

type Field =
  | keyof typeof generationsSchema.shape
  | "image"
  | "image[]"
  | "mask";

const FIELDS = {
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
export const EDITS_FORM: Form = new Form(FIELDS);
