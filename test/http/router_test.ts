import {
  assert,
  assertEquals,
  assertInstanceOf,
  assertRejects,
} from "@std/assert";
import { ApiError, HttpError } from "../../src/errors.ts";
import { errorResponse } from "../../src/http/error_response.ts";
import { createRouter, type Route } from "../../src/http/router.ts";
import { exchange } from "./_raw.ts";

interface Context {
  readonly requestId: string;
}

const ROUTES: readonly Route<Context>[] = [
  { method: "GET", path: "/", handler: () => new Response("root") },
  {
    method: "POST",
    path: "/pictures/new",
    handler: () => new Response("made"),
  },
  {
    method: "GET",
    path: "/pictures/:id",
    handler: (_, { params }) => new Response(`picture ${params.id}`),
  },
  {
    method: "DELETE",
    path: "/pictures/:id",
    handler: (_, { params }) => new Response(`deleted ${params.id}`),
  },
  {
    method: "GET",
    path: "/pictures/:id/file/:name",
    handler: (_, { params }) => Response.json(params),
  },
  {
    method: "GET",
    path: "/context",
    handler: (_, { requestId }) => new Response(requestId),
  },
];
const router = createRouter(ROUTES);

const ANSWERS = [
  ["GET", "/", "root"],
  ["GET", "/?a=/pictures/1", "root"],
  ["GET", "/pictures/7", "picture 7"],
  ["GET", "/pictures/7?variant=original", "picture 7"],
  ["DELETE", "/pictures/7", "deleted 7"],
  ["POST", "/pictures/new", "made"],
  ["GET", "/pictures/new", "picture new"],
  ["GET", "/pictures/..%2F..%2Fetc%2Fpasswd", "picture ..%2F..%2Fetc%2Fpasswd"],
  ["GET", "/pictures/%2e%2e%2f", "picture %2e%2e%2f"],
  ["GET", "/pictures/%00", "picture %00"],
  ["GET", "/pictures/a%20b", "picture a%20b"],
  ["GET", "/pictures/%ff", "picture %ff"],
  ["GET", "/pictures/7/file/a%2Fb", '{"id":"7","name":"a%2Fb"}'],
  ["GET", "/context", "req_1"],
] as const;

const UNKNOWN = [
  ["GET", "/nothing"],
  ["GET", "/pictures"],
  ["GET", "/pictures/"],
  ["GET", "/pictures/7/"],
  ["GET", "//pictures/7"],
  ["GET", "/Pictures/7"],
  ["GET", "/pictures/7/file"],
  ["HEAD", "/nothing"],
  ["OPTIONS", "/nothing"],
] as const;

const NOT_ALLOWED = [
  ["POST", "/", "GET, HEAD, OPTIONS"],
  ["PATCH", "/pictures/7", "DELETE, GET, HEAD, OPTIONS"],
  ["PUT", "/pictures/new", "DELETE, GET, HEAD, OPTIONS, POST"],
] as const;

for (const [method, path, text] of ANSWERS) {
  Deno.test(`createRouter() answers ${method} ${path}`, async () => {
    const response = await send(method, path);
    assertEquals([response.status, await response.text()], [200, text]);
  });
}

for (const [method, path] of UNKNOWN) {
  Deno.test(`createRouter() finds nothing for ${method} ${path}`, async () => {
    const failure = await assertRejects(() => send(method, path), ApiError);
    assertEquals(failure.code, "not_found");
    assertEquals(
      failure.message,
      `Cannot answer "${method} ${path}": there is no such path`,
    );
  });
}

for (const [method, path, allow] of NOT_ALLOWED) {
  Deno.test(`createRouter() does not allow ${method} ${path}`, async () => {
    const failure = await assertRejects(() => send(method, path), HttpError);
    const response = errorResponse(failure, "req_1");
    assertEquals(response.status, 405);
    assertEquals(response.headers.get("allow"), allow);
    assertEquals((await response.json()).error.code, "method_not_allowed");
  });
}

Deno.test("createRouter() answers OPTIONS with what the path allows", async () => {
  const response = await send("OPTIONS", "/pictures/new");
  assertEquals(response.status, 204);
  assertEquals([...response.headers], [
    ["allow", "DELETE, GET, HEAD, OPTIONS, POST"],
  ]);
  assertEquals(response.body, null);
});

Deno.test("createRouter() does not offer HEAD where there is no GET", async () => {
  const posts = createRouter([
    { method: "POST", path: "/", handler: () => new Response() },
  ]);
  const failure = await assertRejects(
    () => posts(new Request("http://localhost/", { method: "HEAD" }), {}),
    HttpError,
  );
  assertEquals(failure.headers, { allow: "OPTIONS, POST" });
});

