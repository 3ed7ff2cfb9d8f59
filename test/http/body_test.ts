import { assert, assertEquals, assertRejects } from "@std/assert";
import { ApiError, type ErrorCode, toApiError } from "../../src/errors.ts";
import { readBody, readJson } from "../../src/http/body.ts";

const MAX_BYTES = 100;
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
const UPLOADS: Readonly<Record<string, string>> = {
  "of a known length": "Content-Length: 1000\r\n\r\nhello",
  "in chunks": "Transfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n",
};

Deno.test("readBody() reads all chunks in their order", async () => {
  const request = post(chunks(["he", "", "llo", " you"]));
  const bytes = await readBody(request, { maxBytes: MAX_BYTES });
  assertEquals(new TextDecoder().decode(bytes), "hello you");
});

Deno.test("readBody() gives no bytes where there is no body", async () => {
  const request = new Request("http://localhost/");
  const bytes = await readBody(request, { maxBytes: MAX_BYTES });
  assertEquals(bytes, new Uint8Array(0));
});

Deno.test("readBody() reads a body as large as the limit", async () => {
  const body = new Uint8Array(MAX_BYTES).fill(7);
  for (const request of [post(body), declare(post(body), MAX_BYTES)]) {
    assertEquals(await readBody(request, { maxBytes: MAX_BYTES }), body);
  }
});

Deno.test("readBody() refuses a declared length over the limit, unread", async () => {
  const request = declare(post(unreadable()), MAX_BYTES + 1);
  const failure = await fail(readBody(request, { maxBytes: MAX_BYTES }));
  assertEquals(failure.code, "body_too_large");
  assertEquals(
    failure.message,
    "Cannot read the body: its 101 bytes exceed the limit of 100 bytes",
  );
  assertEquals(request.bodyUsed, false);
});

Deno.test("readBody() stops at the limit where no length is declared", async () => {
  const endless = endlessBody(30);
  const request = post(endless.body);
  const failure = await fail(readBody(request, { maxBytes: MAX_BYTES }));
  assertEquals(failure.code, "body_too_large");
  assertEquals(
    failure.message,
    "Cannot read the body: it exceeds the limit of 100 bytes",
  );
  assertEquals(endless.isCancelled(), true);
});

Deno.test("readBody() does not trust a declared length that is too small", async () => {
  const request = declare(post(endlessBody(30).body), 10);
  const failure = await fail(readBody(request, { maxBytes: MAX_BYTES }));
  assertEquals(failure.code, "body_too_large");
});

Deno.test("readBody() does not read when its signal is aborted already", async () => {
  const request = post(unreadable());
  const signal = AbortSignal.abort(new Error("over"));
  const options = { maxBytes: MAX_BYTES, signal };
  await assertRejects(() => readBody(request, options), Error, "over");
  assertEquals(request.bodyUsed, false);
});

Deno.test("readBody() rejects with the reason of its signal, and lets go of the body", async () => {
  const controller = new AbortController();
  const { promise: waiting, resolve: wait } = Promise.withResolvers<void>();
  let isCancelled = false;
  const body = new ReadableStream({
    pull: () => wait(),
    cancel: () => {
      isCancelled = true;
    },
  }, { highWaterMark: 0 });
  const { signal } = controller;
  const reading = readBody(post(body), { maxBytes: MAX_BYTES, signal });
  const rejected = assertRejects(() => reading, Error, "over");
  await waiting;
  controller.abort(new Error("over"));
  await rejected;
  assertEquals(isCancelled, true);
});

for (const [how, upload] of Object.entries(UPLOADS)) {
  Deno.test(`readBody() takes an upload ${how} that breaks off as canceled`, async () => {
    const { promise: started, resolve: start } = Promise.withResolvers<void>();
    const { promise: caught, resolve: report } = Promise.withResolvers<
      unknown
    >();
    await using server = Deno.serve(
      { hostname: "127.0.0.1", port: 0, onListen() {} },
      async (request) => {
        start();
        const { signal } = request;
        const reading = readBody(request, { maxBytes: 2_000, signal });
        report(await reading.catch((error) => error));
        return new Response();
      },
    );
    const { port } = server.addr;
    const client = await Deno.connect({ hostname: "127.0.0.1", port });
    const head = `POST / HTTP/1.1\r\nHost: localhost\r\n${upload}`;
    await client.write(new TextEncoder().encode(head));
    await started;
    client.close();
    assertEquals(toApiError(await caught).code, "request_canceled");
  });
}

