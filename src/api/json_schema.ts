import * as z from "zod";
import {
  editsSchema,
  FIELDS as OPENAI_FIELDS,
  generationsSchema,
} from "../openai/fields.ts";
import {
  completedEventSchema,
  errorEventSchema,
  modelListSchema,
  modelSchema,
  openAiAnswerSchema,
} from "../openai/response.ts";
import type { FieldTable } from "./field.ts";
import { FIELDS } from "./fields.ts";
import { generateRequestSchema } from "./generate_request.ts";
import {
  candidateSchema,
  generateAnswerSchema,
  imageListSchema,
  jobFailureSchema,
  jobListSchema,
  jobSchema,
  madeImageSchema,
  storedImageSchema,
} from "./schemas.ts";
import {
  capabilitiesSchema,
  errorSchema,
  healthSchema,
  quotaSchema,
  readySchema,
  resumedSchema,
} from "./server_schemas.ts";

const FILE: JsonSchema = { type: "string", format: "binary" };
const FILES: JsonSchema = { type: "array", items: FILE };

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
    // What zod cannot describe says itself what it is.
    unrepresentable: "any",
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
export function withWords(schema: JsonSchema, fields: FieldTable): JsonSchema {
  const properties = Object.entries(schema.properties ?? {}).map((
    [name, property],
  ) => [
    name,
    { ...property as JsonSchema, description: fields[name].words },
  ]);
  return { ...schema, properties: Object.fromEntries(properties) };
}

/** Makes the schema of a form out of that of a JSON body with the same fields. */
export function asForm(schema: JsonSchema, fields: FieldTable): JsonSchema {
  const { properties = {}, required = [] } = schema;
  const shown = Object.entries(fields).flatMap(([name, { form, words }]) => {
    if (form === undefined) return [];
    const property = form === "file"
      ? { ...FILE, description: words }
      : form.startsWith("files")
      ? { ...FILES, description: words }
      : properties[name];
    return [[name, property]];
  });
  return {
    ...schema,
    properties: Object.fromEntries(shown),
    required: required.filter((name) => fields[name].form !== undefined),
  };
}

/** What zod says of every whole number is the limit of the language and no rule of ours. */
function dropLimitsOfNumbers(schema: JsonSchema): void {
  if (schema.minimum === Number.MIN_SAFE_INTEGER) delete schema.minimum;
  if (schema.maximum === Number.MAX_SAFE_INTEGER) delete schema.maximum;
}

/** The schemas that requests are checked against, and those that answers are tested against. */
export const SCHEMAS = {
  GenerateRequest: generateRequestSchema,
  GenerateAnswer: generateAnswerSchema,
  MadeImage: madeImageSchema,
  Job: jobSchema,
  JobList: jobListSchema,
  JobFailure: jobFailureSchema,
  Candidate: candidateSchema,
  StoredImage: storedImageSchema,
  ImageList: imageListSchema,
  GenerationsRequest: generationsSchema,
  EditsRequest: editsSchema,
  OpenAiAnswer: openAiAnswerSchema,
  CompletedEvent: completedEventSchema,
  ErrorEvent: errorEventSchema,
  Model: modelSchema,
  ModelList: modelListSchema,
  Capabilities: capabilitiesSchema,
  Health: healthSchema,
  Ready: readySchema,
  Resumed: resumedSchema,
  Usage: quotaSchema,
  Error: errorSchema,
} as const;

/** The name of a schema of the document. */
export type SchemaName = keyof typeof SCHEMAS | "GenerateForm" | "EditsForm";

/** Writes all schemas of the document. */
export function componentSchemas(): Readonly<Record<SchemaName, JsonSchema>> {
  const plain = toJsonSchemas(SCHEMAS);
  const GenerateRequest = withWords(plain.GenerateRequest, FIELDS);
  const EditsRequest = withWords(plain.EditsRequest, OPENAI_FIELDS);
  return {
    ...plain,
    GenerateRequest,
    GenerateForm: asForm(GenerateRequest, FIELDS),
    GenerationsRequest: withWords(plain.GenerationsRequest, OPENAI_FIELDS),
    EditsRequest,
    EditsForm: asForm(EditsRequest, OPENAI_FIELDS),
  };
}
