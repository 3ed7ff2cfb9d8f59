import { assert, assertEquals, assertRejects } from "@std/assert";
import { join } from "@std/path";
import { ApiError, toApiError } from "../../src/errors.ts";
import {
  isMultipart,
  readMultipart,
  type ReadMultipartOptions,
} from "../../src/http/multipart.ts";
import { until } from "../support/until.ts";
import {
  BOUNDARY,
  type Bytes,
  concat,
  file,
  form,
  FORM_TYPE,
  part,
  pieces,
  text,
} from "./_multipart.ts";

const MAX_BYTES = 1_000_000;
const MAX_FILE_BYTES = 1_000;
const NOISE = crypto.getRandomValues(new Uint8Array(MAX_FILE_BYTES));

const TYPES: Readonly<Record<string, boolean>> = {
  "multipart/form-data; boundary=x": true,
  'Multipart/Form-Data ; boundary="x"': true,
  "multipart/form-data": true,
  "multipart/mixed; boundary=x": false,
  "multipart/form-data-x; boundary=x": false,
  "application/json": false,
  "text/plain; multipart/form-data": false,
};

const BAD_TYPES = [
  "multipart/form-data",
  "multipart/form-data; boundary=",
  'multipart/form-data; boundary=""',
  "multipart/form-data; boundary=a=b",
  "multipart/form-data; charset=utf-8",
  "multipart/mixed; boundary=x",
  "application/json",
];

/** What is said of a field, and the form in which it stands. */
const REFUSED: readonly (readonly [string, Bytes])[] = [
  [
    'image the file "a.png" holds no data',
    form(file("image", "a.png", "")),
  ],
  [
    "image the file without a name holds no data",
    form(text("image", "")),
  ],
  [
    'image the file "a.png" is over 1,000 bytes',
    form(file("image", "a.png", concat(NOISE, "x"))),
  ],
  [
    "image there are more than 2 files",
    form(...Array(3).fill(file("image", "a.png", "x"))),
  ],
  [
    "more there are more than 3 fields",
    form(...["a", "b", "c", "more"].map((name) => text(name, "x"))),
  ],
  [
    'prompt it is a file, "a.txt", expected text',
    form(file("prompt", "a.txt", "x")),
  ],
  [
    "prompt it is over 262144 bytes",
    form(text("prompt", "x".repeat(262_145))),
  ],
  [
    "prompt it is not UTF-8",
    form(text("prompt", new Uint8Array([0xe4]))),
  ],
  [
    "image the body ends in the middle of it",
    form(file("image", "a.png", "content")).slice(0, -10),
  ],
];

const DISPOSITION = 'Content-Disposition: form-data; name="a"';

/** Content in which much of a boundary stands. */
const ALMOST = concat(
  "\r\n--",
  BOUNDARY.slice(0, -1),
  "\r\n\r\n-",
  `--${BOUNDARY}`,
  `\n--${BOUNDARY}--\r`,
  new Uint8Array([0, 255, 13, 13, 10, 45, 45, 13]),
);

