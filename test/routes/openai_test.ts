import { assertEquals, assertStringIncludes } from "@std/assert";
import { encodeHex } from "@std/encoding/hex";
import { inspectBase64, paint } from "../openai/pictures.ts";
import { openAiPath } from "../../src/routes/openai.ts";
import { startTestService, type TestService } from "../support/service.ts";

const GENERATIONS = "/v1/images/generations";
const EDITS = "/v1/images/edits";

Deno.test("an answer names the fields without effect, in a header and in its warnings", async () => {
  await using server = await startTestService();
  const response = await post(server, {
    prompt: "an otter",
    moderation: "auto",
    user: "u1",
  });
  const { warnings } = await response.json();
  assertEquals(
    response.headers.get("x-codex-image-ignored"),
    "moderation,user",
  );
  assertEquals(warnings, [
    { index: null, message: "The field moderation has no effect" },
    { index: null, message: "The field user has no effect" },
  ]);
});

Deno.test("response_format url gives the address of the file and no bytes", async () => {
  await using server = await startTestService();
  const response = await post(server, {
    prompt: "an otter",
    response_format: "url",
    output_format: "jpeg",
  });
  const { data } = await response.json();
  assertEquals(Object.keys(data[0]).sort(), ["revised_prompt", "url"]);
  const file = await fetch(data[0].url);
  assertEquals(
    await inspectBase64((await file.bytes()).toBase64()),
    "jpeg 1536x1024",
  );
});

Deno.test("b64_json holds the very bytes of the stored file", async () => {
  await using server = await startTestService();
  const answer = await (await post(server, { prompt: "an otter" })).json();
  const [{ sha256 }] = (await get(server, "/v1/images")).data;
  const bytes = Uint8Array.fromBase64(answer.data[0].b64_json);
  const digest = await crypto.subtle.digest("SHA-256", bytes);
  assertEquals(encodeHex(digest), sha256);
});

Deno.test("of two candidates the finished one is answered, and what became of the other", async () => {
  await using server = await startTestService();
  const response = await post(server, {
    prompt: "an otter sandbox:moderation@1",
    n: 2,
  });
  const { data, warnings } = await response.json();
  assertEquals([response.status, data.length], [200, 1]);
  assertEquals(warnings[0].index, 0);
  assertStringIncludes(
    warnings[0].message,
    "Image 1 failed with moderation_blocked",
  );
});

Deno.test("a background that is transparent is told so", async () => {
  await using server = await startTestService();
  const response = await post(server, {
    prompt: "an otter",
    background: "transparent",
  });
  assertEquals((await response.json()).background, "transparent");
});

Deno.test("a stream begins before there is an image", async () => {
  await using server = await startTestService();
  const caller = new AbortController();
  const response = await post(
    server,
    { prompt: "an otter sandbox:hang", stream: true, user: "u1" },
    { signal: caller.signal },
  );
  assertEquals(response.status, 200);
  assertEquals(
    response.headers.get("content-type"),
    "text/event-stream; charset=utf-8",
  );
  assertEquals(response.headers.get("x-codex-image-ignored"), "user");
  caller.abort();
  await server.untilIdle();
});

Deno.test("a stream names its events, and tells what has failed last", async () => {
  await using server = await startTestService();
  const response = await post(server, {
    prompt: "an otter sandbox:moderation@1",
    n: 2,
    stream: true,
    response_format: "url",
  });
  const [completed, error, ...rest] = readEvents(await response.text());
  assertEquals(rest, []);
  assertEquals(completed.event, "image_generation.completed");
  assertEquals(completed.data.type, completed.event);
  assertEquals(Object.keys(completed.data).sort(), [
    "background",
    "created_at",
    "output_format",
    "quality",
    "revised_prompt",
    "size",
    "type",
    "url",
    "usage",
    "warnings",
  ]);
  assertEquals(error.event, "error");
  assertEquals(error.data, {
    type: "error",
    error: {
      message: error.data.error.message,
      type: "image_generation_user_error",
      code: "moderation_blocked",
      param: null,
    },
  });
});

