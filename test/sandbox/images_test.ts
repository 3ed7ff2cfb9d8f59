import {
  assert,
  assertEquals,
  assertRejects,
  assertStringIncludes,
} from "@std/assert";
import { encodeHex } from "@std/encoding/hex";
import sharp from "sharp";
import {
  answerImage,
  type ImageRequest,
  readImageTask,
} from "../../src/sandbox/images.ts";
import { SandboxUsage } from "../../src/sandbox/usage.ts";

const NEVER = new AbortController().signal;

async function answer(request: ImageRequest, serial = 1) {
  let digest: string | undefined;
  const response = await answerImage(await readImageTask(request), {
    serial,
    signal: NEVER,
    usage: new SandboxUsage(),
    onPicture: (sha256) => digest = sha256,
  });
  return { status: response.status, json: await response.json(), digest };
}

async function draw(prompt: string, request: Partial<ImageRequest> = {}) {
  const { json, digest } = await answer({ prompt, ...request });
  const bytes = Uint8Array.fromBase64(json.data[0].b64_json);
  return { bytes, digest };
}

async function sha256(bytes: Uint8Array<ArrayBuffer>): Promise<string> {
  return encodeHex(await crypto.subtle.digest("SHA-256", bytes));
}

Deno.test("readImageTask() knows the digests of references, whatever their type", async () => {
  const files = [Uint8Array.of(1, 2, 3), new Uint8Array(100_000)];
  const task = await readImageTask({
    prompt: "a fox",
    images: [
      { image_url: `data:image/png;base64,${files[0].toBase64()}` },
      { image_url: `data:image/webp;base64,${files[1].toBase64()}` },
    ],
  });
  assertEquals(task.references, await Promise.all(files.map(sha256)));
});

Deno.test("readImageTask() takes opaque for the usual background", async () => {
  const { background, references } = await readImageTask({ prompt: "a fox" });
  assertEquals([background, references], ["opaque", []]);
});

Deno.test("readImageTask() reads the directives of its candidate", async () => {
  const prompt = "sandbox:error@2 sandbox:native=8x8@1\n\nCandidate 2 of 4: x";
  const { directives } = await readImageTask({ prompt });
  assertEquals([...directives.keys()], ["error"]);
});

for (
  const [hint, size] of [
    ["", "1536x1024"],
    ["Aspect ratio: 1:1, square canvas.", "1254x1254"],
    ["Aspect ratio: 16:9, wide landscape (horizontal) canvas.", "1672x941"],
    ["Aspect ratio: 9:16, tall portrait (vertical) canvas.", "941x1672"],
    ["Aspect ratio: 21:9, wide landscape (horizontal) canvas.", "1916x821"],
    ["Tall vertical 9:16 portrait", "941x1672"],
  ]
) {
  Deno.test(`answerImage() draws ${size} for "${hint}"`, async () => {
    const { bytes } = await draw(`a fox\n\n${hint}`);
    const { width, height } = await sharp(bytes).metadata();
    assertEquals(`${width}x${height}`, size);
  });
}

Deno.test("answerImage() draws the size it is told and pads the file", async () => {
  const { bytes } = await draw("sandbox:native=64x48 sandbox:bytes=200000");
  const { width, height } = await sharp(bytes).metadata();
  assertEquals([width, height], [64, 48]);
  assert(bytes.length >= 200_000);
});

Deno.test("answerImage() tells the digest of what it answers, whole or not", async () => {
  for (const words of ["sandbox:native=64x48", "sandbox:truncated"]) {
    const { bytes, digest } = await draw(words);
    assertEquals(digest, await sha256(bytes));
  }
});

Deno.test("answerImage() draws a transparent picture where one is asked for", async () => {
  const words = "sandbox:native=64x48";
  const { bytes } = await draw(words, { background: "transparent" });
  assertEquals((await sharp(bytes).metadata()).hasAlpha, true);
  const opaque = await draw(words);
  assertEquals((await sharp(opaque.bytes).metadata()).hasAlpha, false);
});

Deno.test("answerImage() draws another picture for another serial", async () => {
  const request = { prompt: "sandbox:native=64x48" };
  const [one, two, again] = [
    await answer(request, 1),
    await answer(request, 2),
    await answer(request, 1),
  ].map(({ digest }) => digest);
  assert(one !== two);
  assertEquals(again, one);
});

for (
  const [directive, status, code] of [
    ["moderation", 400, "moderation_blocked"],
    ["rate-limit", 429, "rate_limit_exceeded"],
    ["error", 500, "server_error"],
    ["image-usage-limit", 429, undefined],
    ["image-capacity", 503, "server_is_overloaded"],
  ] as const
) {
  Deno.test(`answerImage() answers ${status} to sandbox:${directive}`, async () => {
    const { digest, json, ...response } = await answer({
      prompt: `a fox sandbox:${directive}`,
    });
    assertEquals([response.status, json.error.code], [status, code]);
    assertEquals(digest, undefined);
  });
}

Deno.test("answerImage() answers sandbox:image-proxy-page with a page", async () => {
  const task = await readImageTask({ prompt: "sandbox:image-proxy-page" });
  const response = await answerImage(task, {
    serial: 1,
    signal: NEVER,
    usage: new SandboxUsage(),
    onPicture: () => {},
  });
  assertEquals(response.status, 403);
  assertStringIncludes(await response.text(), "<h1>Access denied</h1>");
});

Deno.test("answerImage() hangs until nobody waits for it", async () => {
  const gone = new AbortController();
  const task = await readImageTask({ prompt: "sandbox:hang" });
  const hanging = answerImage(task, {
    serial: 1,
    signal: gone.signal,
    usage: new SandboxUsage(),
    onPicture: () => {},
  });
  gone.abort(new RangeError("gone"));
  await assertRejects(() => hanging, RangeError, "gone");
});
