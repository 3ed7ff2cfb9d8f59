import { assertEquals, assertMatch, assertRejects } from "@std/assert";
import { deadline } from "@std/async/deadline";
import { delay } from "@std/async/delay";
import { type Handler, serve } from "../../src/http/serve.ts";
import type { LogFields } from "../../src/log.ts";
import { Caller, LEAVINGS, requestShapes } from "../support/caller.ts";
import { until } from "../support/until.ts";

/** How soon a handler has to know that its caller has left, in milliseconds. */
const NOTICE_MS = 2_000;
const SHAPES = requestShapes(crypto.getRandomValues(new Uint8Array(60_000)));
const STUCK_BYTES = 20_000_000;
const TIMEOUT_MS = 100;

interface Running extends AsyncDisposable {
  readonly port: number;
  readonly url: string;
  /** The events of its log, and what they say. */
  readonly log: readonly (readonly [string, LogFields | undefined])[];
}

function run(handler: Handler, timeoutMs = 10_000): Running {
  const log: [string, LogFields | undefined][] = [];
  const { port, stop, url } = serve(handler, {
    host: "127.0.0.1",
    port: 0,
    log: (_level, event, fields) => log.push([event, fields]),
    maxConnections: 100,
    headerTimeoutMs: timeoutMs,
    idleTimeoutMs: timeoutMs,
  });
  return { port, url, log, [Symbol.asyncDispose]: stop };
}

/** A handler that hangs, and what is to be known of it. */
function hanging({ reads = true } = {}) {
  const entered = Promise.withResolvers<void>();
  const left = Promise.withResolvers<void>();
  const handler: Handler = async ({ body, headers, method, signal }) => {
    if (method === "GET") return new Response("hello");
    if (reads) { for await (const _ of body ?? []); }
    signal.addEventListener("abort", () => left.resolve(), { once: true });
    entered.resolve();
    if (headers.has("accept")) return new Response(new ReadableStream());
    await left.promise;
    return new Response("too late");
  };
  return { handler, entered: entered.promise, left: left.promise };
}

function get(port: number): string {
  return `GET / HTTP/1.1\r\nHost: 127.0.0.1:${port}\r\n\r\n`;
}

for (const { isSecond, name, pieces } of SHAPES) {
  for (const leaving of LEAVINGS) {
    Deno.test(`serve() aborts the signal of a request ${name} at the ${leaving} of its caller`, async () => {
      const { entered, handler, left } = hanging();
      await using server = run(handler);
      using caller = await Caller.connect(server.port);
      if (isSecond) {
        await caller.send(get(server.port));
        await caller.read((text) => text.endsWith("hello"));
      }
      await caller.send(...pieces(server.port));
      await entered;
      caller.leave(leaving);
      await deadline(left, NOTICE_MS);
      assertEquals(server.log, []);
    });
  }
}

for (const leaving of LEAVINGS) {
  Deno.test(`serve() aborts the signal of a request that is not read at the ${leaving} of its caller`, async () => {
    const { entered, handler, left } = hanging({ reads: false });
    await using server = run(handler);
    using caller = await Caller.connect(server.port);
    const head =
      `POST / HTTP/1.1\r\nHost: x\r\nContent-Length: ${STUCK_BYTES}\r\n\r\n`;
    const sent = caller.send(head + "x".repeat(STUCK_BYTES));
    await entered;
    await sent;
    caller.leave(leaving);
    await deadline(left, NOTICE_MS);
  });
}

Deno.test("serve() aborts the signal of a request when its caller leaves with others behind it", async () => {
  const { entered, handler, left } = hanging();
  await using server = run(handler);
  using caller = await Caller.connect(server.port);
  const head =
    `POST / HTTP/1.1\r\nHost: x\r\nContent-Length: ${STUCK_BYTES}\r\n\r\n`;
  await caller.send(
    "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\n\r\n{}",
  );
  await entered;
  await caller.send(head + "x".repeat(STUCK_BYTES));
  caller.leave("FIN");
  await deadline(left, NOTICE_MS);
});

Deno.test("serve() does not abort the signal of a request that is answered", async () => {
  const signals: AbortSignal[] = [];
  await using server = run(async ({ body, signal }) => {
    for await (const _ of body ?? []);
    signals.push(signal);
    return new Response("hello");
  });
  for (const method of ["GET", "POST", "POST"]) {
    const body = method === "POST" ? "x".repeat(5_000) : null;
    const response = await fetch(server.url, { method, body });
    assertEquals(await response.text(), "hello");
  }
  await delay(50);
  assertEquals(signals.map(({ aborted }) => aborted), [false, false, false]);
});

Deno.test("serve() answers a caller that writes no more, if it does so soon", async () => {
  await using server = run(() => Promise.resolve(new Response("hello")));
  using caller = await Caller.connect(server.port);
  await caller.send(get(server.port));
  caller.leave("half-close");
  assertMatch(await caller.read(), /hello$/);
});