Deno.test("a stream for which there is no place is refused, and nothing starts", async () => {
  await using server = await startTestService({ MAX_STREAMS: "1" });
  const caller = new AbortController();
  const body = { prompt: "an otter sandbox:hang", stream: true };
  const first = await post(server, body, { signal: caller.signal });
  const second = await post(server, body);
  const { error } = await second.json();
  assertEquals([first.status, second.status], [200, 429]);
  assertEquals(error.code, "queue_full");
  assertEquals(server.logLines("generate.start").length, 1);
  caller.abort();
  await server.untilIdle();
  const third = await post(server, { prompt: "an otter", stream: true });
  await third.body?.cancel();
  assertEquals(third.status, 200);
});

Deno.test("a stream of which nothing is made ends with the one error", async () => {
  await using server = await startTestService();
  const response = await post(server, {
    prompt: "an otter sandbox:usage-limit",
    stream: true,
  });
  const events = readEvents(await response.text());
  assertEquals(events.map(({ event }) => event), ["error"]);
  assertEquals(events[0].data.error.code, "usage_limit_reached");
});

Deno.test("what is wrong with a request is told as JSON, also where a stream is asked for", async () => {
  await using server = await startTestService();
  const response = await post(server, { prompt: "", stream: true });
  const { error } = await response.json();
  assertEquals([response.status, error.code], [400, "missing_prompt"]);
  assertEquals(server.logLines("generate.error")[0].code, "missing_prompt");
});

Deno.test("a form asks for a stream in words", async () => {
  await using server = await startTestService();
  const form = new FormData();
  form.set("prompt", "redder");
  form.set("stream", "true");
  form.set("image", new Blob([await paint()]));
  const response = await postForm(server, form);
  const events = readEvents(await response.text());
  assertEquals(events.map(({ event }) => event), ["image_edit.completed"]);
});

Deno.test("an edit in JSON builds on the bytes of its data URLs", async () => {
  await using server = await startTestService();
  const picture = await paint();
  const image_url = `data:image/jpeg;base64,${picture.toBase64()}`;
  const body = { prompt: "redder", images: [{ image_url }] };
  const response = await post(server, body, { path: EDITS });
  assertEquals((await response.json()).data.length, 1);
  const [sent] = server.place.sandbox.record.to(EDITS);
  const digest = await crypto.subtle.digest("SHA-256", picture);
  assertEquals(sent.references, [encodeHex(digest)]);
});

Deno.test("a mask is the second file of the image model, which is told what it means", async () => {
  await using server = await startTestService();
  const response = await postForm(server, await maskForm({ alpha: 0.5 }));
  const { warnings } = await response.json();
  assertEquals(response.status, 200);
  assertStringIncludes(warnings[0].message, "The mask was passed");
  const [sent] = server.place.sandbox.record.to(EDITS);
  assertEquals(sent.references?.length, 2);
  assertStringIncludes(sent.prompt ?? "", "The second image is a mask");
});

for (
  const [what, mask, words] of [
    ["of another size", { alpha: 0.5, width: 64 }, "64x96 pixels"],
    ["without an alpha channel", {}, "no alpha channel"],
    ["that is no PNG", { alpha: 0.5, format: "webp" }, "a webp image"],
  ] as const
) {
  Deno.test(`a mask ${what} is refused before anything starts`, async () => {
    await using server = await startTestService();
    const response = await postForm(server, await maskForm(mask));
    const { error } = await response.json();
    assertEquals([response.status, error.code, error.param], [
      400,
      "invalid_reference",
      "mask",
    ]);
    assertStringIncludes(error.message, words);
    assertEquals(server.logLines("codex.exec.start"), []);
    await server.untilIdle();
  });
}

Deno.test("generations take JSON and no form", async () => {
  await using server = await startTestService();
  const response = await postForm(server, new FormData(), GENERATIONS);
  const { error } = await response.json();
  assertEquals([response.status, error.code], [415, "unsupported_media_type"]);
});

Deno.test("another method than POST is told which there is", async () => {
  await using server = await startTestService();
  for (const path of [GENERATIONS, EDITS, "/images/generations"]) {
    const response = await fetch(server.url + path);
    await response.body?.cancel();
    assertEquals(response.status, 405);
    assertEquals(response.headers.get("allow"), "OPTIONS, POST");
  }
});

