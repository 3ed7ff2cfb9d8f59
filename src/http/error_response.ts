import { type ApiError, type ErrorCode, HttpError } from "../errors.ts";

const REQUEST_ID = /^[A-Za-z0-9._-]{1,64}$/;

/** Tells the name of a request in answers and in the log: the caller's `x-request-id` where it is fit for that, or a new one. */
export function requestIdOf(request: Request): string {
  const sent = request.headers.get("x-request-id");
  if (sent !== null && REQUEST_ID.test(sent)) return sent;
  return newRequestId();
}

/** Makes the name of a request that has none. */
export function newRequestId(): string {
  return `req_${crypto.randomUUID().replaceAll("-", "")}`;
}

const STATUS: Readonly<Record<ErrorCode, number>> = {
  invalid_aspect: 400,
  invalid_count: 400,
  invalid_json: 400,
  invalid_output_format: 400,
  invalid_prompt: 400,
  invalid_quality: 400,
  invalid_reference: 400,
  invalid_size: 400,
  missing_prompt: 400,
  moderation_blocked: 400,
  unknown_parameter: 400,
  unauthorized: 401,
  forbidden_host: 403,
  forbidden_origin: 403,
  not_found: 404,
  method_not_allowed: 405,
  body_too_large: 413,
  unsupported_media_type: 415,
  idempotency_key_reused: 422,
  model_refused: 422,
  queue_full: 429,
  rate_limit_exceeded: 429,
  usage_limit_reached: 429,
  request_canceled: 499,
  internal_error: 500,
  codex_exec_failed: 502,
  codex_no_image: 502,
  codex_spawn_failed: 502,
  codex_login_required: 503,
  codex_unreachable: 503,
  codex_unsupported: 503,
  image_tool_unavailable: 503,
  server_restarted: 503,
  shutting_down: 503,
  codex_timeout: 504,
  insufficient_storage: 507,
};

/**
 * Failures with a status that clients repeat unasked, where the next try within seconds meets the same state or pays
 * again for work that was done.
 */
const NOT_TO_REPEAT: ReadonlySet<ErrorCode> = new Set([
  "codex_login_required",
  "codex_no_image",
  "codex_timeout",
  "codex_unsupported",
  "image_tool_unavailable",
  "insufficient_storage",
  "internal_error",
  "usage_limit_reached",
]);

/** Tells the HTTP status that a kind of failure has. */
export function statusOf(code: ErrorCode): number {
  return STATUS[code];
}

/** Describes a failure as the envelope of every error does. */
export function describeError(
  { code, message, param }: ApiError,
  status: number = statusOf(code),
) {
  return { message, type: typeOf(code, status), code, param };
}

/**
 * Answers with a failure, in the one form that all callers of the API know.
 *
 * An {@linkcode HttpError} brings headers of its own, and maybe a status.
 *
 * @param requestId What the log calls the request.
 */
export function errorResponse(failure: ApiError, requestId: string): Response {
  const own = failure instanceof HttpError ? failure : undefined;
  const status = own?.status ?? statusOf(failure.code);
  return Response.json(
    { error: { ...describeError(failure, status), request_id: requestId } },
    {
      status,
      headers: {
        ...own?.headers,
        ...retryHeaders(failure),
        ...(status === 401 && { "www-authenticate": "Bearer" }),
        "x-request-id": requestId,
      },
    },
  );
}

function typeOf(code: ErrorCode, status: number): string {
  if (code === "moderation_blocked") return "image_generation_user_error";
  return status < 500 ? "invalid_request_error" : "server_error";
}

function retryHeaders(failure: ApiError): Record<string, string> {
  const headers: Record<string, string> = {};
  if (failure.retryAfter !== undefined) {
    headers["retry-after"] = `${Math.max(1, Math.ceil(failure.retryAfter))}`;
  }
  if (NOT_TO_REPEAT.has(failure.code)) headers["x-should-retry"] = "false";
  return headers;
}
