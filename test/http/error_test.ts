import { assertEquals } from "@std/assert";
import { ApiError, type ErrorCode, HttpError } from "../../src/errors.ts";
import { errorResponse, statusOf } from "../../src/http/error_response.ts";

const STATUSES: readonly (readonly [number, string])[] = [
  [
    400,
    "invalid_json missing_prompt invalid_prompt invalid_count invalid_size invalid_quality invalid_output_format " +
    "invalid_aspect invalid_reference unknown_parameter moderation_blocked",
  ],
  [401, "unauthorized"],
  [403, "forbidden_host forbidden_origin"],
  [404, "not_found"],
  [405, "method_not_allowed"],
  [413, "body_too_large"],
  [415, "unsupported_media_type"],
  [422, "idempotency_key_reused model_refused"],
  [429, "queue_full usage_limit_reached rate_limit_exceeded"],
  [499, "request_canceled"],
  [500, "internal_error"],
  [502, "codex_spawn_failed codex_exec_failed codex_no_image"],
  [
    503,
    "codex_login_required image_tool_unavailable server_restarted shutting_down",
  ],
  [504, "codex_timeout"],
  [507, "insufficient_storage"],
];
const CASES = STATUSES.flatMap(([status, codes]) =>
  codes.split(" ").map((code) => ({ status, code: code as ErrorCode }))
);
const NOT_TO_REPEAT = [
  "codex_login_required",
  "codex_no_image",
  "codex_timeout",
  "image_tool_unavailable",
  "insufficient_storage",
  "internal_error",
  "usage_limit_reached",
];

Deno.test("statusOf() gives every code the status of the contract", () => {
  for (const { code, status } of CASES) {
    assertEquals(statusOf(code), status, code);
  }
});

Deno.test("errorResponse() answers with the envelope and nothing else", async () => {
  const failure = new ApiError("invalid_size", "Cannot use size", {
    param: "size",
  });
  const response = errorResponse(failure, "req_1");
  assertEquals(response.status, 400);
  assertEquals([...response.headers], [
    ["content-type", "application/json"],
    ["x-request-id", "req_1"],
  ]);
  assertEquals(await response.json(), {
    error: {
      message: "Cannot use size",
      type: "invalid_request_error",
      code: "invalid_size",
      param: "size",
      request_id: "req_1",
    },
  });
});

Deno.test("errorResponse() says null where no field is at fault", async () => {
  const failure = new ApiError("not_found", "Cannot find it");
  const { error } = await errorResponse(failure, "req_1").json();
  assertEquals(error.param, null);
});

Deno.test("errorResponse() does not show the cause of a failure", async () => {
  const cause = new Error("/home/me/secret");
  const failure = new ApiError("internal_error", "Cannot go on", { cause });
  const text = await errorResponse(failure, "req_1").text();
  assertEquals(text.includes("secret"), false);
});

Deno.test("errorResponse() tells by type whose fault it is", async () => {
  for (const { code, status } of CASES) {
    const response = errorResponse(new ApiError(code, "Cannot"), "req_1");
    const expected = code === "moderation_blocked"
      ? "image_generation_user_error"
      : status < 500
      ? "invalid_request_error"
      : "server_error";
    assertEquals((await response.json()).error.type, expected, code);
    assertEquals(response.status, status, code);
  }
});

Deno.test("errorResponse() tells clients not to repeat what fails again or costs again", () => {
  for (const { code } of CASES) {
    const { headers } = errorResponse(new ApiError(code, "Cannot"), "req_1");
    const expected = NOT_TO_REPEAT.includes(code) ? "false" : null;
    assertEquals(headers.get("x-should-retry"), expected, code);
  }
});

Deno.test("errorResponse() asks for the key in a 401 alone", () => {
  for (const { code, status } of CASES) {
    const { headers } = errorResponse(new ApiError(code, "Cannot"), "req_1");
    const expected = status === 401 ? "Bearer" : null;
    assertEquals(headers.get("www-authenticate"), expected, code);
  }
});

for (
  const [seconds, header] of [[90, "90"], [0.2, "1"], [0, "1"], [-5, "1"], [
    1.5,
    "2",
  ], [undefined, null]] as const
) {
  Deno.test(`errorResponse() says Retry-After ${header} for ${seconds} s`, () => {
    const failure = new ApiError("queue_full", "Cannot wait", {
      retryAfter: seconds,
    });
    const { headers } = errorResponse(failure, "req_1");
    assertEquals(headers.get("retry-after"), header);
  });
}

Deno.test("errorResponse() takes status and headers of an HttpError", async () => {
  const failure = new HttpError("forbidden_host", "Cannot accept it", {
    status: 400,
    headers: { allow: "GET" },
  });
  const response = errorResponse(failure, "req_1");
  assertEquals(response.status, 400);
  assertEquals([...response.headers], [
    ["allow", "GET"],
    ["content-type", "application/json"],
    ["x-request-id", "req_1"],
  ]);
  assertEquals((await response.json()).error.code, "forbidden_host");
});

Deno.test("errorResponse() takes the status of the code where an HttpError has none", async () => {
  const failure = new HttpError("method_not_allowed", "Cannot accept it");
  const response = errorResponse(failure, "req_1");
  assertEquals(response.status, 405);
  await response.body?.cancel();
});