const HEADERS: readonly (readonly [
  headers: string | readonly string[],
  name: string,
  fileName?: string,
])[] = [
  [DISPOSITION, "a"],
  ["content-disposition:form-data;name=a", "a"],
  ["CONTENT-DISPOSITION : Form-Data ; NAME=a", "a"],
  ["Content-Disposition: form-data; name=a; filename=x.png", "a", "x.png"],
  ['Content-Disposition: form-data; filename="x"; name="a"', "a", "x"],
  [["Content-Type: image/png", `${DISPOSITION}; filename="x"`], "a", "x"],
  [["Content-Length: 5", DISPOSITION, "Content-Type: text/plain"], "a"],
  [`${DISPOSITION}; filename=""`, "a", ""],
  [`${DISPOSITION}; filename="blob"`, "a", "blob"],
  [`${DISPOSITION}; filename="图层 1; 2.png"`, "a", "图层 1; 2.png"],
  [`${DISPOSITION}; filename="a \\"b\\".png"`, "a", 'a "b".png'],
  [`${DISPOSITION}; filename="C:\\dir\\x.png"`, "a", "C:\\dir\\x.png"],
  [`${DISPOSITION}; filename*=UTF-8''%E5%9B%BE.png`, "a", "图.png"],
  [`${DISPOSITION}; filename="x"; filename*=utf-8'en'%E5%9B%BE`, "a", "图"],
  [["Content-Disposition: form-data;", ' name="a"'], "a"],
  ['Content-Disposition: form-data; name="image[]"', "image[]"],
  ['Content-Disposition: form-data; name="提示"', "提示"],
  [`${DISPOSITION}; filename=my pic.png`, "a", "my pic.png"],
  ["Content-Disposition: form-data; name=a; filename=图.png", "a", "图.png"],
  [`${DISPOSITION}; filename="x"; filename*=UTF-8''%zz`, "a", "x"],
  [`${DISPOSITION}; filename*=UTF-8''%zz`, "a", "blob"],
];

/** What is wrong with a part, the part, and whether the message shows what is expected. */
const MALFORMED: readonly (readonly [string, Bytes, boolean])[] = [
  ["it has no Content-Disposition", part("Content-Type: text/plain"), true],
  ["it has no Content-Disposition", part([]), true],
  [
    "it has more than one Content-Disposition",
    part([DISPOSITION, DISPOSITION]),
    true,
  ],
  ...[
    "form-data",
    'form-data; name=""',
    'form-data; filename="x"',
    'attachment; name="a"',
    'form-data; name="a',
    'form-data; name="a"; name="b"',
    "form-data; name=a; name=b; filename=my pic.png",
    "attachment; name=a; filename=my pic.png",
    "form-data; filename=my pic.png",
    'form-data; name="prompt"; foo',
    "form-data; name=a b; filename=x.png",
  ].map((value): [string, Bytes, boolean] => [
    `its Content-Disposition is ${JSON.stringify(value)}`,
    part(`Content-Disposition: ${value}`),
    true,
  ]),
  ["its headers are malformed", part([DISPOSITION, "no colon"]), false],
  [
    "its headers are malformed",
    concat(`--${BOUNDARY}x\r\n${DISPOSITION}\r\n\r\nx\r\n`),
    false,
  ],
  [
    "its headers are malformed",
    concat(`--${BOUNDARY}\r\n${DISPOSITION}\r\n`, text("b", "x")),
    false,
  ],
  [
    "its headers exceed 16384 bytes",
    part([DISPOSITION, `X: ${"x".repeat(20_000)}`]),
    false,
  ],
];

const UPLOADS: Readonly<Record<string, string>> = {
  "of a known length": "Content-Length: 100000\r\n\r\n",
  "in chunks": "Transfer-Encoding: chunked\r\n\r\n4000\r\n",
};

for (const [type, expected] of Object.entries(TYPES)) {
  Deno.test(`isMultipart() is ${expected} for "${type}"`, () => {
    assertEquals(isMultipart(post("x", type)), expected);
  });
}

Deno.test("readMultipart() gives fields and files in their order", async () => {
  await using place = await openPlace();
  await using read = await place.read(form(
    text("size", "1K"),
    file("image", "图层 1.png", NOISE),
    text("prompt", "一只水獭 🦦\r\n"),
    text("empty", ""),
    part('Content-Disposition: form-data; name="image"', "without a name"),
  ));
  assertEquals(read.fields, [
    { name: "size", value: "1K" },
    { name: "prompt", value: "一只水獭 🦦\r\n" },
    { name: "empty", value: "" },
  ]);
  assertEquals(
    read.files.map(({ path: _, ...file }) => file),
    [
      {
        field: "image",
        fileName: "图层 1.png",
        bytes: NOISE.length,
        sha256: await sha256(NOISE),
      },
      {
        field: "image",
        fileName: undefined,
        bytes: 14,
        sha256: await sha256(concat("without a name")),
      },
    ],
  );
  assertEquals(await Deno.readFile(read.files[0].path), NOISE);
});

