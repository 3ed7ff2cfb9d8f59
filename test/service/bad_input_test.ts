import {
  assert,
  assertEquals,
  assertMatch,
  assertStringIncludes,
} from "@std/assert";
import { join } from "@std/path";
import {
  concat,
  encode,
  picture,
  PNG_SIGNATURE,
  pngChunk,
  pngHeader,
} from "../images/samples.ts";
import { startTestService, type TestService } from "../support/service.ts";
import { filesIn, stepsOn } from "../support/test_server.ts";
import { until } from "../support/until.ts";

type Bytes = Uint8Array<ArrayBuffer>;

interface BadInput {
  readonly name: string;
  /** The body as it is, or what to write as JSON. */
  readonly raw?: BodyInit;
  readonly json?: unknown;
  readonly headers?: Record<string, string>;
  readonly status?: number;
  readonly code: string;
  readonly param: string | null;
  /** What the message holds: the value and what is expected. */
  readonly says: readonly string[];
}

const PROMPT = { prompt: "a fox" };

const BODIES: readonly BadInput[] = [
  {
    name: "text that is not JSON",
    raw: "a fox, please",
    code: "invalid_json",
    param: null,
    says: ["malformed"],
  },
  {
    name: "JSON that is cut off",
    raw: '{"prompt":"a f',
    code: "invalid_json",
    param: null,
    says: ["JSON"],
  },
  {
    name: "an empty body",
    raw: "",
    code: "invalid_json",
    param: null,
    says: ["empty"],
  },
  {
    name: "bytes that are not UTF-8",
    raw: new Uint8Array([0x7b, 0xff, 0x7d]),
    code: "invalid_json",
    param: null,
    says: ["UTF-8"],
  },
  {
    name: "a list",
    json: [PROMPT],
    code: "invalid_json",
    param: null,
    says: ["a list", "JSON object"],
  },
  {
    name: "null",
    json: null,
    code: "invalid_json",
    param: null,
    says: ["null", "JSON object"],
  },
  {
    name: "plain text as its type",
    json: PROMPT,
    headers: { "content-type": "text/plain" },
    status: 415,
    code: "unsupported_media_type",
    param: null,
    says: ["text/plain", "application/json"],
  },
  {
    name: "a form as its type",
    json: PROMPT,
    headers: { "content-type": "application/x-www-form-urlencoded" },
    status: 415,
    code: "unsupported_media_type",
    param: null,
    says: ["application/x-www-form-urlencoded", "application/json"],
  },
];

