import { json, type Operation, type Parameter } from "./openapi.ts";

const JSON_TYPE = "application/json";
const FORM_TYPE = "multipart/form-data";
const EVENTS_TYPE = "text/event-stream";

const KEY: Parameter = {
  in: "header",
  name: "Idempotency-Key",
  description:
    "A repeat under the same key gets the job that was started under it",
};

const IMAGE_ID: Parameter = {
  in: "path",
  name: "id",
  description: "The id of a stored image",
};

/** The operations that make images. */
export const GENERATE_OPERATIONS: readonly Operation[] = [
  {
    method: "post",
    path: "/v1/images/generate",
    id: "generate",
    tag: "Images",
    summary: "Make images",
    description:
      "Answers when all candidates are done; with `Accept: text/event-stream` as they come, and with `Prefer: respond-async` at once. When the caller leaves, all work ends.",
    parameters: [KEY, {
      in: "header",
      name: "Prefer",
      description: "Whether to answer at once with the job",
      values: ["respond-async"],
    }],
    body: { [JSON_TYPE]: "GenerateRequest", [FORM_TYPE]: "GenerateForm" },
    answers: {
      200: {
        description:
          "The images, some of which may have failed; or the events `progress`, `image` and at the end `completed` or `error`, with this for their data",
        content: {
          [JSON_TYPE]: ["GenerateAnswer"],
          [EVENTS_TYPE]: [
            "Candidate",
            "MadeImage",
            "GenerateAnswer",
            "JobFailure",
          ],
        },
      },
      202: json("Job", "The job, which goes on by itself"),
    },
  },
  {
    method: "post",
    path: "/v1/images/generations",
    id: "createImage",
    tag: "OpenAI",
    summary: "Make images as OpenAI's clients ask for them",
    description:
      "`x-codex-image-ignored` names the fields that had no effect. The path works without `/v1` too.",
    parameters: [KEY],
    body: { [JSON_TYPE]: "GenerationsRequest" },
    answers: { 200: openAiAnswer("image_generation") },
  },
  {
    method: "post",
    path: "/v1/images/edits",
    id: "editImage",
    tag: "OpenAI",
    summary: "Make images of images as OpenAI's clients ask for them",
    description:
      "In a form, `image` may be repeated or called `image[]`. The path works without `/v1` too.",
    parameters: [KEY],
    body: { [FORM_TYPE]: "EditsForm", [JSON_TYPE]: "EditsRequest" },
    answers: { 200: openAiAnswer("image_edit") },
  },
];

/** The operations on images that are stored. */
export const LIBRARY_OPERATIONS: readonly Operation[] = [
  {
    method: "get",
    path: "/v1/images",
    id: "listImages",
    tag: "Library",
    summary: "List stored images, the newest first",
    parameters: [
      { in: "query", name: "limit", description: "1 to 100, 20 if left out" },
      {
        in: "query",
        name: "cursor",
        description: "The `next_cursor` of the page before",
      },
      { in: "query", name: "job", description: "Those of one job" },
      {
        in: "query",
        name: "q",
        description: "Words of their prompts, where prompts are stored",
      },
    ],
    answers: { 200: json("ImageList", "A page of images") },
  },
  {
    method: "get",
    path: "/v1/images/{id}",
    id: "showImage",
    tag: "Library",
    summary: "Look at what is known of an image",
    parameters: [IMAGE_ID],
    answers: { 200: json("StoredImage", "The image") },
  },
  {
    method: "delete",
    path: "/v1/images/{id}",
    id: "removeImage",
    tag: "Library",
    summary: "Remove an image and all its files",
    parameters: [IMAGE_ID],
    answers: { 204: { description: "It is removed" } },
  },
  {
    method: "get",
    path: "/v1/images/{id}/file",
    id: "fetchImage",
    tag: "Library",
    summary: "Fetch the file of an image",
    description:
      "Honours `Range`, `If-Match`, `If-None-Match`, the dates like them, and `HEAD`. A condition that does not hold is 412, a range behind the end 416.",
    parameters: [IMAGE_ID, {
      in: "query",
      name: "variant",
      description:
        "The file as it was delivered (default), as Codex wrote it, or small",
      values: ["delivered", "original", "thumbnail"],
    }],
    answers: {
      200: file("The file"),
      206: file("A range of it"),
      304: { description: "The caller has it already" },
    },
  },
];

