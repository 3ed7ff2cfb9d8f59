import * as z from "zod";
import { FIELDS } from "../openai/fields.ts";
import { editsSchema, generationsSchema } from "../openai/request.ts";
import {
  completedEventSchema,
  errorEventSchema,
  modelListSchema,
  modelSchema,
  openAiAnswerSchema,
} from "../openai/response.ts";
import { VERSION } from "../version.ts";
import { generateRequestSchema } from "./generate_request.ts";
import {
  candidateSchema,
  capabilitiesSchema,
  errorSchema,
  generateAnswerSchema,
  healthSchema,
  imageListSchema,
  jobFailureSchema,
  jobListSchema,
  jobSchema,
  madeImageSchema,
  readySchema,
  storedImageSchema,
} from "./schemas.ts";

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

/** What the fields of `POST /v1/images/generate` mean, in Markdown. */
export const FIELD_NOTES: Readonly<
  Record<keyof typeof generateRequestSchema.shape, string>
> = {
  prompt: "What to draw, 1 to 32,000 characters",
  count: "How many distinct candidates to make",
  n: "The same as `count`",
  size:
    "`auto` (default), `1K`, `2K`, `4K`, or `WIDTHxHEIGHT`: multiples of 16, the longest edge at most 3840, 655,360 to 8,294,400 pixels, at most 3:1",
  aspect:
    "`W:H`, `landscape`, `portrait`, `square`, `reference` (that of the first) or `canvas` (that of `canvas_size`); for `auto` and the presets",
  canvas_size: "The size of the caller's canvas, in any unit",
  quality: "The wanted quality, which Codex takes as words in the prompt",
  output_format: "The format of the file",
  output_compression: "How much to lose in JPEG and WebP, 100 for the least",
  background: "`transparent` needs PNG or WebP",
  fit:
    "How the image comes to its size: `cover` scales and crops, `contain` scales and pads, `none` leaves it",
  references:
    "Images to work from, PNG, JPEG or WebP by their bytes; the first five reach the image model as files",
  return: "For older clients",
  model: "The one model",
  fail_fast:
    "Whether the first failed candidate cancels the rest and fails the request",
};

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
  Error: errorSchema,
} as const;

/** The name of a schema of the document. */
export type SchemaName = keyof typeof SCHEMAS | "GenerateForm" | "EditsForm";

const FILE: JsonSchema = { type: "string", format: "binary" };
const FILES: JsonSchema = { type: "array", items: FILE };

/** Writes all schemas of the document. */
export function componentSchemas(): Readonly<Record<SchemaName, JsonSchema>> {
  const plain = toJsonSchemas(SCHEMAS);
  const notes = Object.fromEntries(
    Object.entries(FIELDS).map(([name, { note }]) => [name, note]),
  );
  const GenerateRequest = withNotes(plain.GenerateRequest, FIELD_NOTES);
  const EditsRequest = withNotes(plain.EditsRequest, notes);
  return {
    ...plain,
    GenerateRequest,
    GenerateForm: asForm(GenerateRequest, {
      without: ["references"],
      files: {
        reference: { ...FILES, description: FIELD_NOTES.references },
      },
    }),
    GenerationsRequest: withNotes(plain.GenerationsRequest, notes),
    EditsRequest,
    EditsForm: asForm(EditsRequest, {
      without: ["images", "mask"],
      files: {
        image: { ...FILES, description: notes.image },
        mask: { ...FILE, description: notes.mask },
      },
    }),
  };
}

/** A part of a request beside its body. */
export interface Parameter {
  readonly in: "header" | "path" | "query";
  readonly name: string;
  readonly description: string;
  /** The values that it may have; any text when left out. */
  readonly values?: readonly string[];
}

/** What an operation may answer with one status. */
export interface Answer {
  readonly description: string;
  /** By media type, what it holds: one of several things, or nothing that has a schema. */
  readonly content?: Readonly<Record<string, readonly SchemaName[]>>;
}

/** What a route does, as the document tells it. */
export interface Operation {
  /** Its name in generated clients. */
  readonly id: string;
  /** The part of the API that it belongs to. */
  readonly tag: string;
  /** What it does, in a line. */
  readonly summary: string;
  /** What else there is to know, in Markdown. */
  readonly description?: string;
  readonly parameters?: readonly Parameter[];
  /** By media type, what is sent. */
  readonly body?: Readonly<Record<string, SchemaName>>;
  /** By status; those of errors are the same for all. */
  readonly answers: Readonly<Record<number, Answer>>;
}

