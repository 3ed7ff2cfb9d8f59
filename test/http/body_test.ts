import { assert, assertEquals, assertRejects } from "@std/assert";
import { ApiError, toApiError } from "../../src/errors.ts";
import {
  BodyBudget,
  type ReadBodyOptions,
  readChunks,
} from "../../src/http/body.ts";

import { concat } from "./_multipart.ts";

const MAX_BYTES = 100;
const UPLOADS: Readonly<Record<string, string>> = {
  "of a known length": "Content-Length: 1000\r\n\r\nhello",
  "in chunks": "Transfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n",
};

Deno.test("readChunks() reads all chunks in their order", async () => {
  const request = post(chunks(["he", "", "llo", " you"]));
  const bytes = await readBody(request, { maxBytes: MAX_BYTES });
  assertEquals(new TextDecoder().decode(bytes), "hello you");
});

Deno.test("readChunks() gives no bytes where there is no body", async () => {
  const request = new Request("http://localhost/");
  const bytes = await readBody(request, { maxBytes: MAX_BYTES });
  assertEquals(bytes, new Uint8Array(0));
});

Deno.test("readChunks() reads a body as large as the limit", async () => {
  const body = new Uint8Array(MAX_BYTES).fill(7);
  for (const request of [post(body), declare(post(body), MAX_BYTES)]) {
    assertEquals(await readBody(request, { maxBytes: MAX_BYTES }), body);
  }
});

Deno.test("readChunks() refuses a declared length over the limit, unread", async () => {
  const request = declare(post(unreadable()), MAX_BYTES + 1);
  const failure = await fail(readBody(request, { maxBytes: MAX_BYTES }));
  assertEquals(failure.code, "body_too_large");
  assertEquals(
    failure.message,
    "Cannot read the body: its 101 bytes exceed the limit of 100 bytes",
  );
  assertEquals(request.bodyUsed, false);
});

Deno.test("readChunks() stops at the limit where no length is declared", async () => {
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

Deno.test("readChunks() does not trust a declared length that is too small", async () => {
  const request = declare(post(endlessBody(30).body), 10);
  const failure = await fail(readBody(request, { maxBytes: MAX_BYTES }));
  assertEquals(failure.code, "body_too_large");
});

Deno.test("readChunks() does not read when its signal is aborted already", async () => {
  const request = post(unreadable());
  const signal = AbortSignal.abort(new Error("over"));
  const options = { maxBytes: MAX_BYTES, signal };
  await assertRejects(() => readBody(request, options), Error, "over");
  assertEquals(request.bodyUsed, false);
});

Deno.test("readChunks() rejects with the reason of its signal, and lets go of the body", async () => {
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
  Deno.test(`readChunks() takes an upload ${how} that breaks off as canceled`, async () => {
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

Deno.test("readChunks() takes chunks that are not well-formed as canceled", async () => {
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
  Deno.test(`readChunks() refuses a large upload ${how} before all of it is sent`, async () => {
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

Deno.test("readChunks() cuts what comes at once into chunks of 64 KiB, and lets others have their turn in between", async () => {
  const options = { maxBytes: 2 ** 20 };
  const chunks = readChunks(post(new Uint8Array(150_000)), options);
  let turns = 0;
  const timer = setInterval(() => turns++, 0);
  const lengths: number[] = [];
  for await (const { length } of chunks) {
    lengths.push(length);
    const end = performance.now() + 12;
    while (performance.now() < end);
  }
  clearInterval(timer);
  assertEquals(lengths, [65_536, 65_536, 18_928]);
  assert(turns >= 2, `${turns} turns`);
});

Deno.test("readChunks() refuses a body for which the budget has no room, and says how much there is", async () => {
  const budget = new BodyBudget(100);
  const options = { maxBytes: 80, budget };
  const first = readChunks(declare(post(endlessBody(30).body), 60), options);
  await first.next();
  assertEquals(budget.bytes, 60);
  const request = declare(post(unreadable()), 50);
  const failure = await fail(readBody(request, options));
  assertEquals([failure.code, failure.retryAfter], ["queue_full", 5]);
  assertEquals(
    failure.message,
    "Cannot read another 50 bytes now: 60 of at most 100 bytes of request bodies are being read, expected the request again in 5 s",
  );
  await first.return();
  assertEquals(budget.bytes, 0);
  assertEquals((await readBody(post("x".repeat(80)), options)).length, 80);
  assertEquals(budget.bytes, 0);
});

Deno.test("readChunks() counts what comes beyond what was declared", async () => {
  const budget = new BodyBudget(100);
  const options = { maxBytes: 80, budget };
  const both = [1, 2].map(() =>
    readChunks(post(endlessBody(30).body), options)
  );
  for (const chunks of both) await chunks.next();
  assertEquals(budget.bytes, 60);
  await both[0].next();
  const failure = await fail(both[1].next());
  assertEquals(failure.code, "queue_full");
  assertEquals(budget.bytes, 60);
  await both[0].return();
  assertEquals(budget.bytes, 0);
});

function post(body: BodyInit): Request {
  return new Request("http://localhost/", { method: "POST", body });
}

async function readBody(
  request: Request,
  options: ReadBodyOptions,
): Promise<Uint8Array<ArrayBuffer>> {
  return concat(...await Array.fromAsync(readChunks(request, options)));
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
