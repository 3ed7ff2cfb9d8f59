import {
  assert,
  assertEquals,
  assertNotEquals,
  assertRejects,
  assertThrows,
} from "@std/assert";
import { HttpError } from "../../src/errors.ts";
import { errorResponse } from "../../src/http/error_response.ts";
import {
  fileResponse,
  type FileResponseOptions,
} from "../../src/http/file_response.ts";

const TEXT = "0123456789";
const CHANGED = new Date("2026-01-02T03:04:05.678Z");
const URL_OF_FILE = "http://127.0.0.1/file";

Deno.test("fileResponse() sends the whole file and says what it is", async () => {
  const { response, file } = await respond({});
  assertEquals(response.status, 200);
  assertEquals(Object.fromEntries(response.headers), {
    "accept-ranges": "bytes",
    "cache-control": "private, max-age=31536000, immutable",
    "content-disposition": 'inline; filename="picture.png"',
    "content-length": "10",
    "content-security-policy": "sandbox; default-src 'none'",
    "content-type": "image/png",
    "etag": '"abc"',
    "x-content-type-options": "nosniff",
  });
  assertEquals(await response.text(), TEXT);
  assertClosed(file);
});

Deno.test("fileResponse() answers HEAD with the headers of GET and no body", async () => {
  const get = await respond({});
  const head = await respond({}, { method: "HEAD" });
  assertEquals(head.response.status, 200);
  assertEquals([...head.response.headers], [...get.response.headers]);
  assertEquals(head.response.body, null);
  assertClosed(head.file);
  await get.response.body?.cancel();
});

Deno.test("fileResponse() makes the file name safe for its header", async () => {
  const { response, file } = await respond({}, {
    fileName: 'a "b"\r\nset-cookie: c=1;/生.png',
  });
  assertEquals(
    response.headers.get("content-disposition"),
    'inline; filename="a__b___set-cookie__c_1___.png"',
  );
  await response.body?.cancel();
  assertClosed(file);
});

Deno.test("fileResponse() closes the file when its headers cannot be made", async () => {
  const path = await tempFile(TEXT);
  const file = await Deno.open(path);
  await Deno.remove(path);
  await assertRejects(
    () =>
      fileResponse(new Request(URL_OF_FILE), file, {
        ...options(),
        etag: "a\nb",
      }),
    TypeError,
  );
  assertClosed(file);
});

type Expected = readonly [status: number, body: string, range: string | null];

const WHOLE: Expected = [200, TEXT, null];
const UNSATISFIABLE: Expected = [416, "", "bytes */10"];
const RANGES: Readonly<Record<string, Expected>> = {
  "bytes=0-9": [206, TEXT, "bytes 0-9/10"],
  "bytes=0-0": [206, "0", "bytes 0-0/10"],
  "bytes=2-5": [206, "2345", "bytes 2-5/10"],
  "bytes=9-9": [206, "9", "bytes 9-9/10"],
  "bytes=7-": [206, "789", "bytes 7-9/10"],
  "bytes=0-": [206, TEXT, "bytes 0-9/10"],
  "bytes=5-99": [206, "56789", "bytes 5-9/10"],
  "bytes=5-99999999999999999999999": [206, "56789", "bytes 5-9/10"],
  "bytes=-3": [206, "789", "bytes 7-9/10"],
  "bytes=-10": [206, TEXT, "bytes 0-9/10"],
  "bytes=-99": [206, TEXT, "bytes 0-9/10"],
  "BYTES=1-1": [206, "1", "bytes 1-1/10"],
  "bytes=10-": UNSATISFIABLE,
  "bytes=10-12": UNSATISFIABLE,
  "bytes=99999999999999999999999-": UNSATISFIABLE,
  "bytes=-0": UNSATISFIABLE,
  "bytes=0-0,2-3": WHOLE,
  "bytes=0-0,": WHOLE,
  "bytes=5-2": WHOLE,
  "bytes=-": WHOLE,
  "bytes=": WHOLE,
  "bytes": WHOLE,
  "bytes=a-b": WHOLE,
  "bytes=1.5-3": WHOLE,
  "bytes=--1": WHOLE,
  "bytes=+1-2": WHOLE,
  "bytes=0x1-2": WHOLE,
  "bytes = 0-1": WHOLE,
  "pages=0-1": WHOLE,
};

for (const [range, [status, body, contentRange]] of Object.entries(RANGES)) {
  Deno.test(`fileResponse() answers range "${range}" with ${status}`, async () => {
    const { response, file } = await respond({ range });
    assertEquals(response.status, status);
    assertEquals(response.headers.get("content-range"), contentRange);
    const text = await response.text();
    if (status === 416) {
      const { message, param } = JSON.parse(text).error;
      assert(message.startsWith(`Cannot send Range "${range}": the file has`));
      assertEquals(param, "Range");
    } else {
      assertEquals(response.headers.get("content-length"), `${body.length}`);
      assertEquals(text, body);
    }
    assertClosed(file);
  });
}

