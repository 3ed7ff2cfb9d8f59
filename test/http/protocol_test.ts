import { assert, assertEquals, assertMatch } from "@std/assert";
import { delay } from "@std/async/delay";
import { startTestService } from "../support/service.ts";
import { until } from "../support/until.ts";
import { exchange } from "./_raw.ts";

const HOST = "Host: 127.0.0.1";
const ALLOW = "DELETE, GET, HEAD, OPTIONS, POST";

/** What is sent, and the status, the code, a part of the message and the `Allow` that come back. */
const REFUSED: readonly (readonly [
  text: string,
  status: number,
  code: string,
  words: string,
  allow?: string,
])[] = [
  ["CONNECT a:1", 405, "method_not_allowed", '"CONNECT"', ALLOW],
  [
    "FOO /v1/jobs",
    405,
    "method_not_allowed",
    '"FOO /v1/jobs"',
    "GET, HEAD, OPTIONS",
  ],
  [
    "TRACE /healthz",
    405,
    "method_not_allowed",
    '"TRACE /healthz"',
    "GET, HEAD, OPTIONS",
  ],
  [
    "get /healthz",
    405,
    "method_not_allowed",
    '"get /healthz"',
    "GET, HEAD, OPTIONS",
  ],
  ["GET http://evil.example/none?a", 404, "not_found", '"GET /none"'],
  ["OPTIONS *", 404, "not_found", '"OPTIONS /*"'],
];

for (const [line, status, code, words, allow] of REFUSED) {
  Deno.test(`a server answers ${line} with ${status} and the envelope`, async () => {
    await using server = await startTestService();
    const { error, headers, statusLine } = read(
      await exchange(
        server.port,
        `${line} HTTP/1.1\r\n${HOST}:${server.port}\r\nConnection: close\r\n\r\n`,
      ),
    );
    assertMatch(statusLine, new RegExp(`^HTTP/1.1 ${status} \\w`));
    assertEquals(error.code, code);
    assert(error.message.includes(words), error.message);
    assertEquals(headers.get("x-request-id"), error.request_id);
    assertEquals(headers.get("allow"), allow ?? null);
    assertEquals(server.logLines("server.answer_failed"), []);
  });
}

Deno.test("a server that cannot meet an Expect says so with 417", async () => {
  await using server = await startTestService();
  const { error, statusLine } = read(
    await exchange(
      server.port,
      `GET /healthz HTTP/1.1\r\n${HOST}:${server.port}\r\nConnection: close\r\nExpect: gold\r\n\r\n`,
    ),
  );
  assertMatch(statusLine, /^HTTP\/1.1 417 /);
  assertEquals([error.code, error.param], ["unknown_parameter", "Expect"]);
});

Deno.test("a body that waits for 100 Continue is asked for", async () => {
  await using server = await startTestService();
  const answer = await exchange(
    server.port,
    `POST /v1/images/generate HTTP/1.1\r\n${HOST}:${server.port}\r\nConnection: close\r\n` +
      "Content-Type: application/json\r\nExpect: 100-continue\r\nContent-Length: 2\r\n\r\n{}",
  );
  assertMatch(answer, /^HTTP\/1.1 100 Continue\r\n\r\nHTTP\/1.1 400 /);
  assertMatch(answer, /missing_prompt/);
});

const FORBIDDEN = [
  "nonsense\r\n\r\n",
  `POST / HTTP/1.1\r\n${HOST}\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n`,
];

for (const text of FORBIDDEN) {
  const sent = JSON.stringify(text.slice(0, 20));
  Deno.test(`a server answers ${sent} with 400 and hangs up on a caller that stays`, async () => {
    await using server = await startTestService({ MAX_CONNECTIONS: "2" });
    for (let time = 0; time < 4; time++) {
      assertMatch(await exchange(server.port, text), /^HTTP\/1.1 400 /);
    }
    await until(async () => (await server.workers()).active === 0);
  });

  Deno.test(`a server survives callers that send ${sent} and are gone`, async () => {
    await using server = await startTestService();
    for (let time = 0; time < 50; time++) {
      const connection = await Deno.connect({ port: server.port });
      await connection.write(new TextEncoder().encode(text));
      if (time % 2 === 0) await delay(2);
      // What it has not read makes the system reset the connection.
      connection.close();
    }
    assertEquals((await server.workers()).active, 0);
  });
}

Deno.test("a body with a broken chunk ends its request alone", async () => {
  await using server = await startTestService();
  await exchange(
    server.port,
    `POST /v1/images/generate HTTP/1.1\r\n${HOST}:${server.port}\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n{}`,
  );
  assertEquals((await server.workers()).active, 0);
});

interface Answer {
  readonly headers: Headers;
  readonly statusLine: string;
  readonly error: {
    readonly code: string;
    readonly message: string;
    readonly param: string | null;
    readonly request_id: string;
  };
}

function read(answer: string): Answer {
  const [head, body] = answer.split("\r\n\r\n", 2);
  const [statusLine, ...lines] = head.split("\r\n");
  const headers = new Headers(
    lines.map((line): [string, string] => {
      const [name, ...value] = line.split(":");
      return [name, value.join(":").trim()];
    }),
  );
  return { headers, statusLine, error: JSON.parse(body).error };
}