for (const [headers, name, fileName] of HEADERS) {
  Deno.test(`readMultipart() reads ${JSON.stringify(headers)}`, async () => {
    assertEquals(await readParts(form(part(headers, "x"))), [
      [name, fileName, "78"],
    ]);
  });
}

Deno.test("readMultipart() gives the same parts wherever the chunks are cut", async () => {
  const body = concat(
    "preamble\r\n",
    form(file("a", "图.png", ALMOST), file("b", "x", "y")),
    "epilogue",
  );
  const expected = [["a", "图.png", ALMOST.toHex()], ["b", "x", "79"]];
  for (let length = 1; length <= body.length; length++) {
    assertEquals(await readParts(body, length), expected);
  }
});

Deno.test("readMultipart() gives nothing of a form without parts, and needs no line end behind the last boundary", async () => {
  const body = form();
  assertEquals(await readParts(body.slice(0, -2)), []);
});

Deno.test("readMultipart() writes a file while it comes in", async () => {
  await using place = await openPlace();
  const written = Promise.withResolvers<void>();
  const body = new ReadableStream<Bytes>({
    async start(controller) {
      const head = file("image", "x", "").slice(0, -2);
      controller.enqueue(concat(head, NOISE.slice(0, 500)));
      await written.promise;
      controller.enqueue(concat(NOISE.slice(500), `\r\n--${BOUNDARY}--`));
      controller.close();
    },
  });
  const reading = readMultipart(post(body), place.options);
  await until(() =>
    place.files().length > 0 &&
    [...Deno.readDirSync(place.directory)].some(({ name }) =>
      Deno.statSync(join(place.directory, name)).size > 0
    )
  );
  written.resolve();
  await using read = await reading;
  assertEquals(await Deno.readFile(read.files[0].path), NOISE);
});

for (const [state, bad, isExplained] of MALFORMED) {
  const shown = new TextDecoder().decode(bad.slice(0, 100));
  Deno.test(`readMultipart() says of ${JSON.stringify(shown)} that ${state}`, async () => {
    await using place = await openPlace();
    const failure = await fail(
      place.read(form(file("image", "a.png", NOISE), bad)),
    );
    const expected = isExplained
      ? `, expected one such as Content-Disposition: form-data; name="prompt"`
      : "";
    assertEquals(failure.code, "unknown_parameter");
    assertEquals(
      failure.message,
      `Cannot read part 2 of the form: ${state}${expected}`,
    );
    assertEquals(place.files(), []);
  });
}

Deno.test("readMultipart() refuses a body that is cut off, and says where", async () => {
  await using place = await openPlace();
  const first = file("image", "a.png", "x");
  const second = text("prompt", "a fox");
  const body = form(first, second);
  const head = first.length + `--${BOUNDARY}`.length;
  const content = first.length + second.length - "a fox\r\n".length;
  const closing = body.length - "--\r\n".length;
  for (let length = head; length < closing; length++) {
    const failure = await fail(place.read(body.slice(0, length)));
    assertEquals(
      failure.message,
      length < content
        ? "Cannot read part 2 of the form: the body ends too early, expected its headers or the closing boundary"
        : "prompt the body ends in the middle of it",
    );
    assertEquals(place.files(), []);
  }
});

Deno.test("readMultipart() writes files for its user alone, under names of its own", async () => {
  await using place = await openPlace();
  await using read = await place.read(
    form(file("image", "../../escaped.png", "x")),
  );
  const [{ fileName, path }] = read.files;
  const name = path.slice(place.directory.length + 1);
  assertEquals(fileName, "../../escaped.png");
  assert(/^[0-9a-f-]{36}$/.test(name), path);
  assertEquals(modeOf(path), 0o600);
  assertEquals(modeOf(place.directory), 0o700);
});