Deno.test("a key is taken as api-key too", async () => {
  await using server = await startTestService({ API_KEY: "s3cret" });
  const url = `${server.url}/v1/models?api-version=2025-04-01-preview`;
  const without = await fetch(url);
  await without.body?.cancel();
  const { data } =
    await (await fetch(url, { headers: { "api-key": "s3cret" } }))
      .json();
  assertEquals([without.status, data[0].id], [401, "gpt-image-2"]);
});

Deno.test("a model that is not there is told so", async () => {
  await using server = await startTestService();
  const { error } = await get(server, "/v1/models/gpt-4o");
  assertEquals([error.code, error.param], ["not_found", "model"]);
});

Deno.test("images of these routes are jobs and stored images like all others", async () => {
  await using server = await startTestService();
  const response = await post(server, {
    prompt: "an otter",
    size: "1024x1024",
  });
  await response.body?.cancel();
  const [image] = (await get(server, "/v1/images")).data;
  const [job] = (await get(server, "/v1/jobs")).data;
  assertEquals(image.generation_id, job.id);
  assertEquals(image.requested_size, "1024x1024");
});

interface SentEvent {
  readonly event: string;
  // deno-lint-ignore no-explicit-any
  readonly data: any;
}

function readEvents(text: string): SentEvent[] {
  return text.split("\n\n").flatMap((block) => {
    const [, event, data] = /^event:(.*)\ndata:(.*)$/.exec(block) ?? [];
    return data === undefined ? [] : { event, data: JSON.parse(data) };
  });
}

function post(
  { url }: TestService,
  body: unknown,
  { path = GENERATIONS, signal }: {
    readonly path?: string;
    readonly signal?: AbortSignal;
  } = {},
): Promise<Response> {
  return fetch(url + path, {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify(body),
    signal,
  });
}

function postForm(
  { url }: TestService,
  form: FormData,
  path = EDITS,
): Promise<Response> {
  return fetch(url + path, { method: "POST", body: form });
}

// deno-lint-ignore no-explicit-any
async function get({ url }: TestService, path: string): Promise<any> {
  return await (await fetch(url + path)).json();
}

async function maskForm(
  mask: Parameters<typeof paint>[0],
): Promise<FormData> {
  const form = new FormData();
  form.set("prompt", "redder");
  form.set("image", new Blob([await paint()]), "a.png");
  form.set("mask", new Blob([await paint(mask)]), "mask.png");
  return form;
}

for (
  const sent of [
    "/images/generations",
    "/v1/images/generations/",
    "//v1//images//generations//",
    "/v1/v1/images/generations",
    "/openai/v1/images/generations",
    "/openai/images/generations",
    "/openai/deployments/my-model/images/generations",
  ]
) {
  Deno.test(`openAiPath() understands ${sent}`, () => {
    assertEquals(openAiPath(sent), GENERATIONS);
  });
}

Deno.test("openAiPath() keeps the name of a model", () => {
  assertEquals(openAiPath("/models//a%2Fb/"), "/v1/models/a%2Fb");
  assertEquals(openAiPath("/v1/v1/models/"), "/v1/models");
  assertEquals(openAiPath("/v1/models/openai/a"), "/v1/models/openai/a");
});

for (
  const path of [
    "/v1/images//codex-1/file",
    "/v1/images/",
    "/images/generate",
    "//healthz",
    "/v2/images/generations",
    "/openai/deployments/images/generations",
    "/v1/images/generations/x",
    "/v1/chat/completions",
  ]
) {
  Deno.test(`openAiPath() leaves ${path} alone`, () => {
    assertEquals(openAiPath(path), path);
  });
}

Deno.test("what makes no images here is 404, with the paths that do", async () => {
  await using server = await startTestService();
  for (
    const path of [
      "/v1/chat/completions",
      "/v1/responses",
      "/v1/images/variations",
    ]
  ) {
    const response = await fetch(server.url + path, {
      method: "POST",
      body: "{}",
    });
    const { error } = await response.json();
    assertEquals([response.status, error.code], [404, "not_found"]);
    assertStringIncludes(
      error.message,
      "images are made by POST /v1/images/generate, /v1/images/generations and /v1/images/edits",
    );
  }
  for (const path of ["/v1/models/gpt-image-1/", "//models/dall-e-3"]) {
    assertEquals((await get(server, path)).object, "model");
  }
});
