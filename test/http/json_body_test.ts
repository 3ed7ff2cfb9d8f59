import { assert, assertEquals, assertRejects } from "@std/assert";
import { join } from "@std/path";
import fc from "fast-check";
import { ApiError, type ErrorCode } from "../../src/errors.ts";
import { readJson, type ReadJsonOptions } from "../../src/http/json_body.ts";
import { Upload } from "../../src/http/upload.ts";
import { type Bytes, concat, pieces } from "./_multipart.ts";

const MAX_BYTES = 10_000_000;
const MAX_FILE_BYTES = 1_000;
const NOISE = crypto.getRandomValues(new Uint8Array(MAX_FILE_BYTES));
const IMAGE = `data:image/png;base64,${NOISE.toBase64()}`;
const SECRET = "hunter2";

const TYPES = [
  "application/json",
  "application/json; charset=utf-8",
  "application/json;charset=UTF-8",
  "Application/JSON ; charset=utf-8",
];
const OTHER_TYPES = [
  "text/plain",
  "text/plain; application/json",
  "application/x-www-form-urlencoded",
  "multipart/form-data; boundary=x",
  "application/ld+json",
  "application/jsonp",
  "application/json, text/plain",
  "json",
  "",
];
const BAD_JSON: readonly (readonly [string, string])[] = [
  ["", "it is empty"],
  ["\ufeff", "it is empty"],
  [" \r\n\t", "it is empty"],
  [`{"a":"${SECRET}"`, "it is malformed at position 14 (line 1 column 15)"],
  ['{"a":', "it ends too early"],
  [`{"a":${SECRET}}`, "it is malformed"],
  [`{"a":"${SECRET}\n"}`, "it is malformed at position 13 (line 1 column 14)"],
  [`{"a":1}${SECRET}`, "it is malformed at position 7 (line 1 column 8)"],
  [`{\n'${SECRET}':1}`, "it is malformed at position 2 (line 2 column 1)"],
  [`${SECRET} at position 1 (line 1 column 2)`, "it is malformed"],
];

/** What is said of a data URL, and the data URL. */
const BAD_DATA: readonly (readonly [string, string])[] = [
  ["it holds no data", "data:image/png;base64,"],
  ["it holds no data", "data:image/png;base64,\\n"],
  ["its data is not valid base64", "data:;base64,QU!D"],
  ["its data is not valid base64", "data:;base64,-_-_"],
  ["its data is not valid base64", "data:;base64,QQ%3D%3D"],
  ["its data is not valid base64", "data:;base64,QUJDR"],
  ["its data is not valid base64", "data:;base64,QQ==QQ=="],
  ["its data is not valid base64", "data:;base64,QQ==\\u0051"],
  ["its data is not valid base64", "data:;base64,QU\\\\JD"],
  ["its data is not valid base64", "data:;base64,图图图图"],
  [
    "it is over 1,000 bytes",
    `data:;base64,${"A".repeat(4 * MAX_FILE_BYTES)}`,
  ],
];

/** Data URLs in all the ways in which JSON may write them. */
const ESCAPED: Readonly<Record<string, string>> = {
  "with escaped slashes": "data:image\\/png;base64,\\/\\/8AQUJD",
  "with an escaped header": "d\\u0061ta:image/png;\\u0062ase64\\u002c//8AQUJD",
  "escaped all over": [..."data:;base64,//8AQUJD"].map((character) =>
    `\\u${character.charCodeAt(0).toString(16).padStart(4, "0")}`
  ).join(""),
  "with broken lines": "data:;base64,//8A\\r\\nQU \\tJD\\n",
  "without a type": "data:;base64,//8AQUJD",
};

/** Text that is no base64 data URL, and stays as it is. */
const TEXTS = [
  "",
  "data:",
  "data:text/plain,x",
  "data:text/plain,hello;base64,QUJD",
  `data:${"x".repeat(300)};base64,QUJD`,
  "https://example.com/a.png",
  "Data:image/png;base64,QUJD",
  '图\\u56fe\\ud83e\\udda6\\\\\\"',
];

const TOO_MUCH: Readonly<Record<string, string>> = {
  "expected 16 levels at most": "[".repeat(17),
  "expected 512 keys at most": JSON.stringify(
    Object.fromEntries(Array.from({ length: 513 }, (_, n) => [`k${n}`, 1])),
  ),
  "expected 4,096 structural characters at most": JSON.stringify(
    Array(4_096).fill(1),
  ),
};

for (const type of TYPES) {
  Deno.test(`readJson() reads "${type}"`, async () => {
    assertEquals(await json('{"a":[1,null,"ä"]}', type), {
      a: [1, null, "ä"],
    });
  });
}

for (const type of OTHER_TYPES) {
  Deno.test(`readJson() refuses "${type}", unread`, async () => {
    const request = post(unreadable(), type);
    const failure = await fail(readJson(request, { maxBytes: MAX_BYTES }));
    assertEquals(failure.code, "unsupported_media_type");
    assertEquals(
      failure.message,
      `Cannot read a body of type "${type}": expected Content-Type "application/json"`,
    );
    assertEquals(request.bodyUsed, false);
  });
}

