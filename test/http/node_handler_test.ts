import { assert, assertEquals, assertMatch, assertRejects } from "@std/assert";
import { once } from "node:events";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { type Handler, nodeHandler } from "../../src/http/node_handler.ts";
import { until } from "../support/until.ts";

interface Running extends AsyncDisposable {
  readonly port: number;
  readonly url: string;
  /** What the handler was told of. */
  readonly errors: unknown[];
}

/** Runs a handler on a free port. */
async function run(handler: Handler): Promise<Running> {
  const errors: unknown[] = [];
  const server = createServer(
    nodeHandler(handler, (error) => errors.push(error)),
  );
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;
  return {
    port,
    url: `http://127.0.0.1:${port}/`,
    errors,
    [Symbol.asyncDispose]: async () => {
      const closed = once(server, "close");
      server.close();
      server.closeAllConnections();
      await closed;
    },
  };
}

async function open(
  { port }: Running,
  target: string,
): Promise<Deno.TcpConn> {
  const connection = await Deno.connect({ hostname: "127.0.0.1", port });
  const head = `GET ${target} HTTP/1.1\r\nHost: x\r\n\r\n`;
  await connection.write(new TextEncoder().encode(head));
  return connection;
}

Deno.test("nodeHandler() sends all of a large body to a slow reader", async () => {
  const bytes = crypto.getRandomValues(new Uint8Array(65_536));
  const parts = 100;
  await using server = await run(() =>
    Promise.resolve(
      new Response(ReadableStream.from(Array(parts).fill(bytes))),
    )
  );
  const response = await fetch(server.url);
  let length = 0;
  for await (const part of response.body ?? []) {
    length += part.length;
    if (length < 10 * bytes.length) {
      await new Promise((resolve) => setTimeout(resolve, 5));
    }
  }
  assertEquals(length, parts * bytes.length);
  assertEquals(server.errors, []);
});

for (const what of ["waits", "is written faster than it is read"]) {
  Deno.test(`nodeHandler() cancels a body that ${what} when its reader leaves`, async () => {
    let canceled = false;
    const body = new ReadableStream({
      pull: (controller) => {
        if (what !== "waits") controller.enqueue(new Uint8Array(65_536));
      },
      cancel: () => void (canceled = true),
    });
    await using server = await run(() => Promise.resolve(new Response(body)));
    const connection = await open(server, "/");
    await connection.read(new Uint8Array(1_000));
    connection.close();
    await until(() => canceled);
    assertEquals(server.errors, []);
  });
}

Deno.test("nodeHandler() cuts an answer whose body fails, and tells of it", async () => {
  const failure = new Error("the disk is gone");
  await using server = await run(() =>
    Promise.resolve(
      new Response(
        new ReadableStream({
          start: (controller) => controller.enqueue(new Uint8Array(9)),
          pull: (controller) => controller.error(failure),
        }),
      ),
    )
  );
  const response = await fetch(server.url);
  await assertRejects(() => response.bytes(), Error);
  assertEquals(server.errors, [failure]);
});

Deno.test("nodeHandler() cuts the connection when the handler fails, and tells of it", async () => {
  const failure = new Error("no answer");
  await using server = await run(() => Promise.reject(failure));
  // A client of the web platform would ask once more by itself.
  using connection = await open(server, "/");
  assertEquals(await connection.read(new Uint8Array(1_000)), null);
  assertEquals(server.errors, [failure]);
});

Deno.test("nodeHandler() aborts the signal of a request whose caller leaves", async () => {
  const aborted = Promise.withResolvers<void>();
  await using server = await run(({ signal }) =>
    new Promise((resolve) => {
      signal.addEventListener("abort", () => {
        aborted.resolve();
        resolve(new Response("too late"));
      });
    })
  );
  (await open(server, "/")).close();
  await aborted.promise;
  assertEquals(server.errors, []);
});

Deno.test("nodeHandler() does not abort the signal of a request that is answered", async () => {
  const signals: AbortSignal[] = [];
  await using server = await run(({ signal }) => {
    signals.push(signal);
    return Promise.resolve(new Response("hello"));
  });
  assertEquals(await (await fetch(server.url)).text(), "hello");
  assertEquals(await (await fetch(server.url)).text(), "hello");
  assertEquals(signals.map(({ aborted }) => aborted), [false, false]);
});

for (
  const [target, path] of [
    ["/a%2Fb?c=d", "/a%2Fb?c=d"],
    ["http://evil.example/a?b", "/a?b"],
    ["*", "/*"],
  ]
) {
  Deno.test(`nodeHandler() reads the path of the target ${target}`, async () => {
    const urls: string[] = [];
    await using server = await run(({ headers, url }) => {
      urls.push(url);
      assert(headers.get("host") === "x");
      return Promise.resolve(new Response(null));
    });
    using connection = await open(server, target);
    await connection.read(new Uint8Array(1_000));
    assertEquals(urls, [`http://server${path}`]);
  });
}

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
};

for (const [how, handler] of Object.entries(REFUSED)) {
  for (const length of [20, 3_000_000]) {
    Deno.test(`nodeHandler() answers the request after a body of ${length} bytes that was ${how}`, async () => {
      await using server = await run(handler);
      using connection = await Deno.connect({
        hostname: "127.0.0.1",
        port: server.port,
      });
      const request = new TextEncoder().encode(
        `POST / HTTP/1.1\r\nHost: x\r\nContent-Length: ${length}\r\n\r\n` +
          "x".repeat(length),
      );
      for (let count = 0; count < 2; count++) {
        const sent = ReadableStream.from([request])
          .pipeTo(connection.writable, { preventClose: true });
        let answer = "";
        while (!answer.endsWith("0\r\n\r\n")) {
          const bytes = new Uint8Array(1_000);
          const read = await connection.read(bytes);
          assert(read !== null, "the connection was closed");
          answer += new TextDecoder().decode(bytes.subarray(0, read));
        }
        assertMatch(answer, /^HTTP\/1.1 200 /);
        await sent;
      }
      assertEquals(server.errors, []);
    });
  }
}

Deno.test("nodeHandler() closes a connection on which the rest of an unwanted body does not come", async () => {
  await using server = await run(() => Promise.resolve(new Response("no")));
  using connection = await Deno.connect({
    hostname: "127.0.0.1",
    port: server.port,
  });
  const head = "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 99\r\n\r\nx";
  await connection.write(new TextEncoder().encode(head));
  const bytes = new Uint8Array(1_000);
  let reads = 0;
  while (await connection.read(bytes) !== null) reads++;
  assert(reads > 0);
});