/** Makes the answer that holds JSON. */
export function json(name: SchemaName, description: string): Answer {
  return { description, content: { "application/json": [name] } };
}

/** Makes the answer that holds what has no schema, in one of several media types. */
export function withoutSchema(
  description: string,
  ...types: readonly string[]
): Answer {
  const content = Object.fromEntries(types.map((type) => [type, []]));
  return { description, content };
}

/** A route, as far as the document tells of it. */
export interface DescribedRoute {
  readonly method: string;
  /** The path as a `URLPattern`, such as `/v1/images/:id/file`. */
  readonly path: string;
  /** Whether it needs no key. */
  readonly open?: boolean;
  /** What it does; left out where the document should not tell of it. */
  readonly operation?: Operation;
}

/** An operation with the method, in lower case, and the path that it has in the document. */
export interface PlacedOperation extends Operation {
  readonly method: string;
  /** The path, its parameters in braces. */
  readonly path: string;
  readonly open: boolean;
}

/** Lists the operations of routes, as the document places them. */
export function operationsOf(
  routes: readonly DescribedRoute[],
): readonly PlacedOperation[] {
  return routes.flatMap(({ method, open = false, operation, path }) =>
    operation === undefined ? [] : {
      ...operation,
      method: method.toLowerCase(),
      path: path.replaceAll(/:(\w+)(?:\([^)]*\))?/g, "{$1}"),
      open,
    }
  );
}

/** Describes the API as OpenAPI 3.1 does, by its routes and the schemas that requests are checked against. */
export function openApiDocument(routes: readonly DescribedRoute[]) {
  const operations = operationsOf(routes);
  const paths: Record<string, Record<string, unknown>> = {};
  for (const operation of operations) {
    const { method, path } = operation;
    paths[path] = { ...paths[path], [method]: describe(operation) };
  }
  return {
    openapi: "3.1.0",
    info: {
      title: "codex-image-server",
      version: VERSION,
      summary: "A local image API on a logged-in Codex CLI",
      description:
        "Every error has the form of the schema `Error`. Keys are asked for only where the server was started with one.",
      license: { name: "MIT", identifier: "MIT" },
    },
    servers: [{ url: "/" }],
    security: [{}, { bearer: [] }, { xApiKey: [] }, { apiKey: [] }],
    tags: [...new Set(operations.map(({ tag }) => tag))]
      .map((name) => ({ name })),
    paths,
    components: {
      schemas: componentSchemas(),
      responses: {
        Error: {
          description: "What went wrong",
          content: { "application/json": { schema: refer("Error") } },
        },
      },
      securitySchemes: {
        bearer: { type: "http", scheme: "bearer" },
        xApiKey: { type: "apiKey", in: "header", name: "X-API-Key" },
        apiKey: { type: "apiKey", in: "header", name: "api-key" },
      },
    },
  } as const;
}

function describe(operation: PlacedOperation) {
  const { answers, body, description, id, open, parameters, summary, tag } =
    operation;
  return {
    operationId: id,
    tags: [tag],
    summary,
    ...(description !== undefined && { description }),
    ...(open && { security: [{}] }),
    ...(parameters !== undefined &&
      { parameters: parameters.map(describeParameter) }),
    ...(body !== undefined && {
      requestBody: {
        required: true,
        content: describeContent(
          Object.entries(body).map(([type, name]) => [type, [name]]),
        ),
      },
    }),
    responses: {
      ...Object.fromEntries(
        Object.entries(answers).map(([status, answer]) => [
          status,
          describeAnswer(answer),
        ]),
      ),
      "default": { $ref: "#/components/responses/Error" },
    },
  };
}

function describeParameter(
  { in: place, name, description, values }: Parameter,
) {
  return {
    in: place,
    name,
    description,
    required: place === "path",
    schema: { type: "string", ...(values && { enum: values }) },
  };
}

function describeAnswer({ content, description }: Answer) {
  return {
    description,
    ...(content && { content: describeContent(Object.entries(content)) }),
  };
}

function describeContent(
  content: readonly (readonly [type: string, names: readonly string[]])[],
): Record<string, { readonly schema?: JsonSchema }> {
  return Object.fromEntries(content.map(([type, names]) => [
    type,
    names.length === 0 ? {} : {
      schema: names.length === 1
        ? refer(names[0])
        : { anyOf: names.map(refer) },
    },
  ]));
}
