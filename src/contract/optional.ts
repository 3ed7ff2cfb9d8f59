import type * as z from "zod";

/** Makes a field optional: a missing one and `null` both become `undefined`. */
export function optional<Schema extends z.ZodType>(schema: Schema) {
  return schema.nullish().transform((value) => value ?? undefined);
}
