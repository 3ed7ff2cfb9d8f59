import { json, type Operation, type Parameter } from "./operation.ts";

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