Deno.test("readMultipart() passes over a file input in which nothing is chosen", async () => {
  await using place = await openPlace();
  await using read = await place.read(
    form(file("image", "", ""), text("prompt", "a fox")),
  );
  assertEquals(read.files, []);
  assertEquals(read.fields.length, 1);
});

Deno.test("readMultipart() reads what FormData and fetch send", async () => {
  await using place = await openPlace();
  const form = new FormData();
  form.set("prompt", "a fox");
  form.append("image", new File([NOISE], 'a "b".png', { type: "image/png" }));
  form.append("image", new Blob([NOISE.slice(500)]));
  const seen = Promise.withResolvers<unknown>();
  await using server = listen(async (request) => {
    await using read = await readMultipart(request, place.options);
    seen.resolve([
      read.fields,
      await Promise.all(read.files.map(async ({ fileName, path }) => [
        fileName,
        await sha256(await Deno.readFile(path)),
      ])),
    ]);
    return new Response();
  });
  const { port } = server.addr;
  const url = `http://127.0.0.1:${port}/`;
  await (await fetch(url, { method: "POST", body: form })).text();
  assertEquals(await seen.promise, [
    [{ name: "prompt", value: "a fox" }],
    [
      ["a %22b%22.png", await sha256(NOISE)],
      ["blob", await sha256(NOISE.slice(500))],
    ],
  ]);
  assertEquals(place.files(), []);
});

Deno.test("readMultipart() takes as much as the limits allow", async () => {
  await using place = await openPlace();
  const body = form(
    file("image", "a", NOISE),
    file("image", "b", NOISE),
    text("prompt", "🦦".repeat(65_536)),
    text("b", ""),
    text("c", ""),
  );
  await using read = await place.read(body, { maxBytes: body.length });
  assertEquals(read.files.length, 2);
  assertEquals(read.fields.length, 3);
});

Deno.test("readMultipart() makes no directory where there is no file", async () => {
  await using place = await openPlace();
  await using read = await place.read(form(text("prompt", "a fox")));
  assertEquals(read.files, []);
  assertEquals(place.files(), []);
});

Deno.test("readMultipart() gives a form whose disposal leaves nothing on disk", async () => {
  await using place = await openPlace();
  {
    await using read = await place.read(
      form(file("image", "a", "x"), file("image", "b", "y")),
    );
    assertEquals(place.files(), ["upload"]);
    await Deno.rename(read.files[0].path, join(place.parent, "moved"));
  }
  assertEquals(place.files(), ["moved"]);
});

for (const type of BAD_TYPES) {
  Deno.test(`readMultipart() refuses "${type}", unread`, async () => {
    await using place = await openPlace();
    const request = post(form(text("prompt", "a fox")), type);
    const failure = await fail(readMultipart(request, place.options));
    assertEquals(failure.code, "unsupported_media_type");
    assertEquals(
      failure.message,
      `Cannot read a body of type ${
        JSON.stringify(type)
      }: expected Content-Type "multipart/form-data" with its boundary`,
    );
    assertEquals(request.bodyUsed, false);
  });
}

Deno.test("readMultipart() refuses a body without the boundary", async () => {
  await using place = await openPlace();
  for (const body of ["", "hello", "--other\r\n\r\n--other--", "----for"]) {
    const failure = await fail(place.read(concat(body)));
    assertEquals(failure.code, "unsupported_media_type");
    assertEquals(
      failure.message,
      'Cannot read the body as multipart/form-data: no part begins with the boundary "----form" of its Content-Type',
    );
  }
});

Deno.test("readMultipart() refuses a request without a body", async () => {
  await using place = await openPlace();
  const headers = { "content-type": FORM_TYPE };
  const request = new Request("http://localhost/", { method: "POST", headers });
  const failure = await fail(readMultipart(request, place.options));
  assertEquals(failure.code, "unsupported_media_type");
});

