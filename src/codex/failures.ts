import { ApiError } from "../errors.ts";
import {
  bestComplaint,
  isConnectionFailure,
  readConnectionComplaint,
} from "./connection.ts";
import {
  codexUnreachable,
  describePage,
  InstructionsRefusedError,
  loginRequired,
  rateLimitExceeded,
  truncate,
  usageLimitReached,
} from "./errors.ts";
import { TOOL_UNAVAILABLE } from "./prompt.ts";

const CAPACITY_SECONDS = 60;
const DAY_SECONDS = 86_400;
const TIME =
  /try again at (?:([A-Z][a-z]{2}) (\d{1,2})(?:st|nd|rd|th), (\d{4}) )?(\d{1,2}):(\d{2}) (AM|PM)/;

/**
 * Reads the time out of the CLI's "try again at 8:19 PM" or "try again at Nov 25th, 2026 8:19 PM".
 *
 * The CLI writes local time; workers run in UTC.
 *
 * @param now What "today" means.
 * @returns Seconds from now, at least 1; undefined where the message names no time.
 */
export function readResetTime(message: string, now: Date): number | undefined {
  const match = TIME.exec(message);
  if (match === null) return undefined;
  const [, month, day, year, hour, minute, half] = match;
  const hours = Number(hour) % 12 + (half === "PM" ? 12 : 0);
  const date = month === undefined
    ? now.toISOString().slice(0, 10)
    : `${day} ${month} ${year}`;
  const time = new Date(`${date} ${hours}:${minute} UTC`);
  const seconds = Math.ceil((time.getTime() - now.getTime()) / 1000);
  if (!Number.isFinite(seconds)) return undefined;
  // A time of day without a date that has gone by is tomorrow's; the CLI drops the seconds.
  const tomorrow = month === undefined && seconds < -60;
  return Math.max(1, tomorrow ? seconds + DAY_SECONDS : seconds);
}

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
export function readToolFailure(line: string): ApiError | undefined {
  const http = HTTP_ERROR.exec(readToolError(line) ?? "");
  if (http === null) return undefined;
  const status = Number(http[1]);
  const error = readErrorBody(http[2]);
  if (REFUSALS.includes(error.code)) {
    return new ApiError(
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
  const said = error.message ?? describePage(http[2] ?? "") ??
    "no reason given";
  const isBusy = status === 503 || status === 529 || CAPACITY.test(said);
  return new ApiError(
    "codex_exec_failed",
    `The image service answered ${status}: ${truncate(said)}`,
    { retryAfter: isBusy ? CAPACITY_SECONDS : undefined },
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
    // Our clock may be wrong, so that what is told as a time from now comes first.
    const resets = error.resets_in_seconds ??
      error.resets_at - Date.now() / 1000;
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

const LOGIN =
  /not logged in|log out and sign in|oauth\/token|401 Unauthorized|could not be refreshed/i;
const USAGE_LIMIT = /usage limit/i;
const RATE_LIMIT = /rate limit|429 Too Many/i;
const CAPACITY = /at capacity|overloaded|temporarily unavailable/i;
const INSTRUCTIONS = /instructions are not valid|invalid instructions/i;
const NO_TOOL = /unsupported call: image_gen/;

/** What a worker left behind. */
export interface WorkerOutput {
  /** The last lines of standard error. */
  readonly stderr: readonly string[];
  /** The errors of the JSON lines, oldest first. */
  readonly errors: readonly string[];
  /** The words of the model, oldest first. */
  readonly messages: readonly string[];
  /** How the CLI ended. */
  readonly exitCode: number;
  /** What is wrong with the file it left, if it left one. */
  readonly badFile: string | undefined;
}

/**
 * Finds the one reason why a worker that has ended made no picture.
 *
 * The exit code comes last: 0 does not mean success.
 *
 * @param now What "today" means in the CLI's messages.
 */
export function classifyError(
  traces: WorkerOutput,
  now: Date = new Date(),
): ApiError {
  return accountFailure(traces, now) ?? toolFailure(traces) ??
    otherFailure(traces);
}

function accountFailure(
  { errors, exitCode }: WorkerOutput,
  now: Date,
): ApiError | undefined {
  // A CLI that ends well has got over its errors, such as a connection that broke off.
  if (exitCode === 0) return undefined;
  const last = errors.at(-1) ?? "";
  const all = errors.join("\n");
  if (USAGE_LIMIT.test(all)) {
    return usageLimitReached(last, readResetTime(all, now));
  }
  if (LOGIN.test(all)) return loginRequired(last);
  if (RATE_LIMIT.test(all)) return rateLimitExceeded(last);
  const page = errors.findLast((error) => describePage(error) !== undefined);
  if (page !== undefined) {
    return new ApiError(
      "codex_exec_failed",
      `Codex did not get through to its service: ${describePage(page)}`,
    );
  }
  if (CAPACITY.test(last)) {
    return new ApiError("codex_exec_failed", truncate(last), {
      retryAfter: CAPACITY_SECONDS,
    });
  }
  const complaints = errors.map(readConnectionComplaint)
    .filter((reason) => reason !== undefined);
  if (complaints.length > 0 && isConnectionFailure(last)) {
    return codexUnreachable(bestComplaint(complaints));
  }
  if (INSTRUCTIONS.test(all)) {
    return new InstructionsRefusedError(last);
  }
  return undefined;
}

function toolFailure(traces: WorkerOutput): ApiError | undefined {
  if (
    traces.messages.some((text) => text.includes(TOOL_UNAVAILABLE)) ||
    traces.stderr.some((line) => NO_TOOL.test(line))
  ) {
    return new ApiError(
      "image_tool_unavailable",
      "Codex offers no image tool: it needs a ChatGPT login whose plan includes images, and a model that takes images",
    );
  }
  if (traces.badFile !== undefined) {
    return new ApiError(
      "codex_no_image",
      `Codex left a picture that cannot be used: it ${traces.badFile}`,
    );
  }
  const error = traces.stderr.map(readToolError)
    .findLast((error) => error !== undefined);
  return error === undefined ? undefined : new ApiError(
    "codex_exec_failed",
    `The image tool failed: ${truncate(error)}`,
  );
}

function otherFailure(traces: WorkerOutput): ApiError {
  const { errors, exitCode, messages, stderr } = traces;
  if (exitCode !== 0) {
    const reason = errors.at(-1) ?? stderr.at(-1) ?? "it gave no reason";
    return new ApiError(
      "codex_exec_failed",
      `Codex ended with exit code ${exitCode}: ${truncate(reason)}`,
    );
  }
  const words = messages.findLast((text) => text.trim() !== "");
  return words === undefined
    ? new ApiError(
      "codex_no_image",
      "Codex ended without a picture and without a reason",
    )
    : new ApiError("model_refused", words.trim());
}
