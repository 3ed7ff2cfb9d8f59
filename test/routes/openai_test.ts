import { assertEquals, assertStringIncludes } from "@std/assert";
import { encodeHex } from "@std/encoding/hex";
import { inspectBase64, paint } from "../openai/pictures.ts";
import { countWork, untilGone } from "../openai/work_count.ts";
import { openAiPath } from "../../src/routes/openai.ts";
import { startTestService, type TestService } from "../support/service.ts";

const GENERATIONS = "/v1/images/generations";
const EDITS = "/v1/images/edits";

Deno.test("the routes of OpenAI's clients generate and edit", async (test) => {
  await using server = await startTestService();
  const whole = await post(server, {
    prompt: "an otter",
    moderation: "auto",
    user: "u1",
    size: "1024x1024",
    background: "transparent",
  });
  const { background, data, warnings } = await whole.json();
  const [image] = (await get(server, "/v1/images")).data;

  await test.step("an answer names the fields without effect, in a header and in its warnings", () => {
    assertEquals(
      whole.headers.get("x-codex-image-ignored"),
      "moderation,user",
    );
    assertEquals(warnings, [
      { index: null, message: "The field moderation has no effect" },
      { index: null, message: "The field user has no effect" },
    ]);
  });

  await test.step("a background that is transparent is told so", () => {
    assertEquals(background, "transparent");
  });

  await test.step("b64_json holds the very bytes of the stored file", async () => {
    const bytes = Uint8Array.fromBase64(data[0].b64_json);
    const digest = await crypto.subtle.digest("SHA-256", bytes);
    assertEquals(encodeHex(digest), image.sha256);
  });

  await test.step("images of these routes are jobs and stored images like all others", async () => {
    const [job] = (await get(server, "/v1/jobs")).data;
    assertEquals(image.generation_id, job.id);
    assertEquals(image.requested_size, "1024x1024");
  });

  const partial = await post(server, {
    prompt: "an otter sandbox:moderation@1",
    n: 2,
    response_format: "url",
    output_format: "jpeg",
  });
  const half = await partial.json();

  await test.step("of two candidates the finished one is answered, and what became of the other", () => {
    assertEquals([partial.status, half.data.length], [200, 1]);
    assertEquals(half.warnings[0].index, 0);
    assertStringIncludes(
      half.warnings[0].message,
      "Image 1 failed with moderation_blocked",
    );
  });

  await test.step("response_format url gives the address of the file and no bytes", async () => {
    assertEquals(Object.keys(half.data[0]).sort(), ["revised_prompt", "url"]);
    const file = await fetch(half.data[0].url);
    assertEquals(
      await inspectBase64((await file.bytes()).toBase64()),
      "jpeg 1536x1024",
    );
  });

  await test.step("a stream names its events, and tells what has failed last", async () => {
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

  await test.step("an edit in JSON builds on the bytes of its data URLs", async () => {
    const count = countWork(server);
    const picture = await paint();
    const image_url = `data:image/jpeg;base64,${picture.toBase64()}`;
    const body = { prompt: "redder", images: [{ image_url }] };
    const response = await post(server, body, { path: EDITS });
    assertEquals((await response.json()).data.length, 1);
    const digest = await crypto.subtle.digest("SHA-256", picture);
    assertEquals(count.drawings[0].references, [encodeHex(digest)]);
  });

  const count = countWork(server);
  const form = await maskForm({ alpha: 0.5 });
  form.set("stream", "true");
  const response = await postForm(server, form);
  const events = readEvents(await response.text());

  await test.step("a form asks for a stream in words", () => {
    assertEquals(events.map(({ event }) => event), ["image_edit.completed"]);
  });

  await test.step("a mask is the second file of the image model, which is told what it means", () => {
    const [warning] = events[0].data.warnings;
    assertStringIncludes(warning, "The mask was passed");
    const [sent] = count.drawings;
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
    await test.step(`a mask ${what} is refused before anything starts`, async () => {
      const count = countWork(server);
      const response = await postForm(server, await maskForm(mask));
      const { error } = await response.json();
      assertEquals([response.status, error.code, error.param], [
        400,
        "invalid_reference",
        "mask",
      ]);
      assertStringIncludes(error.message, words);
      assertEquals(count.runs, 0);
      await server.untilIdle(10_000);
    });
  }
});

Deno.test("the routes of OpenAI's clients refuse", async (test) => {
  await using server = await startTestService({ MAX_STREAMS: "1" });

  await test.step("in JSON, also where a stream is asked for", async () => {
    const response = await post(server, { prompt: "", stream: true });
    const { error } = await response.json();
    assertEquals([response.status, error.code], [400, "missing_prompt"]);
    assertEquals(server.logLines("generate.error")[0].code, "missing_prompt");
  });

  await test.step("a form where there is JSON only", async () => {
    const response = await postForm(server, new FormData(), GENERATIONS);
    const { error } = await response.json();
    assertEquals(
      [response.status, error.code],
      [415, "unsupported_media_type"],
    );
  });

  await test.step("another method than POST, and tell which there is", async () => {
    for (const path of [GENERATIONS, EDITS, "/images/generations"]) {
      const response = await fetch(server.url + path);
      await response.body?.cancel();
      assertEquals(response.status, 405);
      assertEquals(response.headers.get("allow"), "OPTIONS, POST");
    }
  });

  await test.step("a model that is not there", async () => {
    const { error } = await get(server, "/v1/models/gpt-4o");
    assertEquals([error.code, error.param], ["not_found", "model"]);
  });

  await test.step("what makes no images here, with the paths that do", async () => {
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

  const count = countWork(server);
  const caller = new AbortController();
  const body = { prompt: "an otter sandbox:hang", stream: true, user: "u1" };
  const first = await post(server, body, { signal: caller.signal });

  await test.step("nothing when a stream begins, before there is an image", () => {
    assertEquals(first.status, 200);
    assertEquals(
      first.headers.get("content-type"),
      "text/event-stream; charset=utf-8",
    );
    assertEquals(first.headers.get("x-codex-image-ignored"), "user");
  });

  await test.step("a stream for which there is no place, and start nothing", async () => {
    const second = await post(server, body);
    const { error } = await second.json();
    assertEquals([second.status, error.code], [429, "queue_full"]);
    assertEquals(count.jobs, 1);
  });

  caller.abort();
  await untilGone(server);

  await test.step("in the one event of a stream of which nothing is made, once there is a place again", async () => {
    const third = await post(server, {
      prompt: "an otter sandbox:usage-limit",
      stream: true,
    });
    assertEquals(third.status, 200);
    const events = readEvents(await third.text());
    assertEquals(events.map(({ event }) => event), ["error"]);
    assertEquals(events[0].data.error.code, "usage_limit_reached");
  });
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
