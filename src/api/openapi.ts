import { VERSION } from "../version.ts";
import {
  componentSchemas,
  type JsonSchema,
  refer,
  type SchemaName,
} from "./json_schema.ts";

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
