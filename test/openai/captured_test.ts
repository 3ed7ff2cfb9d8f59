import { assert, assertEquals } from "@std/assert";
import { readConfig } from "../../src/config.ts";
import { BodyBudget } from "../../src/http/body.ts";
import {
  EDITS_FORM,
  type OpenAiRequest,
  parseEdits,
  parseGenerations,
} from "../../src/openai/request.ts";
import {
  readRequest,
  type ReadRequestOptions,
} from "../../src/routes/read_request.ts";
import { startTestService } from "../support/service.ts";
import { inspectBase64, paint } from "./pictures.ts";

const BASE = "http://127.0.0.1:17341";
/** Stands for the bytes of a picture in a part. */
const PICTURE = "{picture}";

interface CapturedJson {
  readonly client: string;
  readonly body: Readonly<Record<string, unknown>>;
  /** The format and the size that are asked for. */
  readonly expected: string;
}

interface CapturedForm {
  readonly client: string;
  readonly boundary: string;
  /** The lines of each part before the empty one, and its content. */
  readonly parts: readonly (readonly [...lines: string[], content: string])[];
  /** The format and the size that are asked for, and how many references. */
  readonly expected: readonly [string, number];
}

const GENERATIONS: readonly CapturedJson[] = [
  {
    client: "official JavaScript",
    body: {
      model: "gpt-image-2",
      prompt: "an otter",
      size: "1536x864",
      quality: "low",
      n: 1,
      output_format: "webp",
      output_compression: 80,
      background: "opaque",
      moderation: "low",
      user: "u1",
    },
    expected: "webp 1536x864",
  },
  {
    client: "official Python",
    body: {
      prompt: "an otter",
      model: "gpt-image-1.5",
      quality: "high",
      size: "1024x1024",
    },
    expected: "png 1024x1024",
  },
  {
    client: "Vercel AI's compatible provider",
    body: {
      model: "gpt-image-2",
      prompt: "an otter",
      n: 1,
      size: "1024x1536",
      response_format: "b64_json",
    },
    expected: "png 1024x1536",
  },
  {
    client: "Open WebUI, its size set",
    body: { model: "gpt-image-2", prompt: "a cat", n: 1, size: "1024x1024" },
    expected: "png 1024x1024",
  },
  {
    client: "LibreChat",
    body: {
      model: "gpt-image-2",
      prompt: "an otter",
      n: 1,
      background: "auto",
      output_format: "png",
      quality: "auto",
      size: "auto",
    },
    expected: "png auto",
  },
  {
    client: "n8n",
    body: { prompt: "p", model: "gpt-image-2" },
    expected: "png auto",
  },
  {
    client: "a client that writes null for what is left out",
    body: {
      prompt: "p",
      model: null,
      n: null,
      size: null,
      stream: null,
      user: null,
      input_fidelity: null,
    },
    expected: "png auto",
  },
  {
    client: "a client that compresses a PNG",
    body: { prompt: "p", output_format: "png", output_compression: 100 },
    expected: "png auto",
  },
];

