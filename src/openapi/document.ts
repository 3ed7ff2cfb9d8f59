import { VERSION } from "../version.ts";
import { componentSchemas } from "./components.ts";
import { GENERATE_OPERATIONS, LIBRARY_OPERATIONS } from "./image_operations.ts";
import { type JsonSchema, refer } from "./json_schema.ts";
import type { Answer, Operation, Parameter } from "./operation.ts";
import { JOB_OPERATIONS, SERVER_OPERATIONS } from "./service_operations.ts";

/** All operations of the API, in the order in which they are shown. */
export const OPERATIONS: readonly Operation[] = [
  ...GENERATE_OPERATIONS,
  ...LIBRARY_OPERATIONS,
  ...JOB_OPERATIONS,
  ...SERVER_OPERATIONS,
];

const OPEN_PATHS = ["/healthz", "/readyz"];

/** Describes the API as OpenAPI 3.1 does, of the schemas that requests are checked against. */
export function openApiDocument() {
  const paths: Record<string, Record<string, unknown>> = {};
  for (const operation of OPERATIONS) {
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
    tags: [...new Set(OPERATIONS.map(({ tag }) => tag))]
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

function describe(operation: Operation) {
  const { answers, body, description, id, parameters, path, summary, tag } =
    operation;
  return {
    operationId: id,
    tags: [tag],
    summary,
    ...(description !== undefined && { description }),
    ...(OPEN_PATHS.includes(path) && { security: [{}] }),
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