const FIELDS: readonly BadInput[] = [
  ...[undefined, null, "", " \n\t"].map((prompt): BadInput => ({
    name: `prompt ${JSON.stringify(prompt)}`,
    json: { prompt },
    code: "missing_prompt",
    param: "prompt",
    says: ["1 to 32,000 characters"],
  })),
  ...[7, true, ["a fox"], { text: "a fox" }].map((prompt): BadInput => ({
    name: `prompt ${JSON.stringify(prompt)}`,
    json: { prompt },
    code: "invalid_prompt",
    param: "prompt",
    says: ["1 to 32,000 characters"],
  })),
  {
    name: "a prompt of 32,001 characters",
    json: { prompt: "x".repeat(32_001) },
    code: "invalid_prompt",
    param: "prompt",
    says: ["32,001", "1 to 32,000 characters"],
  },
  {
    name: "NUL in the prompt",
    json: { prompt: "a\0fox" },
    code: "invalid_prompt",
    param: "prompt",
    says: ["no NUL character"],
  },
  {
    name: "half a surrogate pair in the prompt",
    raw: '{"prompt":"a \\ud83e fox"}',
    code: "invalid_prompt",
    param: "prompt",
    says: ["well-formed Unicode"],
  },
  ...[0, 5, -1, "2", 1.5, true, [1], 1e21].map((count): BadInput => ({
    name: `count ${JSON.stringify(count)}`,
    json: { ...PROMPT, count },
    code: "invalid_count",
    param: "count",
    says: [JSON.stringify(count), "a whole number from 1 to 4"],
  })),
  {
    name: "n 5",
    json: { ...PROMPT, n: 5 },
    code: "invalid_count",
    param: "n",
    says: ["5", "a whole number from 1 to 4"],
  },
  {
    name: "count and n that contradict each other",
    json: { ...PROMPT, count: 1, n: 2 },
    code: "invalid_count",
    param: "count",
    says: ["count 1", "n 2"],
  },
  ...[
    ["512x512", "655360"],
    ["1008x640", "655360"],
    ["1920x1080", "nearest legal size is 1920x1088"],
    ["3840x1264", "3:1"],
    ["3856x2144", "3840"],
    ["2896x2880", "8294400"],
    ["4096x2048", "3840"],
  ].map(([size, rule]): BadInput => ({
    name: `size ${size}`,
    json: { ...PROMPT, size },
    code: "invalid_size",
    param: "size",
    says: [size, rule, "nearest legal size is "],
  })),
  ...["8K", "1024×1024", "0x0", "1024x", 1024, {}].map((size): BadInput => ({
    name: `size ${JSON.stringify(size)}`,
    json: { ...PROMPT, size },
    code: "invalid_size",
    param: "size",
    says: [JSON.stringify(size), '"auto", "1K", "2K", "4K" or WIDTHxHEIGHT'],
  })),
  ...["wide", "16:0", 1.5].map((aspect): BadInput => ({
    name: `aspect ${JSON.stringify(aspect)}`,
    json: { ...PROMPT, aspect },
    code: "invalid_aspect",
    param: "aspect",
    says: [JSON.stringify(aspect), "W:H"],
  })),
  {
    name: "output_size reference without a reference",
    json: { ...PROMPT, output_size: "reference" },
    code: "invalid_size",
    param: "output_size",
    says: ["reference"],
  },
  {
    name: "output_size canvas without a canvas",
    json: { ...PROMPT, output_size: "canvas" },
    code: "invalid_size",
    param: "output_size",
    says: ["canvas_size"],
  },
  {
    name: "a canvas without a height",
    json: { ...PROMPT, canvas_size: { width: 3 } },
    code: "invalid_aspect",
    param: "canvas_size.height",
    says: ["canvas_size.height", "expected"],
  },
  ...([
    ["quality", "best", "invalid_quality", '"high"'],
    ["output_format", "gif", "invalid_output_format", '"webp"'],
    ["output_compression", 101, "invalid_output_format", "0 to 100"],
    ["background", "red", "invalid_output_format", '"transparent"'],
    ["fit", "stretch", "invalid_size", '"contain"'],
    ["return", "url", "unknown_parameter", '"file"'],
    ["model", "dall-e-3", "unknown_parameter", '"gpt-image-2"'],
    ["fail_fast", "yes", "unknown_parameter", "true or false"],
    ["promt", "a fox", "unknown_parameter", '"prompt"'],
  ] as const).map(([field, value, code, expected]): BadInput => ({
    name: `${field} ${JSON.stringify(value)}`,
    json: { ...PROMPT, [field]: value },
    code,
    param: field,
    says: [field, expected],
  })),
];

Deno.test("what cannot be used is refused before anything is started", async (test) => {
  await using server = await startTestService();
  for (const input of BODIES) await assertRefused(test, server, input);
  for (const input of FIELDS) await assertRefused(test, server, input);
  const png = await encode(picture().png());
  const jpeg = await encode(picture().jpeg());
  const webp = await encode(picture().webp());
  const damaged = png.slice();
  damaged[damaged.length - 30] ^= 0xff;
  const bad: readonly (readonly [string, Bytes, ...string[]])[] = [
    ["an HTML page", bytesOf("<!doctype html><html>"), "HTML"],
    ["a zip archive", concat("PK\x03\x04", [20, 0, 0, 0]), "zip"],
    ["an SVG drawing", bytesOf("<svg xmlns='x'></svg>"), "SVG"],
    ["a GIF", await encode(picture().gif()), "GIF"],
    ["a PNG without its end", png.subarray(0, -20), "truncated"],
    ["a PNG with a wrong checksum", damaged, "checksum"],
    ["a JPEG without its end", jpeg.subarray(0, -200), "truncated"],
    ["a WebP without its end", webp.subarray(0, -20), "truncated"],
    [
      "a PNG of 30,000 x 30,000 pixels",
      concat(
        PNG_SIGNATURE,
        pngHeader(30_000, 30_000),
        pngChunk("IDAT", [1]),
        pngChunk("IEND"),
      ),
      "30000x30000",
      "100,000,000 pixels",
    ],
  ];
  for (const [name, bytes, ...says] of bad) {
    await assertRefused(test, server, {
      name,
      json: {
        ...PROMPT,
        references: [{ image: dataUrl(png) }, { image: dataUrl(bytes) }],
      },
      code: "invalid_reference",
      param: "references[1].image",
      says: ["references[1].image", "PNG, JPEG or WebP", ...says],
    });
  }
  const broken: readonly (readonly [string, unknown, string, string])[] = [
    ["a web address", "https://example.com/a.png", "image", "never fetches"],
    ["a path", "/etc/passwd", "image", "base64 data URL"],
    ["a data URL without base64", "data:text/plain,x", "image", "base64"],
    ["bad base64", "data:image/png;base64,@@@@", "image", "base64"],
    ["no data", "data:image/png;base64,", "image", "no data"],
    ["a number", 5, "image", "base64 data URL"],
  ];
  for (const [name, image, field, says] of broken) {
    await assertRefused(test, server, {
      name: `${name} for a reference`,
      json: { ...PROMPT, references: [{ image }] },
      code: "invalid_reference",
      param: `references[0].${field}`,
      says: [says],
    });
  }
  await assertRefused(test, server, {
    name: "17 references",
    json: { ...PROMPT, references: Array(17).fill({ image: dataUrl(png) }) },
    code: "invalid_reference",
    param: "references",
    says: ["17", "at most 16"],
  });
  await assertRefused(test, server, {
    name: "a label of 201 characters",
    json: {
      ...PROMPT,
      references: [{ image: dataUrl(png), label: "x".repeat(201) }],
    },
    code: "invalid_reference",
    param: "references[0].label",
    says: ["201", "at most 200"],
  });
  await assertRefused(test, server, {
    name: "a reference of 53 MB",
    json: {
      ...PROMPT,
      references: [{
        image: `data:image/png;base64,${"A".repeat(70_000_000)}`,
      }],
    },
    code: "invalid_reference",
    param: "references[0].image",
    says: ["52,428,800 bytes"],
  });
  await assertNothingStarted(server);
});

