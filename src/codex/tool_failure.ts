import { Failure } from "../failure.ts";
import {
  loginRequired,
  rateLimitExceeded,
  usageLimitReached,
} from "./failure.ts";

const TOOL_ERROR = /codex_core::tools::router: error=(.*)$/;
const HTTP_ERROR =
  /^image generation failed: http (\d{3})[^:]*(?:: Some\((".*")\))?/;
const REFUSALS: readonly (string | undefined)[] = [
  "moderation_blocked",
  "content_policy_violation",
];

/** Finds the error of a tool in a line of standard error. */
export function readToolError(line: string): string | undefined {
  return TOOL_ERROR.exec(line)?.[1];
}

/**
 * Reads a failure of the image tool out of a line of standard error.
 *
 * @returns The failure if it is final: the service answered, and would answer the same again.
 * Undefined for everything that the CLI or the model may still get over.
 */
export function readToolFailure(line: string): Failure | undefined {
  const http = HTTP_ERROR.exec(readToolError(line) ?? "");
  if (http === null) return undefined;
  const status = Number(http[1]);
  const error = readErrorBody(http[2]);
  if (REFUSALS.includes(error.code)) {
    return new Failure(
      "moderation_blocked",
      error.message ?? "The safety system refused the request",
    );
  }
  if ([error.type, error.code].includes("usage_limit_reached")) {
    const message = error.message ?? "The usage limit has been reached";
    return usageLimitReached(message, error.resetsInSeconds);
  }
  if (status === 429) {
    return rateLimitExceeded(
      error.message ?? "The image service limits the rate of requests",
    );
  }
  if (status === 401) {
    return loginRequired("the image service does not accept the login");
  }
  return new Failure(
    "codex_exec_failed",
    `The image service answered ${status}: ${
      error.message ?? "no reason given"
    }`,
  );
}

interface ErrorBody {
  readonly code?: string;
  readonly type?: string;
  readonly message?: string;
  readonly resetsInSeconds?: number;
}

function readErrorBody(literal: string | undefined): ErrorBody {
  try {
    const error = JSON.parse(JSON.parse(rustToJson(literal ?? "")))?.error ??
      {};
    const resets = error.resets_at === undefined
      ? error.resets_in_seconds
      : error.resets_at - Date.now() / 1000;
    return {
      code: text(error.code),
      type: text(error.type),
      message: text(error.message),
      resetsInSeconds: Number.isFinite(resets)
        ? Math.max(1, Math.ceil(resets))
        : undefined,
    };
  } catch (error) {
    // A body that is not JSON, such as a proxy's page, tells nothing beyond the status.
    if (error instanceof SyntaxError) return {};
    throw error;
  }
}

// The CLI prints the body as a Rust string literal, whose escapes are not all JSON's.
function rustToJson(literal: string): string {
  return literal.replace(
    /\\(?:u\{(10[0-9a-f]{4}|[0-9a-f]{1,5})\}|.)/g,
    (escape, hex: string | undefined) => {
      if (hex !== undefined) return jsonEscape(Number.parseInt(hex, 16));
      if (escape === "\\0") return jsonEscape(0);
      return escape === "\\'" ? "'" : escape;
    },
  );
}

function jsonEscape(codePoint: number): string {
  return JSON.stringify(String.fromCodePoint(codePoint)).slice(1, -1);
}

function text(value: unknown): string | undefined {
  return typeof value === "string" ? value : undefined;
}