Deno.test("createRouter() shortens a long path in its message", async () => {
  const failure = await assertRejects(
    () => send("GET", `/${"a".repeat(5_000)}`),
    ApiError,
  );
  assert(failure.message.length < 200, failure.message);
});

Deno.test("createRouter() passes on what a handler throws", async () => {
  const cause = new ApiError("queue_full", "Cannot wait");
  const throwing = createRouter([{
    method: "GET",
    path: "/",
    handler: () => {
      throw cause;
    },
  }]);
  const failure = await assertRejects(
    () => throwing(new Request("http://localhost/"), {}),
    ApiError,
  );
  assertEquals(failure, cause);
});

Deno.test("createRouter() answers HEAD by GET, without the body", async () => {
  let isCancelled = false;
  const seen: string[] = [];
  const streams = createRouter([{
    method: "GET",
    path: "/",
    handler: ({ method }) => {
      seen.push(method);
      const body = new ReadableStream({
        cancel: () => {
          isCancelled = true;
        },
      });
      const headers = { "content-length": "5", "etag": '"a"' };
      return new Response(body, { status: 203, headers });
    },
  }]);
  const request = new Request("http://localhost/", { method: "HEAD" });
  const response = await streams(request, {});
  assertEquals(response.status, 203);
  assertEquals([...response.headers], [["content-length", "5"], [
    "etag",
    '"a"',
  ]]);
  assertEquals(await response.text(), "");
  assertEquals(isCancelled, true);
  assertEquals(seen, ["HEAD"]);
});

Deno.test("createRouter() tells with HEAD how long a body would be, unless it has no end", async () => {
  const answers: Readonly<Record<string, () => Response>> = {
    "/json": () => Response.json({ é: 1 }),
    "/events": () =>
      new Response(new ReadableStream(), {
        headers: { "content-type": "text/event-stream; charset=utf-8" },
      }),
  };
  const router = createRouter(
    Object.entries(answers).map(([path, handler]) => ({
      method: "GET",
      path,
      handler,
    })),
  );
  const lengths = Object.keys(answers).map(async (path) => {
    const url = new URL(path, "http://localhost");
    const { headers } = await router(new Request(url, { method: "HEAD" }), {});
    return headers.get("content-length");
  });
  assertEquals(await Promise.all(lengths), ["8", null]);
});

Deno.test("createRouter() closes the file that a HEAD request opened", async () => {
  const path = new URL(import.meta.url);
  const files = createRouter([{
    method: "GET",
    path: "/",
    handler: async () => new Response((await Deno.open(path)).readable),
  }]);
  const request = new Request("http://localhost/", { method: "HEAD" });
  // The test would fail for the open file.
  assertEquals(await (await files(request, {})).text(), "");
});

for (const told of ["5", null]) {
  Deno.test(`createRouter() sends the length, told as ${told}, of what HEAD leaves out`, async () => {
    const headers = new Headers();
    if (told !== null) headers.set("content-length", told);
    const texts = createRouter([{
      method: "GET",
      path: "/",
      handler: () => new Response("hello", { headers }),
    }]);
    await using server = Deno.serve(
      { hostname: "127.0.0.1", port: 0, onListen() {} },
      (request) => texts(request, {}),
    );
    const answer = await exchange(
      server.addr.port,
      "HEAD / HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n",
    );
    assert(answer.startsWith("HTTP/1.1 200 OK\r\n"), answer);
    assert(answer.endsWith("\r\n\r\n"), answer);
    assertEquals(/^content-length: (.*)\r$/mi.exec(answer)?.[1], "5");
  });
}

for (const host of ["[::1", "a:b:c", "127.0.0.1:99999", "a b"]) {
  Deno.test(`createRouter() refuses the URL that Host "${host}" makes`, async () => {
    const { promise, resolve } = Promise.withResolvers<unknown>();
    await using server = Deno.serve(
      { hostname: "127.0.0.1", port: 0, onListen() {} },
      async (request) => {
        try {
          return await router(request, { requestId: "req_1" });
        } catch (error) {
          resolve(error);
          assertInstanceOf(error, ApiError);
          return errorResponse(error, "req_1");
        }
      },
    );
    const answer = await exchange(
      server.addr.port,
      `GET / HTTP/1.1\r\nHost: ${host}\r\nConnection: close\r\n\r\n`,
    );
    assert(answer.startsWith("HTTP/1.1 400 Bad Request\r\n"), answer);
    const failure = await promise;
    assertInstanceOf(failure, HttpError);
    assertEquals(failure.code, "forbidden_host");
  });
}

function send(method: string, path: string): Promise<Response> {
  const request = new Request(`http://localhost${path}`, { method });
  return router(request, { requestId: "req_1" });
}
