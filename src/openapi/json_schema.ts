import * as z from "zod";

/** A schema in JSON. */
export type JsonSchema = z.core.JSONSchema.BaseSchema;

/** Refers to a schema of the document. */
export function refer(name: string): { readonly $ref: string } {
  return { $ref: `#/components/schemas/${name}` };
}

/** Writes schemas in JSON as what may be sent or is answered; one that is part of another is referred to by its name. */
export function toJsonSchemas<Name extends string>(
  schemas: Readonly<Record<Name, z.ZodType>>,
): Record<Name, JsonSchema> {
  const registry = z.registry<{ readonly id: string }>();
  for (const [id, schema] of Object.entries<z.ZodType>(schemas)) {
    registry.add(schema, { id });
  }
  const { schemas: written } = z.toJSONSchema(registry, {
    io: "input",
    uri: (name) => refer(name).$ref,
    override: ({ jsonSchema }) => dropLimitsOfNumbers(jsonSchema),
  });
  const named: Record<string, JsonSchema> = {};
  for (const [name, schema] of Object.entries(written)) {
    const { $id: _, $schema: __, "~standard": ___, ...rest } = schema;
    named[name] = rest;
  }
  return named as Record<Name, JsonSchema>;
}

/** Says what the properties of an object mean. */
export function withNotes(
  schema: JsonSchema,
  notes: Readonly<Record<string, string>>,
): JsonSchema {
  const properties = Object.entries(schema.properties ?? {}).map((
    [name, property],
  ) => [name, { ...property as JsonSchema, description: notes[name] }]);
  return { ...schema, properties: Object.fromEntries(properties) };
}

/**
 * Makes the schema of a form out of that of a JSON body.
 *
 * @param without The properties that the form has not.
 * @param files The properties that it has instead.
 */
export function asForm(
  schema: JsonSchema,
  { files, without }: {
    readonly without: readonly string[];
    readonly files: Readonly<Record<string, JsonSchema>>;
  },
): JsonSchema {
  const { properties = {}, required = [] } = schema;
  const kept = Object.entries(properties)
    .filter(([name]) => !without.includes(name));
  return {
    ...schema,
    properties: { ...Object.fromEntries(kept), ...files },
    required: required.filter((name) => !without.includes(name)),
  };
}

/** What zod says of every whole number is the limit of the language and no rule of ours. */
function dropLimitsOfNumbers(schema: JsonSchema): void {
  if (schema.minimum === Number.MIN_SAFE_INTEGER) delete schema.minimum;
  if (schema.maximum === Number.MAX_SAFE_INTEGER) delete schema.maximum;
}