function openAiAnswer(operation: string) {
  return {
    description:
      `The images; with \`stream\` the events \`${operation}.completed\` for each image as it is finished, and \`error\` at the end`,
    content: {
      [JSON_TYPE]: ["OpenAiAnswer"],
      [EVENTS_TYPE]: ["CompletedEvent", "ErrorEvent"],
    },
  } as const;
}

function file(description: string) {
  const types = ["image/png", "image/jpeg", "image/webp"];
  const content = Object.fromEntries(types.map((type) => [type, []]));
  return { description, content };
}

const JOB_ID: Parameter = {
  in: "path",
  name: "id",
  description: "The id of a job, `gen_…`",
};

/** The operations on jobs. */
export const JOB_OPERATIONS: readonly Operation[] = [
  {
    method: "get",
    path: "/v1/jobs",
    id: "listJobs",
    tag: "Jobs",
    summary: "List jobs, the newest first",
    parameters: [
      { in: "query", name: "limit", description: "1 to 100, 20 if left out" },
    ],
    answers: { 200: json("JobList", "The jobs") },
  },
  {
    method: "get",
    path: "/v1/jobs/{id}",
    id: "showJob",
    tag: "Jobs",
    summary: "Look at a job",
    parameters: [JOB_ID],
    answers: { 200: json("Job", "The job") },
  },
  {
    method: "delete",
    path: "/v1/jobs/{id}",
    id: "cancelJob",
    tag: "Jobs",
    summary: "Cancel a job",
    parameters: [JOB_ID],
    answers: { 200: json("Job", "The job as it stood") },
  },
  {
    method: "get",
    path: "/v1/jobs/{id}/events",
    id: "watchJob",
    tag: "Jobs",
    summary: "Watch a job",
    parameters: [JOB_ID, {
      in: "header",
      name: "Last-Event-ID",
      description: "The last event that the reader has",
    }],
    answers: {
      200: {
        description:
          "The events `progress`, `image` and at the end `completed` or `error`, with this for their data",
        content: {
          "text/event-stream": [
            "Candidate",
            "MadeImage",
            "GenerateAnswer",
            "JobFailure",
          ],
        },
      },
    },
  },
  {
    method: "delete",
    path: "/v1/jobs/{id}/candidates/{index}",
    id: "cancelCandidate",
    tag: "Jobs",
    summary: "Cancel one candidate of a job",
    parameters: [JOB_ID, {
      in: "path",
      name: "index",
      description: "Which candidate, from 0",
    }],
    answers: { 200: json("Job", "The job as it stood") },
  },
];

/** The operations that tell of the server. */
export const SERVER_OPERATIONS: readonly Operation[] = [
  {
    method: "get",
    path: "/v1/capabilities",
    id: "showCapabilities",
    tag: "Server",
    summary: "Look at what the server can do",
    answers: { 200: json("Capabilities", "What it can do") },
  },
  {
    method: "get",
    path: "/v1/models",
    id: "listModels",
    tag: "OpenAI",
    summary: "List the models, of which there is one",
    answers: { 200: json("ModelList", "The models") },
  },
  {
    method: "get",
    path: "/v1/models/{id}",
    id: "showModel",
    tag: "OpenAI",
    summary: "Look at the model",
    parameters: [{
      in: "path",
      name: "id",
      description: "The name of the model",
    }],
    answers: { 200: json("Model", "The model") },
  },
  {
    method: "get",
    path: "/healthz",
    id: "showHealth",
    tag: "Server",
    summary: "See whether the server runs, and how busy it is",
    description: "Needs no key.",
    answers: { 200: json("Health", "It runs") },
  },
  {
    method: "get",
    path: "/readyz",
    id: "showReadiness",
    tag: "Server",
    summary: "See whether an image could be made now",
    description: "Needs no key.",
    answers: {
      200: json("Ready", "It could"),
      503: json("Ready", "It could not, and why"),
    },
  },
  {
    method: "get",
    path: "/metrics",
    id: "showMetrics",
    tag: "Server",
    summary: "Read numbers for Prometheus",
    answers: { 200: text("The numbers", "text/plain") },
  },
  {
    method: "get",
    path: "/openapi.json",
    id: "showDocument",
    tag: "Server",
    summary: "Read this document",
    answers: { 200: text("The document", "application/json") },
  },
  {
    method: "get",
    path: "/docs",
    id: "showDocs",
    tag: "Server",
    summary: "Read this document as a web page",
    answers: { 200: text("The page", "text/html") },
  },
];

function text(description: string, type: string) {
  return { description, content: { [type]: [] } };
}
