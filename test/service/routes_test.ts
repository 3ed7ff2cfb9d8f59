import { assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import { operationsOf } from "../../src/api/openapi.ts";
import { ROUTES } from "../../src/routes/index.ts";
import { exchange } from "../http/_raw.ts";
import { startTestService } from "../support/service.ts";
import { stepsOn } from "../support/test_server.ts";

const NOBODY = "codex-00000000-0000-4000-8000-000000000000";
const IMAGE = `/v1/images/${NOBODY}/file`;

Deno.test("routes", async (test) => {
  await using server = await startTestService();
  const step = stepsOn(server, test);

  await step(
    "every GET route answers HEAD with the same status and headers and no body",
    async () => {
      for (const path of [...pathsOf("get"), IMAGE]) {
        const get = await fetch(server.url + path);
        const head = await fetch(server.url + path, { method: "HEAD" });
        await get.body?.cancel();
        assertEquals(head.status, get.status, path);
        assertEquals(
          head.headers.get("content-type"),
          get.headers.get("content-type"),
        );
        assertEquals(await head.text(), "");
      }
    },
  );

  await step("OPTIONS is 204 with Allow on every path", async () => {
    const allowed = {
      "/healthz": "GET, HEAD, OPTIONS",
      "/readyz": "GET, HEAD, OPTIONS",
      "/v1/capabilities": "GET, HEAD, OPTIONS",
      "/v1/images/generate": "OPTIONS, POST",
      [IMAGE]: "GET, HEAD, OPTIONS",
    };
    for (const [path, allow] of Object.entries(allowed)) {
      const response = await fetch(server.url + path, { method: "OPTIONS" });
      assertEquals(response.status, 204, path);
      assertEquals(response.headers.get("allow"), allow, path);
      assertEquals(await response.text(), "");
    }
  });

  await step("another method is 405 with Allow", async () => {
    const wrong = [
      ["POST", "/healthz", "GET, HEAD, OPTIONS"],
      ["DELETE", IMAGE, "GET, HEAD, OPTIONS"],
      ["GET", "/v1/images/generate", "OPTIONS, POST"],
      ["PUT", "/v1/images/generate", "OPTIONS, POST"],
    ];
    for (const [method, path, allow] of wrong) {
      const response = await fetch(server.url + path, { method });
      const { error } = await response.json();
      assertEquals(response.status, 405, `${method} ${path}`);
      assertEquals(response.headers.get("allow"), allow);
      assertEquals(error.code, "method_not_allowed");
      assertEquals(error.type, "invalid_request_error");
    }
  });

  await step(
    "every path refuses a method that none has, and says which it has",
    async () => {
      for (
        const path of new Set([
          ...pathsOf("get"),
          ...pathsOf("post"),
          ...pathsOf("delete"),
        ])
      ) {
        const allowed = ["get", "post", "delete"].filter((method) =>
          pathsOf(method).includes(path)
        ).map((method) => method.toUpperCase());
        const response = await fetch(server.url + path, { method: "PUT" });
        await response.body?.cancel();
        assertEquals(response.status, 405, path);
        const all = [...allowed, "OPTIONS"];
        if (allowed.includes("GET")) all.push("HEAD");
        assertEquals(
          response.headers.get("allow"),
          all.sort().join(", "),
          path,
        );
      }
    },
  );

  await step(
    "an unknown path is 404 in the one form of all errors",
    async () => {
      for (
        const path of ["/nowhere", "/v1", "/healthz/", "/v1/images/generate/x"]
      ) {
        const response = await fetch(server.url + path, {
          headers: { "x-request-id": "mine" },
        });
        const { error, ...rest } = await response.json();
        assertEquals(response.status, 404, path);
        assertEquals(response.headers.get("content-type"), "application/json");
        assertEquals(rest, {});
        assertStringIncludes(error.message, path);
        assertEquals({ ...error, message: "" }, {
          message: "",
          type: "invalid_request_error",
          code: "not_found",
          param: null,
          request_id: "mine",
        });
      }
    },
  );

  await step(
    "every answer has the caller's x-request-id, or a new one where that is not fit",
    async () => {
      const ids = [
        ["/healthz", "a.B_9-", "a.B_9-"],
        ["/nowhere", "x".repeat(64), "x".repeat(64)],
        ["/healthz", "x".repeat(65), undefined],
        ["/healthz", "a b", undefined],
        ["/nowhere", "ä", undefined],
      ] as const;
      for (const [path, sent, expected] of ids) {
        const response = await fetch(server.url + path, {
          headers: { "x-request-id": sent },
        });
        await response.body?.cancel();
        const id = response.headers.get("x-request-id") ?? "";
        if (expected === undefined) assertMatch(id, /^req_[0-9a-f]{32}$/);
        else assertEquals(id, expected);
      }
    },
  );

  await step(
    "a request id that the server makes is another every time",
    async () => {
      const ids = new Set<string | null>();
      for (const method of ["GET", "HEAD", "OPTIONS"]) {
        const response = await fetch(`${server.url}/healthz`, { method });
        await response.body?.cancel();
        ids.add(response.headers.get("x-request-id"));
      }
      assertEquals(ids.size, 3);
      assertEquals(ids.has(null), false);
    },
  );

  await step("a Host header that is not the server's is refused", async () => {
    const answer = await exchange(
      server.port,
      "GET /healthz HTTP/1.1\r\nHost: evil.example\r\nConnection: close\r\n\r\n",
    );
    assertMatch(answer, /^HTTP\/1\.1 403 /);
    assertStringIncludes(answer, '"code":"forbidden_host"');
  });

  for (const version of ["1.0", "1.1"]) {
    await step(
      `a request of HTTP/${version} without a Host header is refused like any other`,
      async () => {
        const answer = await exchange(
          server.port,
          `GET /healthz HTTP/${version}\r\nConnection: close\r\n\r\n`,
        );
        assertMatch(answer, /^HTTP\/1\.[01] 400 /);
        assertMatch(answer, /^x-request-id: req_/m);
        assertStringIncludes(answer, '"code":"forbidden_host"');
      },
    );
  }

  await test.step({
    name: "localhost reaches the server by IPv6 as well",
    ignore: !hasIpv6(),
    fn: async () => {
      const response = await fetch(`http://[::1]:${server.port}/healthz`);
      await response.body?.cancel();
      assertEquals(response.status, 200);
    },
    sanitizeOps: false,
    sanitizeResources: false,
  });
});

Deno.test("the key and the address of callers", async (test) => {
  await using server = await startTestService({
    API_KEY: "s3cret",
    PUBLIC_URL: "http://pictures.example:8080",
  });
  const step = stepsOn(server, test);

  await step(
    "the key is asked for on every path but the page, /healthz and /readyz",
    async () => {
      const statuses: Record<string, number> = {};
      for (
        const path of [
          ...pathsOf("get"),
          ...pathsOf("post"),
          ...pathsOf("delete"),
          IMAGE,
          "/nowhere",
        ]
      ) {
        const response = await fetch(server.url + path);
        const text = await response.text();
        statuses[path] = response.status;
        if (response.status !== 200) {
          assertEquals(JSON.parse(text).error.code, "unauthorized");
        }
      }
      const open = Object.keys(statuses).filter((path) =>
        statuses[path] === 200
      );
      assertEquals(open.sort(), ["/", "/healthz", "/readyz"]);
      const others = Object.values(statuses).filter((status) => status !== 200);
      assertEquals(new Set(others), new Set([401]));
    },
  );

  await step(
    "the key is accepted as X-API-Key, as api-key and as Bearer, and no other",
    async () => {
      const sent: readonly (readonly [HeadersInit, number])[] = [
        [{ "x-api-key": "s3cret" }, 200],
        [{ authorization: "Bearer s3cret" }, 200],
        [{ "api-key": "s3cret" }, 200],
        [{ "api-key": "S3cret" }, 401],
        [{ "x-api-key": "S3cret" }, 401],
        [{ "x-api-key": "s3cret2" }, 401],
        [{ authorization: "Basic s3cret" }, 401],
        [{ authorization: "Bearer " }, 401],
      ];
      for (const [headers, status] of sent) {
        const response = await fetch(`${server.url}/v1/capabilities`, {
          headers,
        });
        const text = await response.text();
        assertEquals(response.status, status, JSON.stringify(headers));
        assertEquals(text.includes("s3cret"), false);
      }
    },
  );

  await step("a request without the key starts nothing", async () => {
    const response = await server.generate({ prompt: "a fox" });
    const { error } = await response.json();
    assertEquals([response.status, error.code], [401, "unauthorized"]);
    assertEquals(server.logLines("codex.exec.start"), []);
  });

  await step(
    "the server accepts the address that it gives to callers as Host",
    async () => {
      const answer = await exchange(
        server.port,
        "GET /healthz HTTP/1.1\r\nHost: pictures.example:8080\r\nConnection: close\r\n\r\n",
      );
      assertMatch(answer, /^HTTP\/1\.1 200 /);
    },
  );
});

Deno.test("the server accepts its own address as Host, whatever address that is", async () => {
  await using server = await startTestService({ HOST: "127.0.0.2" });
  const response = await fetch(`${server.url}/healthz`);
  await response.body?.cancel();
  assertEquals(response.status, 200);
});

/** The paths of all routes with a method, an id that is none of an image in the place of parameters. */
function pathsOf(method: string): string[] {
  return operationsOf(ROUTES).filter((operation) => operation.method === method)
    .map(({ path }) => path.replaceAll(/\{\w+\}/g, NOBODY));
}

function hasIpv6(): boolean {
  try {
    Deno.listen({ hostname: "::1", port: 0 }).close();
    return true;
  } catch (error) {
    if (error instanceof Error) return false;
    throw error;
  }
}