Deno.test("fileResponse() ignores the range of a HEAD request", async () => {
  for (const range of ["bytes=2-5", "bytes=99-"]) {
    const { response, file } = await respond({ range }, { method: "HEAD" });
    assertEquals(response.status, 200);
    assertEquals(response.headers.get("content-length"), "10");
    assertEquals(response.headers.get("content-range"), null);
    assertClosed(file);
  }
});

Deno.test("fileResponse() has no satisfiable range of an empty file", async () => {
  for (const range of ["bytes=0-", "bytes=-1"]) {
    const { response, file } = await respond({ range }, { text: "" });
    assertEquals(response.status, 416);
    assertEquals(response.headers.get("content-range"), "bytes */0");
    assertClosed(file);
  }
});

Deno.test("fileResponse() does not let a refused range be cached", async () => {
  const { response } = await respond({ range: "bytes=99-" });
  assertEquals(response.headers.get("cache-control"), null);
});

const DATE = CHANGED.toUTCString();
const EARLIER = new Date(CHANGED.getTime() - 5000).toUTCString();
const LATER = new Date(CHANGED.getTime() + 5000).toUTCString();
const CONDITIONS: readonly (readonly [Record<string, string>, number])[] = [
  [{ "if-none-match": '"abc"' }, 304],
  [{ "if-none-match": 'W/"abc"' }, 304],
  [{ "if-none-match": '"x", "abc"' }, 304],
  [{ "if-none-match": "*" }, 304],
  [{ "if-none-match": '"x"' }, 200],
  [{ "if-none-match": "abc" }, 200],
  [{ "if-none-match": '"abc"', "range": "bytes=0-1" }, 304],
  [{ "if-none-match": '"abc"', "range": "bytes=99-" }, 304],
  [{ "if-match": '"abc"' }, 200],
  [{ "if-match": '"x", "abc"' }, 200],
  [{ "if-match": "*" }, 200],
  [{ "if-match": '"x"' }, 412],
  [{ "if-match": 'W/"abc"' }, 412],
  [{ "if-match": "" }, 412],
  [{ "if-match": '"x"', "if-none-match": '"abc"' }, 412],
  [{ "if-match": '"x"', "range": "bytes=99-" }, 412],
  [{ "if-match": '"abc"', "if-none-match": '"abc"' }, 304],
  [{ "if-match": '"abc"', "range": "bytes=0-1" }, 206],
  [{ "if-range": '"abc"', "range": "bytes=0-1" }, 206],
  [{ "if-range": '"x"', "range": "bytes=0-1" }, 200],
  [{ "if-range": '"x"', "range": "bytes=99-" }, 200],
  [{ "if-range": 'W/"abc"', "range": "bytes=0-1" }, 200],
  [{ "if-range": DATE, "range": "bytes=0-1" }, 200],
  [{ "if-modified-since": DATE }, 304],
  [{ "if-modified-since": LATER }, 304],
  [{ "if-modified-since": EARLIER }, 200],
  [{ "if-modified-since": "yesterday" }, 200],
  [{ "if-modified-since": LATER, "if-none-match": '"x"' }, 200],
  [{ "if-unmodified-since": DATE }, 200],
  [{ "if-unmodified-since": LATER }, 200],
  [{ "if-unmodified-since": EARLIER }, 412],
  [{ "if-unmodified-since": "yesterday" }, 200],
  [{ "if-unmodified-since": EARLIER, "if-match": '"abc"' }, 200],
];

for (const [headers, status] of CONDITIONS) {
  for (const method of ["GET", "HEAD"]) {
    const name = `${method} with ${JSON.stringify(headers)}`;
    const expected = method === "HEAD" && status === 206 ? 200 : status;
    Deno.test(`fileResponse() answers ${name} with ${expected}`, async () => {
      const { response, file } = await respond(headers, {
        method,
        lastModified: CHANGED,
      });
      assertEquals(response.status, expected);
      assertEquals(response.headers.get("etag"), '"abc"');
      if (expected === 412) {
        const { message, param } = (await response.json()).error;
        assert(message.startsWith(`Cannot meet ${param} `), message);
      } else {
        assertEquals(response.headers.get("last-modified"), DATE);
      }
      if (expected === 304) assertEquals(response.body, null);
      if (!response.bodyUsed) await response.body?.cancel();
      assertClosed(file);
    });
  }
}

Deno.test("fileResponse() compares no date where the file has none", async () => {
  const { response } = await respond({ "if-modified-since": LATER });
  assertEquals(response.status, 200);
  assertEquals(response.headers.get("last-modified"), null);
  await response.body?.cancel();
});