Deno.test("the limit of a body", async (test) => {
  await using server = await startTestService({ MAX_BODY_BYTES: "2000" });
  const step = stepsOn(server, test);

  await step(
    "a body whose declared length is over the limit is 413 and is not read",
    async () => {
      const answer = await sendRaw(server, "Content-Length: 2001", () => "");
      assertMatch(answer, /^HTTP\/1\.1 413 /);
      assertStringIncludes(answer, '"code":"body_too_large"');
      assertStringIncludes(answer, "2001 bytes");
      assertStringIncludes(answer, "2000 bytes");
      await assertNothingStarted(server);
    },
  );

  await step(
    "a body of undeclared length is 413 where it passes the limit",
    async () => {
      const chunk = `400\r\n${"x".repeat(0x400)}\r\n`;
      const answer = await sendRaw(
        server,
        "Transfer-Encoding: chunked",
        () => chunk,
      );
      assertMatch(answer, /^HTTP\/1\.1 413 /);
      assertStringIncludes(answer, '"code":"body_too_large"');
      assertStringIncludes(answer, "2000 bytes");
      await assertNothingStarted(server);
    },
  );

  await step("a body of just the limit is read", async () => {
    const body = JSON.stringify({ prompt: 5 }).padEnd(2000);
    const response = await server.generate(undefined, { body });
    const { error } = await response.json();
    assertEquals([response.status, error.code], [400, "invalid_prompt"]);
  });
});

async function assertRefused(
  test: Deno.TestContext,
  server: TestService,
  input: BadInput,
): Promise<void> {
  const { name, raw, json, headers, status = 400, code, param, says } = input;
  await test.step(name, async () => {
    const response = await server.generate(undefined, {
      body: raw ?? JSON.stringify(json),
      headers,
    });
    const { error } = await response.json();
    assertEquals([response.status, error.code], [status, code], error.message);
    assertEquals(error.param, param);
    assertEquals(error.type, "invalid_request_error");
    assertEquals(response.headers.get("retry-after"), null);
    for (const text of says) assertStringIncludes(error.message, text);
    assert(error.message.length < 400, error.message);
  });
}

/** Nothing was started, nothing was asked of the backend, and nothing is on disk. */
async function assertNothingStarted(server: TestService): Promise<void> {
  await until(() => filesIn(join(server.place.dataDir, "work")).length === 0);
  assertEquals(server.logLines("codex.exec.start"), []);
  assertEquals(server.place.sandbox.record.all, []);
  assertEquals(filesIn(server.place.outputDir), []);
  assertEquals((await server.workers()).active, 0);
}

/** Sends a head, then more and more of a body until an answer has come. */
async function sendRaw(
  server: TestService,
  header: string,
  more: () => string,
): Promise<string> {
  using connection = await Deno.connect({
    hostname: "127.0.0.1",
    port: server.port,
  });
  const encoder = new TextEncoder();
  await connection.write(encoder.encode(
    `POST /v1/images/generate HTTP/1.1\r\nHost: 127.0.0.1:${server.port}\r\n` +
      `Content-Type: application/json\r\n${header}\r\n\r\n`,
  ));
  const buffer = new Uint8Array(65_536);
  const answer = connection.read(buffer).then((length) =>
    new TextDecoder().decode(buffer.subarray(0, length ?? 0))
  );
  let answered = false;
  answer.then(() => answered = true);
  await until(async () => {
    if (!answered) await connection.write(encoder.encode(more()));
    return answered;
  });
  return await answer;
}

function bytesOf(text: string): Bytes {
  return new TextEncoder().encode(text);
}

function dataUrl(bytes: Bytes): string {
  return `data:image/png;base64,${bytes.toBase64()}`;
}
