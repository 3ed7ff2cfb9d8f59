import { assert, assertEquals } from "@std/assert";
import { SCHEMAS } from "../../src/api/json_schema.ts";
import { operationsOf } from "../../src/api/openapi.ts";
import { ROUTES } from "../../src/routes/index.ts";
import { paint } from "../openai/pictures.ts";
import { startTestService } from "../support/service.ts";

const GENERATE = "/v1/images/generate";
const GENERATIONS = "/v1/images/generations";
const EDITS = "/v1/images/edits";

type Name = keyof typeof SCHEMAS;

Deno.test("every answer is what the document tells of it", async (t) => {
  await using server = await startTestService({ STORE_PROMPTS: "1" });
  const seen = new Set<Name>();

  /** Sends a request, and looks at the answer by the schema that the document has for it. */
  async function check(
    request: string,
    { body, headers, name }: {
      readonly name: Name;
      readonly body?: unknown;
      readonly headers?: Readonly<Record<string, string>>;
    },
    // deno-lint-ignore no-explicit-any
  ): Promise<any> {
    const [method, path] = request.split(" ");
    const response = await fetch(server.url + path, {
      method,
      headers: { "content-type": "application/json", ...headers },
      body: body === undefined ? undefined : JSON.stringify(body),
    });
    const value = await response.json();
    await t.step(`${request} answers ${name}`, () => verify(name, value));
    assert(isTold({ method, path, status: response.status, name }), request);
    return value;
  }

  function verify(name: Name, value: unknown): void {
    seen.add(name);
    // Unknown fields are dropped, so that they make a difference.
    assertEquals<unknown>(SCHEMAS[name].parse(value), value);
  }

  async function checkEvents(
    path: string,
    { body, headers, names }: {
      readonly body: unknown;
      readonly headers?: Readonly<Record<string, string>>;
      readonly names: Readonly<Record<string, Name>>;
    },
  ): Promise<void> {
    const response = await fetch(server.url + path, {
      method: "POST",
      headers: { "content-type": "application/json", ...headers },
      body: JSON.stringify(body),
    });
    const text = await response.text();
    const events = [...text.matchAll(/^event:(.*)\ndata:(.*)$/gm)];
    await t.step(`${path} sends ${Object.keys(names).join(", ")}`, () => {
      for (const [, event, data] of events) {
        verify(names[event], JSON.parse(data));
      }
      const sent = new Set(events.map(([, event]) => event));
      assertEquals([...sent].sort(), Object.keys(names).sort());
    });
  }

  const picture = `data:image/png;base64,${(await paint()).toBase64()}`;
  const references = [{ image: picture, label: "layer" }];
  const words = "an otter sandbox:moderation@1";

  await check("GET /healthz", { name: "Health" });
  await check("GET /readyz", { name: "Ready" });
  await check("GET /v1/usage", { name: "Usage" });
  await check("POST /v1/queue/resume", { name: "Resumed" });
  await check("GET /v1/capabilities", { name: "Capabilities" });
  await check("GET /v1/models", { name: "ModelList" });
  await check("GET /v1/models/gpt-image-2", { name: "Model" });
  await check("GET /v1/models/gpt-4o", { name: "Error" });
  await check(`POST ${GENERATE}`, { name: "Error", body: {} });
  const { id } = await check(`POST ${GENERATE}`, {
    name: "GenerateAnswer",
    body: {
      prompt: words,
      count: 2,
      size: "1K",
      output_format: "webp",
      references,
    },
  });
  await check(`GET /v1/jobs/${id}`, { name: "Job" });
  await check(`POST ${GENERATE}`, {
    name: "Job",
    body: { prompt: "an owl" },
    headers: { prefer: "respond-async" },
  });
  await check("GET /v1/jobs", { name: "JobList" });
  await check(`DELETE /v1/jobs/${id}`, { name: "Job" });
  const { data } = await check("GET /v1/images", { name: "ImageList" });
  await check(`GET /v1/images/${data[0].id}`, { name: "StoredImage" });
  await check(`POST ${GENERATIONS}`, {
    name: "OpenAiAnswer",
    body: { prompt: words, n: 2, user: "u" },
  });
  await check(`POST ${EDITS}`, {
    name: "OpenAiAnswer",
    body: {
      prompt: "redder",
      images: [{ image_url: picture }],
      response_format: "url",
    },
  });
  const events = { accept: "text/event-stream" };
  await checkEvents(GENERATE, {
    body: { prompt: "an owl" },
    headers: events,
    names: {
      progress: "Candidate",
      image: "MadeImage",
      completed: "GenerateAnswer",
    },
  });
  await checkEvents(GENERATE, {
    body: { prompt: "sandbox:moderation" },
    headers: events,
    names: { progress: "Candidate", error: "JobFailure" },
  });
  await checkEvents(GENERATIONS, {
    body: { prompt: words, n: 2, stream: true },
    names: {
      "image_generation.completed": "CompletedEvent",
      error: "ErrorEvent",
    },
  });
  const answers = Object.keys(SCHEMAS).filter((name) =>
    !name.endsWith("Request")
  );
  assertEquals([...seen].sort(), answers.sort());
});

/** Tells whether the document has an answer; errors are the same for all. */
function isTold(
  { method, name, path, status }: {
    readonly method: string;
    readonly path: string;
    readonly status: number;
    readonly name: Name;
  },
): boolean {
  if (name === "Error") return status >= 400;
  return operationsOf(ROUTES).some((operation) =>
    operation.method === method.toLowerCase() &&
    patternOf(operation.path).test(path) &&
    operation.answers[status]?.content?.["application/json"]?.includes(name)
  );
}

function patternOf(path: string): RegExp {
  return new RegExp(`^${path.replaceAll(/\{\w+\}/g, "[^/]+")}$`);
}
