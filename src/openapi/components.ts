import {
  generateAnswerSchema,
  madeImageSchema,
} from "../contract/image_answers.ts";
import {
  candidateSchema,
  jobFailureSchema,
  jobListSchema,
  jobSchema,
} from "../contract/job_answers.ts";
import {
  imageListSchema,
  storedImageSchema,
} from "../contract/library_answers.ts";
import { generateRequestSchema } from "../contract/request_schema.ts";
import {
  capabilitiesSchema,
  errorSchema,
  healthSchema,
  readySchema,
} from "../contract/server_answers.ts";
import {
  completedEventSchema,
  errorEventSchema,
  modelListSchema,
  modelSchema,
  openAiAnswerSchema,
} from "../openai/answer_schemas.ts";
import { FIELDS } from "../openai/fields.ts";
import { editsSchema, generationsSchema } from "../openai/schema.ts";
import { FIELD_NOTES } from "./field_notes.ts";
import {
  asForm,
  type JsonSchema,
  toJsonSchemas,
  withNotes,
} from "./json_schema.ts";

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
