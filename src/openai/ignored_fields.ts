import type * as z from "zod";
import { MODEL } from "../contract/choices.ts";
import { type FieldName, FIELDS } from "./fields.ts";
import type { generationsSchema } from "./schema.ts";

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
