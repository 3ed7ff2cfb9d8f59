import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { join } from "@std/path";
import sharp from "sharp";
import { encode, picture, pngChunk } from "../images/samples.ts";
import { startTestService, type TestService } from "../support/service.ts";
import { filesIn } from "../support/test_server.ts";
import { until } from "../support/until.ts";
import {
  type Bytes,
  concat,
  file,
  form,
  FORM_TYPE,
  part,
  text,
} from "./_multipart.ts";

const EDITS = "/v1/images/edits";
const PROMPT = text("prompt", "a fox");
const PNG = await encode(picture().png());
const REFERENCE = file("reference", "a.png", PNG);
const ANIMATED = concat(
  PNG.slice(0, 33),
  pngChunk("acTL", [0, 0, 0, 2, 0, 0, 0, 0]),
  PNG.slice(33),
);

/** What is wrong, the status, the code, the field, and the form. */
const REFUSED: readonly (readonly [
  what: string,
  status: number,
  code: string,
  param: string | null,
  body: Bytes,
])[] = [
  [
    "a wrong boundary",
    415,
    "unsupported_media_type",
    null,
    concat("--other\r\n\r\n--other--\r\n"),
  ],
  [
    "no parts",
    400,
    "missing_prompt",
    "prompt",
    form(),
  ],
  [
    "a part without a name",
    400,
    "unknown_parameter",
    null,
    form(PROMPT, part("Content-Disposition: form-data", "x")),
  ],
  [
    "a reference that is cut off",
    400,
    "invalid_reference",
    "reference",
    form(PROMPT, REFERENCE).slice(0, -20),
  ],
  [
    "a reference of no bytes",
    400,
    "invalid_reference",
    "reference",
    form(PROMPT, REFERENCE, file("reference", "b.png", "")),
  ],
  [
    "a reference that is no image",
    400,
    "invalid_reference",
    "reference[1]",
    form(PROMPT, REFERENCE, file("reference", "b.png", "hello")),
  ],
  [
    "a reference that is text without a file name",
    400,
    "invalid_reference",
    "reference[0]",
    form(PROMPT, text("reference", "data:image/png;base64,iVBORw0KGgo=")),
  ],
  [
    "an animated reference",
    400,
    "invalid_reference",
    "reference[0]",
    form(PROMPT, file("reference", "a.png", ANIMATED)),
  ],
  [
    "17 references",
    400,
    "invalid_reference",
    "reference",
    form(PROMPT, ...Array(17).fill(REFERENCE)),
  ],
  [
    "references as text that is no list of ids",
    400,
    "invalid_reference",
    "references",
    form(PROMPT, REFERENCE, text("references", "a.png")),
  ],
  [
    "references under the name of the JSON field",
    400,
    "invalid_reference",
    "references",
    form(PROMPT, file("references", "a.png", PNG)),
  ],
  [
    "more empty files than a page has inputs",
    400,
    "invalid_reference",
    "reference",
    form(PROMPT, ...Array(200).fill(file("reference", "", new Uint8Array()))),
  ],
  [
    "a prompt that comes twice",
    400,
    "invalid_prompt",
    "prompt",
    form(PROMPT, REFERENCE, PROMPT),
  ],
  [
    "a prompt that is a file",
    400,
    "invalid_prompt",
    "prompt",
    form(REFERENCE, file("prompt", "prompt.txt", "a fox")),
  ],
  [
    "a count that is no number",
    400,
    "invalid_count",
    "count",
    form(PROMPT, REFERENCE, text("count", "many")),
  ],
  [
    "an unknown field",
    400,
    "unknown_parameter",
    "seed",
    form(PROMPT, REFERENCE, text("seed", "1")),
  ],
  [
    "a body over the limit",
    413,
    "body_too_large",
    null,
    form(PROMPT, REFERENCE, text("aspect", "x".repeat(200_000))),
  ],
];

Deno.test("a form that is refused leaves nothing on disk and starts no process", async (t) => {
  await using server = await startTestService({ MAX_BODY_BYTES: "100000" });
  for (const [what, status, code, param, body] of REFUSED) {
    await t.step(`${what} is refused`, async () => {
      const response = await post(server, body);
      const { error } = await response.json();
      assertEquals([response.status, error.code, error.param], [
        status,
        code,
        param,
      ]);
      await until(() => filesIn(workDir(server)).length === 0);
    });
  }
  assertEquals(server.logLines("codex.exec.start"), []);
  assertEquals(server.place.sandbox.record.all, []);
});

Deno.test("a form says what JSON says", async () => {
  await using server = await startTestService();
  const response = await post(
    server,
    form(
      text("aspect", "canvas"),
      text("canvas_size[width]", "300"),
      text("canvas_size[height]", "200"),
      text("size", "1k"),
      text("output_format", "jpeg"),
      text("output_compression", "80"),
      text("n", "2"),
      text("quality", ""),
      PROMPT,
    ),
  );
  const answer = await response.json();
  assertEquals(response.status, 200);
  assertEquals(answer.data.length, 2);
  assertEquals(
    [answer.requested_size, answer.resolved_size, answer.mime_type],
    ["1k", "1008x672", "image/jpeg"],
  );
});