for (const [state, bad] of REFUSED) {
  Deno.test(`readMultipart() says: ${state}`, async () => {
    await using place = await openPlace();
    const failure = await fail(place.read(bad));
    assertEquals(failure.message, state);
    assertEquals(place.files(), []);
  });
}

Deno.test("readMultipart() refuses a declared length over the limit, unread", async () => {
  await using place = await openPlace();
  const request = post(form(file("image", "a.png", "x")));
  request.headers.set("content-length", `${MAX_BYTES + 1}`);
  const failure = await fail(readMultipart(request, place.options));
  assertEquals(failure.code, "body_too_large");
  assertEquals(
    failure.message,
    "Cannot read the body: its 1000001 bytes exceed the limit of 1000000 bytes",
  );
  assertEquals(request.bodyUsed, false);
});

for (const where of ["in a file", "in text", "behind the last part"]) {
  Deno.test(`readMultipart() stops at the limit ${where} where no length is declared`, async () => {
    await using place = await openPlace();
    const first = file("image", "a.png", NOISE);
    const bodies: Readonly<Record<string, Bytes>> = {
      "in a file": form(first, file("image", "b.png", NOISE)),
      "in text": form(first, text("prompt", "x".repeat(1_000))),
      "behind the last part": concat(form(first), "x".repeat(1_000)),
    };
    const body = post(pieces(bodies[where], 100));
    const options = { ...place.options, maxBytes: 1_500 };
    const failure = await fail(readMultipart(body, options));
    assertEquals(failure.code, "body_too_large");
    assertEquals(
      failure.message,
      "Cannot read the body: it exceeds the limit of 1500 bytes",
    );
    assertEquals(place.files(), []);
  });
}

Deno.test("readMultipart() lets go of the body where it fails", async () => {
  await using place = await openPlace();
  let isCancelled = false;
  const body = new ReadableStream<Bytes>({
    start: (controller) => controller.enqueue(file("prompt", "a.png", "x")),
    cancel: () => {
      isCancelled = true;
    },
  });
  await fail(readMultipart(post(body), place.options));
  assertEquals(isCancelled, true);
});

Deno.test("readMultipart() does not read when its signal is aborted already", async () => {
  await using place = await openPlace();
  const request = post(form());
  const signal = AbortSignal.abort(new Error("over"));
  await assertRejects(
    () => readMultipart(request, { ...place.options, signal }),
    Error,
    "over",
  );
  assertEquals(request.bodyUsed, false);
});

Deno.test("readMultipart() rejects with the reason of its signal, and leaves nothing on disk", async () => {
  await using place = await openPlace();
  const controller = new AbortController();
  const { signal } = controller;
  let isCancelled = false;
  const halves = pieces(file("image", "a.png", NOISE), 500).values();
  const body = new ReadableStream<Bytes>({
    async pull(stream) {
      const { value } = await halves.next();
      if (value !== undefined) return stream.enqueue(value);
      assertEquals(place.files(), ["upload"]);
      controller.abort(new Error("over"));
    },
    cancel: () => {
      isCancelled = true;
    },
  }, { highWaterMark: 0 });
  await assertRejects(
    () => readMultipart(post(body), { ...place.options, signal }),
    Error,
    "over",
  );
  assertEquals(isCancelled, true);
  assertEquals(place.files(), []);
});

for (const [how, head] of Object.entries(UPLOADS)) {
  Deno.test(`readMultipart() takes an upload ${how} that breaks off as canceled, and leaves nothing on disk`, async () => {
    await using place = await openPlace();
    const caught = Promise.withResolvers<unknown>();
    await using server = listen(async (request) => {
      const { signal } = request;
      const options = { ...place.options, maxFileBytes: MAX_BYTES, signal };
      caught.resolve(
        await readMultipart(request, options).catch((error) => error),
      );
      return new Response();
    });
    {
      using client = await Deno.connect({
        hostname: "127.0.0.1",
        port: server.addr.port,
      });
      const type = `Content-Type: ${FORM_TYPE}\r\n`;
      const start = `POST / HTTP/1.1\r\nHost: localhost\r\n${type}${head}`;
      await client.write(
        concat(start, file("image", "a.png", new Uint8Array(10_000))),
      );
      await until(() => place.files().length > 0);
    }
    assertEquals(toApiError(await caught.promise).code, "request_canceled");
    assertEquals(place.files(), []);
  });
}