Deno.test("fileResponse() tells a cache how long a 304 holds", async () => {
  const { response } = await respond({ "if-none-match": '"abc"' });
  assertNotEquals(response.headers.get("cache-control"), null);
  assertEquals(response.headers.get("content-length"), null);
});

Deno.test("fileResponse() closes the file when a body is cancelled before it is read", async () => {
  for (const range of ["bytes=-", "bytes=1-8"]) {
    const { response, file } = await respond({ range });
    await response.body?.cancel();
    assertClosed(file);
  }
});

Deno.test("fileResponse() closes the file when a body is cancelled halfway", async () => {
  const text = TEXT.repeat(50_000);
  for (const range of ["bytes=-", "bytes=1-499998"]) {
    const { response, file } = await respond({ range }, { text });
    const reader = response.body?.getReader();
    assertEquals((await reader?.read())?.done, false);
    await reader?.cancel();
    assertClosed(file);
  }
});

Deno.test("fileResponse() sends a range of many chunks and not one byte more", async () => {
  const text = TEXT.repeat(50_000);
  const { response, file } = await respond({ range: "bytes=3-400006" }, {
    text,
  });
  assertEquals(await response.text(), text.slice(3, 400_007));
  assertClosed(file);
});

Deno.test("fileResponse() reads nothing of a range before it is wanted", async () => {
  const { response, file } = await respond({ range: "bytes=4-8" });
  assertEquals(await file.seek(0, Deno.SeekMode.Current), 4);
  assertEquals(await response.text(), "45678");
});

Deno.test("fileResponse() breaks off a range that the file no longer has", async () => {
  const { response, file } = await respond({ range: "bytes=4-8" }, {
    size: 10,
    text: "012345",
  });
  await assertRejects(
    () => response.text(),
    Error,
    "Cannot send a file: it is 3 bytes too short",
  );
  assertClosed(file);
});

Deno.test("fileResponse() keeps the length of a HEAD answer on the wire", async () => {
  await using server = await serve(TEXT);
  const response = await fetch(server.url, { method: "HEAD" });
  assertEquals(response.headers.get("content-length"), "10");
  assertEquals(await response.text(), "");
});

Deno.test("fileResponse() sends whole files and ranges over a socket", async () => {
  const text = TEXT.repeat(50_000);
  await using server = await serve(text);
  assertEquals(await (await fetch(server.url)).text(), text);
  const response = await fetch(server.url, {
    headers: { range: "bytes=-200003" },
  });
  assertEquals(response.status, 206);
  assertEquals(response.headers.get("content-length"), "200003");
  assertEquals(await response.text(), text.slice(-200_003));
  for (const file of server.files) assertClosed(file);
});

for (const range of ["", "bytes=1-"]) {
  const what = range === "" ? "the file" : "a range";
  Deno.test(`fileResponse() closes the file when the client hangs up during ${what}`, async () => {
    await using server = await serve(TEXT.repeat(2_000_000));
    const response = await fetch(server.url, { headers: { range } });
    const reader = response.body?.getReader();
    await reader?.read();
    await reader?.cancel();
    await server.done();
    assertEquals(server.files.length, 1);
    for (const file of server.files) assertClosed(file);
  });
}

interface RespondOptions extends Partial<FileResponseOptions> {
  readonly method?: string;
  readonly text?: string;
}

async function respond(
  headers: Record<string, string>,
  { method = "GET", text = TEXT, ...changes }: RespondOptions = {},
) {
  const path = await tempFile(text);
  const file = await Deno.open(path);
  await Deno.remove(path);
  const request = new Request(URL_OF_FILE, { method, headers });
  try {
    const response = await fileResponse(request, file, {
      ...options(text.length),
      ...changes,
    });
    return { response, file };
  } catch (error) {
    if (!(error instanceof HttpError)) throw error;
    return { response: errorResponse(error, "r"), file };
  }
}

function options(size = TEXT.length): FileResponseOptions {
  return {
    size,
    etag: "abc",
    contentType: "image/png",
    fileName: "picture.png",
  };
}

/** Serves one file until disposal; `done()` ends when no request is under way. */
async function serve(text: string) {
  const path = await tempFile(text);
  const files: Deno.FsFile[] = [];
  const server = Deno.serve({
    hostname: "127.0.0.1",
    port: 0,
    onListen: () => {},
  }, async (request) => {
    const file = await Deno.open(path);
    files.push(file);
    return fileResponse(request, file, options(text.length));
  });
  return {
    url: `http://127.0.0.1:${server.addr.port}/`,
    files,
    done: () => server.shutdown(),
    async [Symbol.asyncDispose]() {
      await server.shutdown();
      await Deno.remove(path);
    },
  };
}

async function tempFile(text: string): Promise<string> {
  const path = await Deno.makeTempFile();
  await Deno.writeTextFile(path, text);
  return path;
}

function assertClosed(file: Deno.FsFile): void {
  assertThrows(() => file.statSync(), Deno.errors.BadResource);
}