Deno.test("a reference of 40 MB in a form reaches the image model byte for byte", async () => {
  await using server = await startTestService();
  const bytes = await encode(
    sharp({
      create: { width: 4000, height: 3500, channels: 3, background: "#4080c0" },
    }).png({ compressionLevel: 0 }),
  );
  assert(bytes.length > 40_000_000);
  const body = new FormData();
  body.set("prompt", "a fox");
  body.append("reference", new File([bytes], "图层 1.png"));
  const response = await fetch(`${server.url}/v1/images/generate`, {
    method: "POST",
    body,
  });
  const { references } = await response.json();
  assertEquals(response.status, 200);
  assertEquals(received(server), [[await sha256(bytes)]]);
  assertEquals(references, [{
    label: "图层 1.png",
    sha256: await sha256(bytes),
    bytes: bytes.length,
    width: 4000,
    height: 3500,
    delivered: "original",
  }]);
  await server.untilIdle();
});

Deno.test("unusual pictures in a form reach the image model byte for byte, in order", async () => {
  await using server = await startTestService();
  const files = await Promise.all([
    encode(picture().toColourspace("cmyk").jpeg()),
    encode(picture().toColourspace("rgb16").png()),
    encode(picture().png({ palette: true })),
    encode(picture().withMetadata({ orientation: 6 }).jpeg()),
    encode(picture({ alpha: 0.5 }).webp()),
  ]);
  const response = await post(
    server,
    form(
      ...files.map((bytes) => file("reference", "blob", bytes)),
      PROMPT,
    ),
  );
  const { references } = await response.json();
  const digests = await Promise.all(files.map(sha256));
  assertEquals(response.status, 200);
  assertEquals(received(server), [digests]);
  assertEquals(
    references.map(({ label, width }: { label: string; width: number }) => [
      label,
      width,
    ]),
    [["", 24], ["", 24], ["", 24], ["", 16], ["", 24]],
  );
});

Deno.test("a form that nobody waits for is drawn all the same", async () => {
  await using server = await startTestService();
  const body = form(PROMPT, REFERENCE);
  const response = await post(server, body, { prefer: "respond-async" });
  const { id } = await response.json();
  assertEquals(response.status, 202);
  const url = `${server.url}/v1/jobs/${id}`;
  await until(async () =>
    (await (await fetch(url)).json()).status === "completed"
  );
  assertEquals(received(server), [[await sha256(PNG)]]);
  await server.untilIdle();
});

Deno.test("a form that repeats another under its key is drawn once", async () => {
  await using server = await startTestService();
  const body = form(PROMPT, REFERENCE);
  const answers = await Promise.all([1, 2].map(async () => {
    const response = await post(server, body, { "idempotency-key": "k1" });
    return (await response.json()).id;
  }));
  assertEquals(answers[0], answers[1]);
  assertEquals(received(server), [[await sha256(PNG)]]);
  await server.untilIdle();
});

Deno.test("a client that leaves in the middle of an upload leaves nothing behind", async () => {
  await using server = await startTestService();
  {
    using client = await Deno.connect({
      hostname: "127.0.0.1",
      port: server.port,
    });
    const head = [
      "POST /v1/images/generate HTTP/1.1",
      `Host: 127.0.0.1:${server.port}`,
      `Content-Type: ${FORM_TYPE}`,
      "Content-Length: 1000000",
    ];
    const start = file("reference", "a.png", new Uint8Array(50_000));
    await client.write(concat(`${head.join("\r\n")}\r\n\r\n`, PROMPT, start));
    await until(() => filesIn(workDir(server)).length > 0);
    const [name] = filesIn(workDir(server));
    assertStringIncludes(name, "upload-");
  }
  await server.untilIdle();
  await until(() => server.logLines("generate.abort").length > 0);
  assertEquals(server.logLines("generate.abort")[0].code, "request_canceled");
  assertEquals(server.logLines("codex.exec.start"), []);
});

function post(
  server: TestService,
  body: Bytes,
  headers: Readonly<Record<string, string>> = {},
): Promise<Response> {
  return fetch(`${server.url}/v1/images/generate`, {
    method: "POST",
    headers: { "content-type": FORM_TYPE, ...headers },
    body,
  });
}

function workDir(server: TestService): string {
  return join(server.place.dataDir, "work");
}

/** The digests of the references of every edit that the sandbox was asked for. */
function received(server: TestService): (readonly string[] | undefined)[] {
  return server.place.sandbox.record.to(EDITS)
    .map(({ references }) => references);
}

async function sha256(bytes: Bytes): Promise<string> {
  return new Uint8Array(await crypto.subtle.digest("SHA-256", bytes)).toHex();
}
