import { assert, assertEquals } from "@std/assert";
import { readToolError, readToolFailure } from "../../src/codex/failures.ts";
import type { ApiError } from "../../src/errors.ts";
import { setClock } from "../support/clock.ts";

const PREFIX = "2026-11-22T21:18:25.614350Z ERROR codex_core::tools::router:";

/** A line of standard error with a body as Rust prints a string: only what it must is escaped. */
function line(status: string, body?: string): string {
  const literal = body?.replace(/["\\]/g, "\\$&");
  const some = literal === undefined ? "None" : `Some("${literal}")`;
  return `${PREFIX} error=image generation failed: http ${status}: ${some}`;
}

function errorLine(status: string, error: unknown): string {
  return line(status, JSON.stringify({ error }));
}

function read(line: string): ApiError {
  const failure = readToolFailure(line);
  assert(failure !== undefined);
  return failure;
}

Deno.test("readToolError() finds the error of any tool", () => {
  assertEquals(
    readToolError(`${PREFIX} error=unsupported call: image_gen`),
    "unsupported call: image_gen",
  );
  assertEquals(readToolError("error=something else"), undefined);
});

for (const code of ["moderation_blocked", "content_policy_violation"]) {
  Deno.test(`readToolFailure() reads ${code} with the service's words`, () => {
    const failure = read(
      errorLine("400 Bad Request", { code, message: 'Not "that" \\ 🦊' }),
    );
    assertEquals(failure.code, "moderation_blocked");
    assertEquals(failure.message, 'Not "that" \\ 🦊');
  });
}

Deno.test("readToolFailure() reads the wait out of a rate limit's message", () => {
  for (
    const [message, seconds] of [
      ["Please try again in 12s.", 12],
      ["Please try again in 1.2 s.", 2],
      ["Slow down", 30],
    ] as const
  ) {
    const failure = read(errorLine("429 Too Many Requests", { message }));
    assertEquals(failure.code, "rate_limit_exceeded");
    assertEquals([failure.message, failure.retryAfter], [message, seconds]);
  }
});

for (
  const [field, value, seconds] of [
    ["resets_in_seconds", 120.2, 121],
    ["resets_in_seconds", 0, 1],
    ["resets_in_seconds", -7, 1],
    ["resets_in_seconds", "soon", 3600],
    ["resets_at", "soon", 3600],
    ["resets_at", 1, 1],
    ["resets_on", 5, 3600],
  ] as const
) {
  Deno.test(`readToolFailure() waits ${seconds} s for ${field} ${value}`, () => {
    const error = { type: "usage_limit_reached", [field]: value };
    const failure = read(errorLine("429 Too Many Requests", error));
    assertEquals(failure.code, "usage_limit_reached");
    assertEquals(failure.retryAfter, seconds);
  });
}

Deno.test("readToolFailure() waits until the time in resets_at", () => {
  const resets_at = Math.floor(Date.now() / 1000) + 500;
  const error = { code: "usage_limit_reached", resets_at };
  const wait = read(errorLine("429 Too Many Requests", error)).retryAfter;
  assert(wait !== undefined && wait > 480 && wait <= 500, `${wait}`);
});

for (const days of [-1, 1]) {
  Deno.test(`readToolFailure() believes resets_in_seconds where the clock is wrong by ${days} days`, () => {
    const resets_at = Math.floor(Date.now() / 1000) + 500;
    using _ = setClock(days * 86_400_000);
    const error = {
      code: "usage_limit_reached",
      resets_at,
      resets_in_seconds: 500,
    };
    const { retryAfter } = read(errorLine("429 Too Many Requests", error));
    assertEquals(retryAfter, 500);
  });
}

Deno.test("readToolFailure() takes a 401 for a login that is not accepted", () => {
  const failure = read(line("401 Unauthorized", "{}"));
  assertEquals(failure.code, "codex_login_required");
});

for (
  const [status, body, reason] of [
    ["500 Internal Server Error", undefined, "500: no reason given"],
    [
      "502 Bad Gateway",
      "<html>Bad gateway</html>",
      "502: a web page came in the place of an answer, as a proxy, a firewall or a login portal sends it",
    ],
    ["503 Service Unavailable", "", "503: no reason given"],
    ["403 Forbidden", "null", "403: no reason given"],
    ["403 Forbidden", '{"error":null}', "403: no reason given"],
    ["403 Forbidden", '{"error":"no"}', "403: no reason given"],
    ["400 Bad Request", '{"error":{"message":7}}', "400: no reason given"],
    ["400 Bad Request", '{"error":{"message":"Odd"}}', "400: Odd"],
  ] as const
) {
  Deno.test(`readToolFailure() says what it knows of ${status} ${body}`, () => {
    const failure = read(line(status, body));
    assertEquals(failure.code, "codex_exec_failed");
    assertEquals(failure.message, `The image service answered ${reason}`);
  });
}

for (
  const [printed, message] of [
    ["a\\u{200d}b", "a\u200db"],
    ["\\u{1f600}", "😀"],
    ["\\u{e0067}", "\u{e0067}"],
    ["\\u{10ffff}", "\u{10ffff}"],
    ["it\\'s", "it's"],
    ["it's", "it's"],
    ["\\\\u4e2d", "中"],
    ["\\\\u{41}", undefined],
    ["\\u{110000}", undefined],
    ["tab\\tin JSON", undefined],
    ["\\\\t", "\t"],
    ['\\\\\\"', '"'],
    ["\\\\\\\\", "\\"],
  ] as const
) {
  Deno.test(`readToolFailure() understands the Rust string "${printed}"`, () => {
    const failure = read(
      `${PREFIX} error=image generation failed: http 400 Bad Request: Some("{\\"error\\":{\\"message\\":\\"${printed}\\"}}")`,
    );
    assertEquals(
      failure.message,
      `The image service answered 400: ${message ?? "no reason given"}`,
    );
  });
}

for (
  const line of [
    "",
    "image generation failed: http 400 Bad Request",
    `${PREFIX} error=unsupported call: image_gen`,
    `${PREFIX} error=image generation failed: connection closed`,
    "2026-11-22T21:18:25Z ERROR codex_api::endpoint::responses_websocket: failed to connect to Responses WebSocket",
  ]
) {
  Deno.test(`readToolFailure() takes "${line}" for nothing final`, () => {
    assertEquals(readToolFailure(line), undefined);
  });
}