Deno.test("serve() passes large bodies on unchanged, however slowly they are read", async () => {
  const bytes = crypto.getRandomValues(new Uint8Array(65_536));
  const parts = 200;
  await using server = run(async ({ body }) => {
    const received: Uint8Array<ArrayBuffer>[] = [];
    for await (const part of body ?? []) {
      if (received.push(part) % 100 === 0) await delay(300);
    }
    return new Response(new Blob(received));
  });
  const response = await fetch(server.url, {
    method: "POST",
    body: new Blob(Array(parts).fill(bytes)),
  });
  let offset = 0;
  for await (const part of response.body ?? []) {
    for (const [i, byte] of part.entries()) {
      if (byte !== bytes[(offset + i) % bytes.length]) {
        throw new Error(`Byte ${offset + i} differs`);
      }
    }
    offset += part.length;
    if (offset < 10 * bytes.length) await delay(5);
  }
  assertEquals(offset, parts * bytes.length);
});

Deno.test("serve() hangs up on a caller who reads nothing of its answer", async () => {
  const canceled = Promise.withResolvers<void>();
  const body = () =>
    new ReadableStream({
      pull: (controller) => controller.enqueue(new Uint8Array(1_000_000)),
      cancel: () => canceled.resolve(),
    });
  const handler = () => Promise.resolve(new Response(body()));
  await using server = run(handler, TIMEOUT_MS);
  // A socket of Node's would read ahead.
  using caller = await Deno.connect({ port: server.port });
  await caller.write(new TextEncoder().encode(get(server.port)));
  await deadline(canceled.promise, NOTICE_MS);
});

Deno.test("serve() answers requests in their order that come at once", async () => {
  await using server = run(({ url }) =>
    Promise.resolve(new Response(new URL(url).pathname))
  );
  using caller = await Caller.connect(server.port);
  const paths = Array.from({ length: 50 }, (_, i) => `/${i + 1}.`);
  await caller.send(
    paths.map((path) => `GET ${path} HTTP/1.1\r\nHost: x\r\n\r\n`).join(""),
  );
  const text = await caller.read((text) => text.endsWith("/50."));
  assertEquals(text.match(/\/\d+\.(?=HTTP|$)/g), paths);
});

Deno.test("serve() refuses who comes past the gate", async () => {
  await using server = run(({ url }) => Promise.resolve(new Response(url)));
  using caller = await Caller.connect(server.port);
  await caller.send("GET / HTTP/1.0\r\n\r\n");
  // Without a Host, the address is that of the server behind it.
  const [, port] = /localhost:(\d+)/.exec(await caller.read()) ?? [];
  const response = await fetch(`http://127.0.0.1:${port}/`);
  assertEquals([response.status, await response.text()], [403, ""]);
});

for (const what of ["waits", "is written faster than it is read"]) {
  Deno.test(`serve() cancels a body that ${what} when its reader leaves`, async () => {
    let canceled = false;
    const body = new ReadableStream({
      pull: (controller) => {
        if (what !== "waits") controller.enqueue(new Uint8Array(65_536));
      },
      cancel: () => void (canceled = true),
    });
    await using server = run(() => Promise.resolve(new Response(body)));
    using caller = await Caller.connect(server.port);
    await caller.send(get(server.port));
    await caller.read((text) => text.includes("200 OK"));
    caller.leave("FIN");
    await until(() => canceled);
    assertEquals(server.log, []);
  });
}

Deno.test("serve() cuts an answer whose body fails, and tells of it", async () => {
  await using server = run(() =>
    Promise.resolve(
      new Response(
        new ReadableStream({
          start: (controller) => controller.enqueue(new Uint8Array(9)),
          pull: (controller) => controller.error(new Error("the disk is gone")),
        }),
      ),
    )
  );
  const response = await fetch(server.url);
  await assertRejects(() => response.bytes(), Error);
  assertEquals(server.log, [
    ["server.answer_failed", { reason: "Error: the disk is gone" }],
  ]);
});

Deno.test("serve() answers 500 when the handler fails, and tells of it", async () => {
  await using server = run(() => Promise.reject(new Error("no answer")));
  const response = await fetch(server.url);
  assertEquals([response.status, await response.text()], [500, ""]);
  assertEquals(server.log, [
    ["server.answer_failed", { reason: "Error: no answer" }],
  ]);
});

const REFUSED: Readonly<Record<string, Handler>> = {
  "unread": () => Promise.resolve(new Response("no")),
  "read in part": async ({ body }) => {
    const reader = body?.getReader();
    await reader?.read();
    await reader?.cancel();
    return new Response("no");
  },
  "held and read in part": async ({ body }) => {
    await body?.getReader().read();
    return new Response("no");
  },
  "still awaited": async ({ body }) => {
    const reader = body?.getReader();
    await reader?.read();
    void reader?.read().catch(() => {});
    await delay(1);
    return new Response("no");
  },
};

for (const [how, handler] of Object.entries(REFUSED)) {
  for (const length of [20, 3_000_000]) {
    Deno.test(`serve() answers a request of ${length} bytes that was ${how}, and hangs up at last`, async () => {
      await using server = run(handler, TIMEOUT_MS);
      using caller = await Caller.connect(server.port);
      const head =
        `POST / HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Length: ${length}\r\n\r\n`;
      const sent = caller.send(head + "x".repeat(length - 1));
      assertMatch(await caller.read(), /^HTTP\/1.1 200 [^]*no$/);
      await sent;
      assertEquals(server.log, []);
    });
  }
}
