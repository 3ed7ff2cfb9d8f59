import { assert, assertEquals, assertMatch } from "@std/assert";
import { delay } from "@std/async/delay";
import { until } from "../support/until.ts";
import { startTestService } from "../support/service.ts";
import { exchange } from "./_raw.ts";

const HOST = "Host: 127.0.0.1";
const ALLOW = "DELETE, GET, HEAD, OPTIONS, POST";

/** What is sent, and the status, the code and a part of the message that come back. */
const CASES: readonly (readonly [string, number, string, string])[] = [
  [`FOO / HTTP/1.1\r\n${HOST}\r\n\r\n`, 405, "method_not_allowed", '"FOO"'],
  [`get / HTTP/1.1\r\n${HOST}\r\n\r\n`, 405, "method_not_allowed", '"get"'],
  [
    `CONNECT a:1 HTTP/1.1\r\n${HOST}\r\n\r\n`,
    405,
    "method_not_allowed",
    '"CONNECT"',
  ],
  [
    `GET /${"a".repeat(20_000)} HTTP/1.1\r\n${HOST}\r\n\r\n`,
    431,
    "unknown_parameter",
    "16384 bytes",
  ],
  [
    `GET / HTTP/1.1\r\n${HOST}\r\nX: ${"b".repeat(40_000)}\r\n\r\n`,
    431,
    "unknown_parameter",
    "16384 bytes",
  ],
  [
    `GET /v1/images?q=红 HTTP/1.1\r\n${HOST}\r\n\r\n`,
    400,
    "unknown_parameter",
    "percent-encoded",
  ],
  [
    `POST / HTTP/1.1\r\n${HOST}\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n`,
    400,
    "unknown_parameter",
    "Transfer-Encoding",
  ],
  [`GET / HT`, 408, "request_canceled", "headers did not come in time"],
  [
    `GET /healthz HTTP/1.1\r\n${HOST}\r\nConnection: close\r\nExpect: gold\r\n\r\n`,
    417,
    "unknown_parameter",
    '"gold"',
  ],
];

for (const [text, status, code, words] of CASES) {
  Deno.test(`a server answers ${JSON.stringify(text.slice(0, 40))} with ${status} and the envelope`, async () => {
    await using server = await startTestService({ HEADER_TIMEOUT_MS: "300" });
    const { headers, statusLine, error } = read(
      await exchange(server.port, text),
    );
    assertMatch(statusLine, new RegExp(`^HTTP/1.1 ${status} \\w`));
    assertEquals(error.code, code);
    assert(error.message.includes(words), error.message);
    assertEquals(headers.get("x-request-id"), error.request_id);
    assertEquals(headers.get("allow"), status === 405 ? ALLOW : null);
  });
}

for (const text of ["CONNECT a:1 HTTP/1.1\r\n\r\n", "nonsense\r\n\r\n"]) {
  const sent = JSON.stringify(text);
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

  Deno.test(`a server hangs up on a caller that has sent ${sent} and stays`, async () => {
    await using server = await startTestService({ MAX_CONNECTIONS: "2" });
    using kept = new DisposableStack();
    for (let time = 0; time < 2; time++) {
      const connection = kept.use(await Deno.connect({ port: server.port }));
      await connection.write(new TextEncoder().encode(text));
      const bytes = new Uint8Array(1_000);
      while (await connection.read(bytes) !== null);
    }
    // Its place is free again although it is still there.
    await until(() => answers(server.url), { ms: 3_000 });
  });
}

Deno.test("an unreadable request never gets into the answer of the one before", async () => {
  await using server = await startTestService();
  for (const path of ["/nothing", "/healthz", "/v1/jobs"]) {
    for (let time = 0; time < 20; time++) {
      const answer = await exchange(
        server.port,
        `GET ${path} HTTP/1.1\r\nHost: 127.0.0.1:${server.port}\r\n\r\nFOO / HTTP/1.1\r\n\r\n`,
      );
      const [first, second] = answer.split(/(?=HTTP\/1\.1 \d{3} )/);
      // Either it is whole, or nothing follows it.
      const isWhole =
        /\r\n\r\n(?:[^]*\r\n)?0\r\n\r\n$|"request_id":"[^"]+"\}\}$/;
      if (second !== undefined) assertMatch(first, isWhole);
    }
  }
});

Deno.test("a caller that sends on after an unreadable request gets one answer", async () => {
  await using server = await startTestService();
  using connection = await Deno.connect({ port: server.port });
  const writer = connection.writable.getWriter();
  const text = "FOO / HTTP/1.1\r\n\r\n" + "x".repeat(10_000);
  const sent = (async () => {
    for (let time = 0; time < 50; time++) {
      await writer.write(new TextEncoder().encode(text));
      await delay(2);
    }
  })().catch(() => {});
  let answer = "";
  const decoder = new TextDecoder();
  try {
    for await (const chunk of connection.readable) {
      answer += decoder.decode(chunk);
    }
  } catch (error) {
    // What the server has not read makes the system reset the connection.
    if (!(error instanceof Deno.errors.ConnectionReset)) throw error;
  }
  await sent;
  assertEquals(answer.split("HTTP/1.1 405").length, 2);
});

Deno.test("a caller whose Expect is refused cannot stay by sending a body slowly", async () => {
  await using server = await startTestService();
  using connection = await Deno.connect({ port: server.port });
  await connection.write(new TextEncoder().encode(
    `POST /v1/images/generate HTTP/1.1\r\nHost: 127.0.0.1:${server.port}\r\nExpect: gold\r\nContent-Length: 300000\r\n\r\n`,
  ));
  const bytes = new Uint8Array(10_000);
  const begun = performance.now();
  while (await connection.read(bytes) !== null);
  assert(performance.now() - begun < 3_000);
});

Deno.test("TRACE is refused as other methods are, with what the path allows", async () => {
  await using server = await startTestService();
  const text =
    `TRACE /healthz HTTP/1.1\r\nHost: 127.0.0.1:${server.port}\r\nConnection: close\r\n\r\n`;
  const { headers, statusLine, error } = read(
    await exchange(server.port, text),
  );
  assertMatch(statusLine, /^HTTP\/1.1 405 /);
  assertEquals(error.code, "method_not_allowed");
  assert(error.message.includes("TRACE /healthz"), error.message);
  assertEquals(headers.get("allow"), "GET, HEAD, OPTIONS");
  assertEquals(server.logLines("server.answer_failed"), []);
});

Deno.test("a body with a broken chunk ends its request alone", async () => {
  await using server = await startTestService();
  await exchange(
    server.port,
    `POST /v1/images/generate HTTP/1.1\r\nHost: 127.0.0.1:${server.port}\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n{}`,
  );
  assertEquals((await server.workers()).active, 0);
});

async function answers(url: string): Promise<boolean> {
  try {
    const response = await fetch(`${url}/healthz`);
    await response.body?.cancel();
    return response.ok;
  } catch (error) {
    if (error instanceof TypeError) return false;
    throw error;
  }
}

interface Answer {
  readonly headers: Headers;
  readonly statusLine: string;
  readonly error: { code: string; message: string; request_id: string };
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
  const text = /\{.*\}/s.exec(body)?.[0] ?? "{}";
  return { headers, statusLine, error: JSON.parse(text).error };
}