Deno.test("readJson() refuses a body without a type", async () => {
  const request = new Request("http://localhost/", {
    method: "POST",
    body: new TextEncoder().encode("{}"),
  });
  const failure = await fail(readJson(request, { maxBytes: MAX_BYTES }));
  assertEquals(failure.code, "unsupported_media_type");
  assertEquals(
    failure.message,
    'Cannot read a body without a type: expected Content-Type "application/json"',
  );
});

Deno.test("readJson() tolerates a byte order mark", async () => {
  assertEquals(await json('\ufeff{"a":1}'), { a: 1 });
});

for (const [text, state] of BAD_JSON) {
  Deno.test(`readJson() says of ${JSON.stringify(text)} that ${state}`, async () => {
    const failure = await fail(json(text));
    assertEquals(failure.code, "invalid_json");
    assertEquals(failure.message, `Cannot read the body as JSON: ${state}`);
  });
}

Deno.test("readJson() refuses what is not UTF-8", async () => {
  const latin1 = new Uint8Array([0x22, 0xe4, 0x22]);
  const failure = await fail(json(latin1));
  assertEquals(failure.code, "invalid_json");
  assertEquals(
    failure.message,
    "Cannot read the body as JSON: it is not UTF-8",
  );
});

Deno.test("readJson() writes data URLs to disk, wherever the body is cut", async () => {
  await using place = await openPlace();
  const body = concat(JSON.stringify({
    prompt: '图 \\ "a"',
    list: [{ image: IMAGE, label: "a" }, { image: "data:;base64,QQ", n: [1] }],
    mask: { image_url: "data:;base64,QUI=" },
    image: null,
  }));
  for (let length = 1; length <= body.length; length += 1 + length % 7) {
    await using read = await place.read(body, length);
    const { list, mask, ...rest } = read.value as {
      list: { image: Upload }[];
      mask: { image_url: Upload };
    };
    const files = [list[0].image, list[1].image, mask.image_url];
    assert(files.every((file) => file instanceof Upload));
    const [noise, a, ab] = await Promise.all(
      files.map(({ path }) => Deno.readFile(path)),
    );
    assertEquals(noise, NOISE);
    assertEquals([a.toHex(), ab.toHex()], ["41", "4142"]);
    assertEquals(
      [list[0].image.bytes, list[0].image.sha256],
      [NOISE.length, await sha256(NOISE)],
    );
    assertEquals(
      { ...rest, list: list.map(({ image: _, ...rest }) => rest) } as unknown,
      {
        prompt: '图 \\ "a"',
        image: null,
        list: [{ label: "a" }, { n: [1] }],
      },
    );
  }
  assertEquals(place.files(), []);
});

for (const [how, text] of Object.entries(ESCAPED)) {
  Deno.test(`readJson() reads a data URL ${how}`, async () => {
    await using place = await openPlace();
    for (const length of [1, 5, 1_000]) {
      const body = concat(`{"im\\u0061ge":"${text}"}`);
      await using read = await place.read(body, length);
      const { image } = read.value as { image: Upload };
      assertEquals((await Deno.readFile(image.path)).toHex(), "ffff00414243");
    }
  });
}

for (const text of TEXTS) {
  Deno.test(`readJson() leaves "${text.slice(0, 40)}" as it is`, async () => {
    await using place = await openPlace();
    const body = `{"image":"${text}","prompt":"${IMAGE}"}`;
    for (const length of [1, 1_000]) {
      await using read = await place.read(concat(body), length);
      assertEquals(read.value, JSON.parse(body));
    }
    assertEquals(place.files(), []);
  });
}

for (const [state, text] of BAD_DATA) {
  Deno.test(`readJson() says of the data URL "${text.slice(0, 30)}" that ${state}, and leaves nothing on disk`, async () => {
    await using place = await openPlace();
    const body = `{"list":[{"image":"${IMAGE}"},{"image":"${text}"}]}`;
    for (const length of [1, 100_000]) {
      const failure = await fail(place.read(concat(body), length));
      assertEquals(failure.message, `list[1].image ${state}`);
      assertEquals(place.files(), []);
    }
  });
}

for (const [limit, body] of Object.entries(TOO_MUCH)) {
  Deno.test(`readJson() refuses too much structure: ${limit}`, async () => {
    const failure = await fail(json(body));
    assertEquals(failure.code, "invalid_json");
    assertEquals(
      failure.message,
      `Cannot read the body as JSON: it has too much structure, ${limit}`,
    );
  });
}

Deno.test("readJson() counts no structure in text, whatever stands in it", async () => {
  const text = '{[:,"\\'.repeat(2_000);
  assertEquals(await json(JSON.stringify({ text })), { text });
});

Deno.test("readJson() refuses text over its limit, and says where data URLs may stand", async () => {
  await using place = await openPlace();
  const body = concat(JSON.stringify({ images: ["x".repeat(1_048_576)] }));
  const failure = await fail(place.read(body));
  assertEquals(failure.code, "body_too_large" satisfies ErrorCode);
  assertEquals(
    failure.message,
    'Cannot read the body: without the data URLs in "image" and "image_url" it exceeds the limit of 1048576 bytes',
  );
});

