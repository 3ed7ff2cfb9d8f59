import { assert, assertEquals, assertRejects } from "@std/assert";
import { zstdCompressSync } from "node:zlib";
import { writePrompt } from "../../src/codex/prompt.ts";
import {
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