Deno.test("readBody() takes chunks that are not well-formed as canceled", async () => {
  await using server = Deno.serve(
    { hostname: "127.0.0.1", port: 0, onListen() {} },
    async (request) => {
      const reading = readBody(request, { maxBytes: MAX_BYTES });
      const { code } = toApiError(await reading.catch((error) => error));
      return new Response(code);
    },
  );
  const { port } = server.addr;
  using client = await Deno.connect({ hostname: "127.0.0.1", port });
  const head = "POST / HTTP/1.1\r\nHost: localhost\r\nExpect: 100-continue\r\n";
  const encoder = new TextEncoder();
  await client.write(
    encoder.encode(`${head}Transfer-Encoding: chunked\r\n\r\n`),
  );
  // The server says "continue" once the handler reads.
  await client.read(new Uint8Array(100));
  await client.write(encoder.encode("zz\r\nhello\r\n"));
  const answer = client.readable.pipeThrough(new TextDecoderStream());
  const text = (await Array.fromAsync(answer)).join("");
  assert(text.endsWith("\r\n\r\nrequest_canceled"), text);
});

for (const [how, upload] of Object.entries(UPLOADS)) {
  Deno.test(`readBody() refuses a large upload ${how} before all of it is sent`, async () => {
    await using server = Deno.serve(
      { hostname: "127.0.0.1", port: 0, onListen() {} },
      async (request) => {
        const reading = readBody(request, { maxBytes: 3 });
        return new Response((await fail(reading)).code);
      },
    );
    const { port } = server.addr;
    using client = await Deno.connect({ hostname: "127.0.0.1", port });
    const head = `POST / HTTP/1.1\r\nHost: localhost\r\n${upload}`;
    await client.write(new TextEncoder().encode(head));
    const buffer = new Uint8Array(1_000);
    const length = await client.read(buffer);
    const answer = new TextDecoder().decode(buffer.subarray(0, length ?? 0));
    assert(answer.endsWith("\r\n\r\nbody_too_large"), answer);
  });
}

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

Deno.test("readJson() refuses a body over the limit", async () => {
  const failure = await fail(json(`"${"a".repeat(MAX_BYTES)}"`));
  assertEquals(failure.code, "body_too_large" satisfies ErrorCode);
});

function json(body: BodyInit, type = "application/json"): Promise<unknown> {
  return readJson(post(body, type), { maxBytes: MAX_BYTES });
}

function post(body: BodyInit, type = "application/json"): Request {
  const headers = { "content-type": type };
  return new Request("http://localhost/", { method: "POST", body, headers });
}

function declare(request: Request, length: number): Request {
  request.headers.set("content-length", `${length}`);
  return request;
}

function fail(reading: Promise<unknown>): Promise<ApiError> {
  return assertRejects(() => reading, ApiError);
}

function chunks(texts: readonly string[]): ReadableStream<Uint8Array> {
  return ReadableStream.from(texts).pipeThrough(new TextEncoderStream());
}

/** A body that ends the test with an error when anything is read of it. */
function unreadable(): ReadableStream<Uint8Array> {
  return new ReadableStream({
    pull() {
      throw new Error("The body was read");
    },
  }, { highWaterMark: 0 });
}

function endlessBody(chunkBytes: number) {
  let isCancelled = false;
  const body = new ReadableStream<Uint8Array>({
    pull: (controller) => controller.enqueue(new Uint8Array(chunkBytes)),
    cancel: () => {
      isCancelled = true;
    },
  });
  return { body, isCancelled: () => isCancelled };
}