const EDITS: readonly CapturedForm[] = [
  {
    client: "official JavaScript",
    boundary: "----formdata-undici-051338741292",
    parts: [
      [`Content-Disposition: form-data; name="model"`, "gpt-image-2"],
      [
        `Content-Disposition: form-data; name="image"; filename="a.png"`,
        "Content-Type: application/octet-stream",
        PICTURE,
      ],
      [
        `Content-Disposition: form-data; name="mask"; filename="mask.png"`,
        "Content-Type: application/octet-stream",
        PICTURE,
      ],
      [`Content-Disposition: form-data; name="prompt"`, "redder"],
      [`Content-Disposition: form-data; name="size"`, "1024x1024"],
    ],
    expected: ["png 1024x1024", 2],
  },
  {
    client: "official Python",
    boundary: "8a3f0b1c5d7e49f2a6b8c0d1e2f30415",
    parts: [
      [`Content-Disposition: form-data; name="prompt"`, "redder"],
      [`Content-Disposition: form-data; name="model"`, "gpt-image-2"],
      [`Content-Disposition: form-data; name="n"`, "1"],
      [
        `Content-Disposition: form-data; name="image[]"; filename="a.png"`,
        "Content-Type: image/png",
        PICTURE,
      ],
      [
        `Content-Disposition: form-data; name="image[]"; filename="b.jpg"`,
        "Content-Type: image/jpeg",
        PICTURE,
      ],
    ],
    expected: ["png auto", 2],
  },
  {
    client: "Vercel AI",
    boundary: "----formdata-undici-099",
    parts: [
      [`Content-Disposition: form-data; name="model"`, "gpt-image-2"],
      [`Content-Disposition: form-data; name="prompt"`, "redder"],
      [
        `Content-Disposition: form-data; name="image"; filename="blob"`,
        "Content-Type: image/png",
        PICTURE,
      ],
      [`Content-Disposition: form-data; name="n"`, "1"],
      [`Content-Disposition: form-data; name="size"`, "1536x1024"],
    ],
    expected: ["png 1536x1024", 1],
  },
  {
    client: "Open WebUI, its headers the other way round",
    boundary: "c1a5b7e0d94f4e3f9b2a6c8d0e1f2a3b",
    parts: [
      [
        "Content-Type: text/plain; charset=utf-8",
        `Content-Disposition: form-data; name="model"`,
        "gpt-image-2",
      ],
      [
        "Content-Type: text/plain; charset=utf-8",
        `Content-Disposition: form-data; name="prompt"`,
        "redder",
      ],
      [
        "Content-Type: image/png",
        `Content-Disposition: form-data; name="image"; filename="image.png"`,
        PICTURE,
      ],
    ],
    expected: ["png auto", 1],
  },
  {
    client: "n8n, the image first",
    boundary: "--------------------------515890814546601021194782",
    parts: [
      [
        `Content-Disposition: form-data; name="image[]"; filename="data.png"`,
        "Content-Type: image/png",
        PICTURE,
      ],
      [`Content-Disposition: form-data; name="model"`, "gpt-image-2"],
      [`Content-Disposition: form-data; name="prompt"`, "redder"],
    ],
    expected: ["png auto", 1],
  },
  {
    client: "a client that repeats image, a mask in front of both",
    boundary: "x",
    parts: [
      [
        `Content-Disposition: form-data; name="mask"; filename="mask.png"`,
        PICTURE,
      ],
      [`Content-Disposition: form-data; name="image"; filename="a"`, PICTURE],
      [`Content-Disposition: form-data; name="prompt"`, "redder"],
      [`Content-Disposition: form-data; name="image"; filename="b"`, PICTURE],
      [`Content-Disposition: form-data; name="user"`, ""],
    ],
    expected: ["png auto", 3],
  },
  {
    client:
      "a program that counts its files, and writes booleans as Python does",
    boundary: "x",
    parts: [
      [
        `Content-Disposition: form-data; name="image[0]"; filename="a"`,
        PICTURE,
      ],
      [
        `Content-Disposition: form-data; name="image[1]"; filename="b"`,
        PICTURE,
      ],
      [`Content-Disposition: form-data; name="images"; filename="c"`, PICTURE],
      [`Content-Disposition: form-data; name="prompt"`, "redder"],
      [`Content-Disposition: form-data; name="stream"`, "False"],
      [`Content-Disposition: form-data; name="input_fidelity"`, "high"],
    ],
    expected: ["png auto", 3],
  },
];

for (const { body, client, expected } of GENERATIONS) {
  Deno.test(`the request of ${client} is understood`, async () => {
    const request = new Request(`${BASE}/v1/images/generations`, asJson(body));
    const { stream, wanted } = await read(request, {
      form: undefined,
      parse: parseGenerations,
    });
    const { count, outputFormat, requestedSize } = wanted;
    assertEquals(`${outputFormat} ${requestedSize}`, expected);
    assertEquals([count, stream], [1, false]);
  });
}