Deno.test("readMultipart() lets the server answer a client that still sends", async () => {
  await using place = await openPlace();
  await using server = listen(async (request) => {
    const { code } = await fail(readMultipart(request, place.options));
    return new Response(code);
  });
  const large = form(file("image", "a.png", new Uint8Array(5_000_000)));
  const response = await fetch(`http://127.0.0.1:${server.addr.port}/`, {
    method: "POST",
    headers: { "content-type": FORM_TYPE },
    body: pieces(large, 65_536),
  });
  assertEquals(await response.text(), "invalid_reference");
  assertEquals(place.files(), []);
});

Deno.test("readMultipart() counts the file of a field that takes one apart", async () => {
  await using place = await openPlace();
  const images = [1, 2].map((n) => file("image", `${n}.png`, NOISE));
  const mask = file("mask", "mask.png", NOISE);
  await using read = await place.read(form(...images, mask));
  assertEquals(read.files.length, 3);
  const third = file("image", "3.png", NOISE);
  const failure = await assertRejects(
    () => place.read(form(...images, mask, third)),
    ApiError,
  );
  assertEquals(failure.message, "image there are more than 2 files");
});

/** Reads a form of which every field is a file: names, file names and contents. */
async function readParts(body: Bytes, length?: number) {
  await using place = await openPlace();
  const { shape } = place.options;
  await using read = await readMultipart(
    post(pieces(body, length ?? body.length)),
    { ...place.options, shape: { ...shape, isFile: () => true } },
  );
  return await Promise.all(read.files.map(async ({ field, fileName, path }) => [
    field,
    fileName,
    (await Deno.readFile(path)).toHex(),
  ]));
}

/** A directory in which forms are read. */
async function openPlace() {
  const parent = await Deno.makeTempDir({ prefix: "codex-image-server-" });
  const directory = join(parent, "upload");
  const options: ReadMultipartOptions = {
    shape: {
      isFile: (field) => field === "image" || field === "mask",
      isSingle: (field) => field === "mask",
      refuse: (field, state) =>
        new ApiError("invalid_reference", `${field} ${state}`),
    },
    maxBytes: MAX_BYTES,
    maxFileBytes: MAX_FILE_BYTES,
    maxFiles: 2,
    maxFields: 3,
    directory,
  };
  return {
    parent,
    directory,
    options,
    /** Reads a form. */
    read: (body: Bytes, more: Partial<ReadMultipartOptions> = {}) =>
      readMultipart(post(body), { ...options, ...more }),
    /** Names what lies in the place. */
    files: () => Array.from(Deno.readDirSync(parent), ({ name }) => name),
    [Symbol.asyncDispose]: () => Deno.remove(parent, { recursive: true }),
  };
}

function post(body: BodyInit, type = FORM_TYPE): Request {
  const headers = { "content-type": type };
  return new Request("http://localhost/", { method: "POST", body, headers });
}

function listen(handler: (request: Request) => Promise<Response>) {
  return Deno.serve(
    { hostname: "127.0.0.1", port: 0, onListen() {} },
    handler,
  );
}

function fail(reading: Promise<unknown>): Promise<ApiError> {
  return assertRejects(() => reading, ApiError);
}

function modeOf(path: string): number {
  return (Deno.statSync(path).mode ?? 0) & 0o777;
}

async function sha256(bytes: Bytes): Promise<string> {
  return new Uint8Array(await crypto.subtle.digest("SHA-256", bytes)).toHex();
}
