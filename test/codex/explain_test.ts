import { assertEquals, assertInstanceOf } from "@std/assert";
import {
  InstructionsRefusedError,
  LOGIN_HINT,
} from "../../src/codex/errors.ts";
import { classifyError, type WorkerOutput } from "../../src/codex/failures.ts";
import { TOOL_UNAVAILABLE } from "../../src/codex/prompt.ts";

const NOW = new Date("2026-11-22T12:00:00Z");
const NOTHING: WorkerOutput = {
  stderr: [],
  errors: [],
  messages: [],
  exitCode: 0,
  badFile: undefined,
};
const TOOL_ERROR =
  "2026-11-22T12:00:00Z ERROR codex_core::tools::router: error=";

interface Row {
  readonly name: string;
  readonly traces: Partial<WorkerOutput>;
  readonly code: string;
  readonly message: string;
  readonly retryAfter?: number;
}

const ROWS: readonly Row[] = [
  {
    name: "a usage limit with its time",
    traces: {
      exitCode: 1,
      errors: ["You’ve hit your usage limit. Pay or try again at 1:00 PM."],
    },
    code: "usage_limit_reached",
    message: "You’ve hit your usage limit. Pay or try again at 1:00 PM.",
    retryAfter: 3600,
  },
  {
    name: "a usage limit without a time",
    traces: { exitCode: 1, errors: ["You've hit your usage limit."] },
    code: "usage_limit_reached",
    message: "You've hit your usage limit.",
    retryAfter: 3600,
  },
  {
    name: "a rate limit",
    traces: {
      exitCode: 1,
      errors: ["exceeded retry limit, last status: 429 Too Many Requests"],
    },
    code: "rate_limit_exceeded",
    message: "exceeded retry limit, last status: 429 Too Many Requests",
    retryAfter: 30,
  },
  {
    name: "a rate limit with its wait",
    traces: {
      exitCode: 1,
      errors: ["Rate limit reached. Please try again in 2.5s."],
    },
    code: "rate_limit_exceeded",
    message: "Rate limit reached. Please try again in 2.5s.",
    retryAfter: 3,
  },
  ...[
    "Not logged in",
    "unexpected status 401 Unauthorized: token expired",
    "error sending request for url (https://auth.example/oauth/token)",
    "Your access token could not be refreshed because it was revoked. Please log out and sign in again.",
  ].map((error) => ({
    name: `the login in "${error.slice(0, 20)}"`,
    traces: { exitCode: 1, errors: ["Reconnecting... 1/5", error] },
    code: "codex_login_required",
    message: `Codex is not logged in: ${error}; ${LOGIN_HINT}`,
  })),
  {
    name: "a model without the tool, in its words",
    traces: { messages: ["Hm.", `${TOOL_UNAVAILABLE}`] },
    code: "image_tool_unavailable",
    message:
      "Codex offers no image tool: it needs a ChatGPT login whose plan includes images, and a model that takes images",
  },
  {
    name: "a model without the tool, in its call",
    traces: {
      stderr: [`${TOOL_ERROR}unsupported call: image_gen__imagegen`],
      messages: ["Sorry."],
    },
    code: "image_tool_unavailable",
    message:
      "Codex offers no image tool: it needs a ChatGPT login whose plan includes images, and a model that takes images",
  },
  {
    name: "a damaged file before the words of the model",
    traces: { badFile: "is truncated", messages: ["Done."] },
    code: "codex_no_image",
    message: "Codex left a picture that cannot be used: it is truncated",
  },
  {
    name: "the last error of the tool before the words of the model",
    traces: {
      stderr: [
        `${TOOL_ERROR}first`,
        `${TOOL_ERROR}at most 5 paths`,
        "later noise",
      ],
      messages: ["Done."],
    },
    code: "codex_exec_failed",
    message: "The image tool failed: at most 5 paths",
  },
  {
    name: "the last words of the model",
    traces: { messages: ["I will try.", " I can't do that.\n", "  "] },
    code: "model_refused",
    message: "I can't do that.",
  },
  {
    name: "the words of the model after a connection that broke off",
    traces: {
      errors: ["Reconnecting... 1/5 (stream disconnected)"],
      messages: ["I can't do that."],
    },
    code: "model_refused",
    message: "I can't do that.",
  },
  {
    name: "silence",
    traces: {},
    code: "codex_no_image",
    message: "Codex ended without a picture and without a reason",
  },
  {
    name: "empty words",
    traces: { messages: ["", " \n"], stderr: ["WARNING: harmless"] },
    code: "codex_no_image",
    message: "Codex ended without a picture and without a reason",
  },
  {
    name: "a service without room",
    traces: {
      exitCode: 1,
      errors: ["Selected model is at capacity. Please try a different model."],
    },
    code: "codex_exec_failed",
    message: "Selected model is at capacity. Please try a different model.",
    retryAfter: 60,
  },
  {
    name: "the page of a proxy",
    traces: {
      exitCode: 1,
      errors: [
        "unexpected status 403 Forbidden: <html><head><title>Access denied</title></head></html>, url: http://127.0.0.1/v1/responses",
      ],
    },
    code: "codex_exec_failed",
    message:
      'Codex did not get through to its service: a web page "Access denied" with status 403 Forbidden came in the place of an answer, as a proxy, a firewall or a login portal sends it',
  },
  {
    name: "a lost connection",
    traces: {
      exitCode: 1,
      errors: [
        "Reconnecting... 5/5 (stream disconnected before completion: Connection refused (os error 111))",
        "Connection failed: error sending request",
      ],
    },
    code: "codex_unreachable",
    message:
      "Codex cannot reach its service: Connection refused (os error 111); look at the network, at HTTPS_PROXY and at SSL_CERT_FILE",
    retryAfter: 30,
  },
  {
    name: "another error",
    traces: { exitCode: 1, errors: ["first", "stream disconnected"] },
    code: "codex_exec_failed",
    message: "Codex ended with exit code 1: stream disconnected",
  },
  {
    name: "a bad exit with a last line",
    traces: { exitCode: 101, stderr: ["thread 'main' panicked"] },
    code: "codex_exec_failed",
    message: "Codex ended with exit code 101: thread 'main' panicked",
  },
  {
    name: "a bad exit without a line",
    traces: { exitCode: 137, messages: ["I was about to"] },
    code: "codex_exec_failed",
    message: "Codex ended with exit code 137: it gave no reason",
  },
];

for (const { name, traces, code, message, retryAfter } of ROWS) {
  Deno.test(`classifyError() finds ${name}`, () => {
    const failure = classifyError({ ...NOTHING, ...traces }, NOW);
    assertEquals(
      { code: failure.code, message: failure.message },
      { code, message },
    );
    assertEquals(failure.retryAfter, retryAfter);
  });
}

for (
  const error of [
    '{"detail":"Instructions are not valid"}',
    "invalid instructions",
  ]
) {
  Deno.test(`classifyError() tells refused instructions from "${error}"`, () => {
    const traces = { ...NOTHING, exitCode: 1, errors: [error] };
    assertInstanceOf(classifyError(traces, NOW), InstructionsRefusedError);
  });
}

Deno.test("classifyError() cuts foreign text", () => {
  const traces = { ...NOTHING, exitCode: 1, errors: ["x".repeat(5_000_000)] };
  const { message } = classifyError(traces, NOW);
  assertEquals(
    message,
    `Codex ended with exit code 1: ${"x".repeat(300)}…`,
  );
});
