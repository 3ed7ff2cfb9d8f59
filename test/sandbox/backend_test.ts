import { assert, assertEquals, assertRejects } from "@std/assert";
import { zstdCompressSync } from "node:zlib";
import { writePrompt } from "../../src/codex/prompt.ts";
import {
  type RecordedRequest,
  RequestRecord,
  type SandboxBackend,
  startSandbox,
} from "../../src/sandbox/backend.ts";
import { until } from "../support/until.ts";

const DRAW = "sandbox:native=32x32";

async function post(
  { url }: SandboxBackend,
  path: string,
  init: RequestInit,
): Promise<{ readonly status: number; readonly text: string }> {
  const response = await fetch(url + path, { method: "POST", ...init });
  return { status: response.status, text: await response.text() };
}

async function draw(
  sandbox: SandboxBackend,
  prompt: string,
): Promise<string> {
  const body = JSON.stringify({ prompt: `${DRAW} ${prompt}` });
  const { text } = await post(sandbox, "/v1/images/generations", { body });
  return JSON.parse(text).data[0].b64_json;
}

function modelRequest(words: string): string {
  const text = writePrompt({ words, directions: [], originals: [], seen: [] });
  const content = [{ type: "input_text", text }];
  const tools = [{ name: "image_gen" }];
  return JSON.stringify({
    tools,
    input: [{ type: "message", role: "user", content }],
  });
}

function request(path: string, at = 0): RecordedRequest {
  return { at, method: "POST", path, bytes: 0, wireBytes: 0 };
}

Deno.test("startSandbox() listens on loopback, on ports of its own", async () => {
  await using one = startSandbox();
  await using two = startSandbox();
  for (const { url } of [one, two]) {
    assertEquals(new URL(url).hostname, "127.0.0.1");
  }
  assert(one.url !== two.url);
});

Deno.test("startSandbox() sends WebSockets away and knows no other models", async () => {
  await using sandbox = startSandbox();
  for (
    const [path, status] of [
      ["/v1/responses", 426],
      ["/v1/models", 200],
      ["/backend-api/wham/settings/user", 404],
      ["/", 404],
    ]
  ) {
    const response = await fetch(`${sandbox.url}${path}`);
    await response.body?.cancel();
    assertEquals(response.status, status, `${path}`);
  }
  assertEquals(sandbox.record.all.length, 4);
});

Deno.test("startSandbox() reads a compressed request and records its size", async () => {
  await using sandbox = startSandbox();
  const plain = new TextEncoder().encode(modelRequest("a fox ".repeat(500)));
  const body = new Uint8Array(zstdCompressSync(plain));
  const { status, text } = await post(sandbox, "/v1/responses", {
    body,
    headers: { "content-encoding": "zstd" },
  });
  assertEquals(status, 200);
  assert(text.includes("response.completed"));
  const [entry] = sandbox.record.to("/v1/responses");
  assertEquals([entry.bytes, entry.wireBytes], [plain.length, body.length]);
  assertEquals(entry.words, "a fox ".repeat(500));
});

Deno.test("startSandbox() records what an image request holds and how it was answered", async () => {
  await using sandbox = startSandbox();
  const before = Date.now();
  const body = JSON.stringify({
    prompt: `${DRAW} a fox`,
    background: "transparent",
    images: [{ image_url: "data:image/png;base64,AAAA" }],
  });
  await post(sandbox, "/v1/images/edits", { body });
  const [entry] = sandbox.record.to("/v1/images/edits");
  assertEquals(entry.prompt, `${DRAW} a fox`);
  assertEquals(entry.background, "transparent");
  assertEquals(entry.references?.length, 1);
  assertEquals(entry.picture?.length, 64);
  assert(entry.at >= before && (entry.answeredAt ?? 0) >= entry.at);
});

Deno.test("startSandbox() draws another picture every time", async () => {
  await using sandbox = startSandbox();
  const pictures = [await draw(sandbox, "a fox"), await draw(sandbox, "a fox")];
  assertEquals(new Set(pictures).size, 2);
});

Deno.test("startSandbox() repeats the picture of sandbox:same for ever", async () => {
  await using sandbox = startSandbox();
  const pictures = [];
  for (let time = 0; time < 3; time++) {
    pictures.push(await draw(sandbox, "sandbox:same"));
  }
  assertEquals(new Set(pictures).size, 1);
});

Deno.test("startSandbox() gives the picture of sandbox:same=2 twice", async () => {
  await using sandbox = startSandbox();
  const [first, second, third] = [
    await draw(sandbox, "sandbox:same=2"),
    await draw(sandbox, "sandbox:same=2"),
    await draw(sandbox, "sandbox:same=2"),
  ];
  assertEquals(second, first);
  assert(third !== first);
});