Deno.test("readJson() refuses more data URLs than are expected, and leaves nothing on disk", async () => {
  await using place = await openPlace();
  const body = concat(JSON.stringify(Array(4).fill({ image: IMAGE })));
  const failure = await fail(place.read(body));
  assertEquals(failure.message, "[3].image there are more than 3 data URLs");
  assertEquals(place.files(), []);
});

Deno.test("readJson() takes the last of two members, and what is called __proto__ for a member as any other", async () => {
  await using place = await openPlace();
  const body =
    `{"image":"${IMAGE}","image":"data:;base64,QQ==","__proto__":{"image":"data:;base64,QUI="}}`;
  await using read = await place.read(concat(body));
  const value = read.value as Record<string, Upload & { image: Upload }>;
  assertEquals(Object.keys(value), ["image", "__proto__"]);
  assertEquals(value.image.bytes, 1);
  assertEquals(
    Object.getOwnPropertyDescriptor(value, "__proto__")?.value.image.bytes,
    2,
  );
});

for (
  const [what, end] of Object.entries({
    "in the data": "QUJD",
    "in an escape": "QUJD\\u00",
    "in the header": "",
  })
) {
  Deno.test(`readJson() refuses a body that ends ${what} of a data URL, and leaves nothing on disk`, async () => {
    await using place = await openPlace();
    const header = end === "" ? "data:image" : "data:;base64,";
    const body = `{"list":[{"image":"${IMAGE}"},{"image":"${header}${end}`;
    const failure = await fail(place.read(concat(body)));
    assertEquals(failure.code, "invalid_json");
    assertEquals(place.files(), []);
  });
}

for (const bad of ["\n", "\0", "\\x", "\\u00zz"]) {
  Deno.test(`readJson() refuses ${JSON.stringify(bad)} in a data URL, which JSON does not know`, async () => {
    await using place = await openPlace();
    for (const header of ["data:image/png;base64,QUJD", "data:image"]) {
      const failure = await fail(
        place.read(concat(`{"image":"${header}${bad}"}`)),
      );
      assertEquals(failure.code, "invalid_json");
    }
    assertEquals(place.files(), []);
  });
}

Deno.test("readJson() reads whatever JSON.parse() reads, and refuses what it refuses", async () => {
  const damaged = fc.tuple(fc.json({ maxDepth: 3 }), fc.nat(), fc.string())
    .map(([json, at, text]) =>
      json.slice(0, at % json.length) + text + json.slice(at % json.length)
    );
  await fc.assert(
    fc.asyncProperty(
      fc.oneof(fc.json({ maxDepth: 3 }), damaged),
      fc.integer({ min: 1, max: 20 }),
      async (text, length) => {
        await using place = await openPlace();
        const bytes = concat(text);
        const expected = parse(new TextDecoder().decode(bytes));
        const read = await place.read(bytes, length).then(
          ({ value }) => ({ value }),
          (error) => error instanceof ApiError ? undefined : error,
        );
        assertEquals(read, expected);
      },
    ),
    { numRuns: 1_000 },
  );
});

function parse(text: string): { value: unknown } | undefined {
  try {
    return { value: JSON.parse(text) };
  } catch (error) {
    if (error instanceof SyntaxError) return undefined;
    throw error;
  }
}

/** A directory in which bodies are read. */
async function openPlace() {
  const parent = await Deno.makeTempDir({ prefix: "codex-image-server-" });
  const files: ReadJsonOptions["files"] = {
    directory: join(parent, "upload"),
    maxFileBytes: MAX_FILE_BYTES,
    maxFiles: 3,
    names: ["image", "image_url"],
    refuse: (param, state) =>
      new ApiError("invalid_reference", `${param} ${state}`),
  };
  return {
    /** Reads a body that comes in pieces of a length. */
    read: (body: Bytes, length = body.length) =>
      readJson(post(pieces(body, length)), { maxBytes: MAX_BYTES, files }),
    /** Names what lies in the place. */
    files: () => Array.from(Deno.readDirSync(parent), ({ name }) => name),
    [Symbol.asyncDispose]: () => Deno.remove(parent, { recursive: true }),
  };
}

async function json(
  body: BodyInit,
  type = "application/json",
): Promise<unknown> {
  return (await readJson(post(body, type), { maxBytes: MAX_BYTES })).value;
}

function post(body: BodyInit, type = "application/json"): Request {
  const headers = { "content-type": type };
  return new Request("http://localhost/", { method: "POST", body, headers });
}

function fail(reading: Promise<unknown>): Promise<ApiError> {
  return assertRejects(() => reading, ApiError);
}

/** A body that ends the test with an error when anything is read of it. */
function unreadable(): ReadableStream<Uint8Array> {
  return new ReadableStream({
    pull() {
      throw new Error("The body was read");
    },
  }, { highWaterMark: 0 });
}

async function sha256(bytes: Bytes): Promise<string> {
  return new Uint8Array(await crypto.subtle.digest("SHA-256", bytes)).toHex();
}