for (const { boundary, client, expected, parts } of EDITS) {
  Deno.test(`the form of ${client} is understood`, async () => {
    const init = await asForm(boundary, parts);
    const request = new Request(`${BASE}/v1/images/edits`, init);
    const { stream, wanted } = await read(request, {
      form: EDITS_FORM,
      parse: parseEdits,
    });
    const { outputFormat, references, requestedSize } = wanted;
    assertEquals(
      [`${outputFormat} ${requestedSize}`, references.length],
      expected,
    );
    assertEquals(stream, false);
  });
}

Deno.test("captured requests are answered", async (test) => {
  await using server = await startTestService();

  await test.step("one that writes null for what is left out", async () => {
    const { body } = find(GENERATIONS, "writes null");
    const response = await fetch(
      `${server.url}/v1/images/generations`,
      asJson(body),
    );
    const bytes = await response.bytes();
    const { data } = JSON.parse(new TextDecoder().decode(bytes));
    assertEquals(response.status, 200);
    assertEquals(response.headers.get("content-length"), `${bytes.length}`);
    assertEquals(data.length, 1);
    assertEquals(await inspectBase64(data[0].b64_json), "png 1536x1024");
    assertEquals("url" in data[0], false);
  });

  await test.step("a form that repeats image, a mask in front of both", async () => {
    const { boundary, parts } = find(EDITS, "repeats image");
    const init = await asForm(boundary, parts);
    const response = await fetch(`${server.url}/v1/images/edits`, init);
    const { data, error } = await response.json();
    assertEquals([response.status, error?.message], [200, undefined]);
    assertEquals(await inspectBase64(data[0].b64_json), "png 1536x1024");
    const [sent] = server.place.sandbox.record.to("/v1/images/edits");
    assertEquals(sent.references?.length, 3);
  });

  await test.step("that of Open WebUI with its default size is told what to set", async () => {
    const body = {
      model: "gpt-image-2",
      prompt: "a cat",
      n: 1,
      size: "512x512",
    };
    const response = await fetch(
      `${server.url}/images/generations?api-version=2025-04-01-preview`,
      asJson(body, { "api-key": "any" }),
    );
    const { error } = await response.json();
    assertEquals([response.status, error.param], [400, "size"]);
    assert(error.message.includes('"auto"'), error.message);
    assert(error.message.includes('"1024x1024"'), error.message);
  });
});

/** Reads a request as the routes do, without a server. */
async function read(
  request: Request,
  kind: Pick<ReadRequestOptions<OpenAiRequest>, "form" | "parse">,
): Promise<OpenAiRequest> {
  const directory = await Deno.makeTempDir({ prefix: "codex-image-server-" });
  try {
    await using uploaded = new AsyncDisposableStack();
    const { config } = readConfig({}, directory);
    const budget = new BodyBudget(config.maxInflightBytes);
    return await readRequest(request, { budget, config, log: () => {} }, {
      ...kind,
      requestId: "test",
      signal: request.signal,
      uploaded,
    });
  } finally {
    await Deno.remove(directory, { recursive: true });
  }
}

function find<Captured extends { readonly client: string }>(
  all: readonly Captured[],
  words: string,
): Captured {
  const captured = all.find(({ client }) => client.includes(words));
  if (captured === undefined) throw new Error(`Cannot find "${words}"`);
  return captured;
}

function asJson(body: unknown, headers: HeadersInit = {}): RequestInit {
  return {
    method: "POST",
    headers: { ...headers, "content-type": "application/json" },
    body: JSON.stringify(body),
  };
}

async function asForm(
  boundary: string,
  parts: CapturedForm["parts"],
): Promise<RequestInit> {
  return {
    method: "POST",
    headers: { "content-type": `multipart/form-data; boundary=${boundary}` },
    body: await writeForm(boundary, parts),
  };
}

async function writeForm(
  boundary: string,
  parts: CapturedForm["parts"],
): Promise<Blob> {
  const picture = await paint({ alpha: 0.5 });
  return new Blob([
    ...parts.flatMap((part) => {
      const content = part.at(-1) ?? "";
      const head = part.slice(0, -1).map((line) => `${line}\r\n`).join("");
      return [
        `--${boundary}\r\n${head}\r\n`,
        content === PICTURE ? picture : content,
        "\r\n",
      ];
    }),
    `--${boundary}--\r\n`,
  ]);
}