Deno.test("startSandbox() breaks off every first answer to sandbox:drop", async () => {
  await using sandbox = startSandbox();
  const isWhole = async (words: string) => {
    const body = modelRequest(words);
    const { text } = await post(sandbox, "/v1/responses", { body });
    return text.includes("response.completed");
  };
  const answers = [];
  for (const words of ["1", "2", "1", "2", "1"]) {
    answers.push(await isWhole(`sandbox:drop ${words}`));
  }
  assertEquals(answers, [false, false, true, true, false]);
});

Deno.test("startSandbox() tells the windows, which fill as it draws, with every answer of a model", async () => {
  await using sandbox = startSandbox();
  const usedPercent = async () => {
    const body = modelRequest("a fox");
    const response = await fetch(`${sandbox.url}/v1/responses`, {
      method: "POST",
      body,
    });
    await response.body?.cancel();
    return Number(response.headers.get("x-codex-primary-used-percent"));
  };
  const before = await usedPercent();
  await draw(sandbox, "a fox");
  const body = JSON.stringify({ prompt: "sandbox:moderation" });
  await post(sandbox, "/v1/images/generations", { body });
  assertEquals([before, await usedPercent()], [0, 0.33]);
});

Deno.test("startSandbox() refuses what provokes a usage limit, and says that it is reached until it draws again", async () => {
  await using sandbox = startSandbox();
  const limit = async () => {
    const response = await fetch(`${sandbox.url}/backend-api/wham/usage`);
    return (await response.json()).rate_limit;
  };
  for (
    const [path, body] of [
      ["/v1/responses", modelRequest("sandbox:usage-limit")],
      [
        "/v1/images/generations",
        JSON.stringify({ prompt: "sandbox:image-usage-limit" }),
      ],
    ]
  ) {
    const { status, text } = await post(sandbox, path, { body });
    const { allowed, limit_reached, primary_window } = await limit();
    assertEquals([status, allowed, limit_reached], [429, false, true]);
    assertEquals(primary_window.used_percent, 100);
    assertEquals(primary_window.reset_at, JSON.parse(text).error.resets_at);
    await draw(sandbox, "a fox");
    assertEquals((await limit()).limit_reached, false);
  }
});

Deno.test("startSandbox() refuses every call of a model while its usage is to", async () => {
  await using sandbox = startSandbox();
  const call = async () => {
    const body = modelRequest("a fox");
    return (await post(sandbox, "/v1/responses", { body })).status;
  };
  sandbox.usage.refusing = true;
  assertEquals([await call(), await call()], [429, 429]);
  sandbox.usage.refusing = false;
  assertEquals(await call(), 200);
});

Deno.test("startSandbox() hands out tokens only while it is refreshable", async () => {
  await using sandbox = startSandbox();
  const good = await post(sandbox, "/oauth/token", { body: "{}" });
  assertEquals(good.status, 200);
  assert(JSON.parse(good.text).access_token.length > 0);
  sandbox.refreshable = false;
  const bad = await post(sandbox, "/oauth/token", { body: "{}" });
  assertEquals(bad.status, 401);
  assertEquals(JSON.parse(bad.text).error.code, "refresh_token_expired");
  assertEquals(sandbox.record.to("/oauth/token").length, 2);
});

Deno.test("startSandbox() ends though a request was left hanging", async () => {
  const sandbox = startSandbox();
  const gone = new AbortController();
  const body = JSON.stringify({ prompt: "sandbox:hang" });
  const hanging = post(sandbox, "/v1/images/generations", {
    body,
    signal: gone.signal,
  });
  await until(() => sandbox.record.all.length > 0);
  gone.abort();
  await assertRejects(() => hanging, DOMException);
  await sandbox[Symbol.asyncDispose]();
});

Deno.test("RequestRecord keeps requests in their order", () => {
  const record = new RequestRecord();
  record.add(request("/a", 1));
  record.add(request("/b", 2));
  record.add(request("/a", 3));
  assertEquals(record.all.map(({ at }) => at), [1, 2, 3]);
  assertEquals(record.to("/a").map(({ at }) => at), [1, 3]);
  assertEquals(record.to("/c"), []);
});

Deno.test("RequestRecord.add() returns the entry, to which more can be added later", () => {
  const record = new RequestRecord();
  record.add(request("/a")).answeredAt = 7;
  assertEquals(record.all[0].answeredAt, 7);
});

Deno.test("RequestRecord forgets the oldest beyond 2000", () => {
  const record = new RequestRecord();
  for (let at = 0; at < 2005; at++) record.add(request("/a", at));
  assertEquals(record.all.length, 2000);
  assertEquals(record.all[0].at, 5);
});

Deno.test("RequestRecord.clear() forgets everything", () => {
  const record = new RequestRecord();
  record.add(request("/a"));
  record.clear();
  assertEquals(record.all, []);
});
