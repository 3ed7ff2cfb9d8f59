/** Every way in which a request can fail, as callers see it. */
export type ErrorCode =
  | "body_too_large"
  | "codex_exec_failed"
  | "codex_login_required"
  | "codex_no_image"
  | "codex_spawn_failed"
  | "codex_timeout"
  | "codex_unreachable"
  | "codex_unsupported"
  | "forbidden_host"
  | "forbidden_origin"
  | "idempotency_key_reused"
  | "image_tool_unavailable"
  | "insufficient_storage"
  | "internal_error"
  | "invalid_aspect"
  | "invalid_count"
  | "invalid_json"
  | "invalid_output_format"
  | "invalid_prompt"
  | "invalid_quality"
  | "invalid_reference"
  | "invalid_size"
  | "method_not_allowed"
  | "missing_prompt"
  | "model_refused"
  | "moderation_blocked"
  | "not_found"
  | "queue_full"
  | "rate_limit_exceeded"
  | "request_canceled"
  | "server_restarted"
  | "shutting_down"
  | "unauthorized"
  | "unknown_parameter"
  | "unsupported_media_type"
  | "usage_limit_reached";

/** What a {@linkcode ApiError} may say beside its message. */
export interface ApiErrorOptions extends ErrorOptions {
  /** The field at fault, such as `references[2].image`. */
  readonly param?: string | null;
  /** When it makes sense to try again, in seconds from now. */
  readonly retryAfter?: number;
}

/** A failure that callers are told about; its message is safe to show. */
export class ApiError extends Error {
  override name = "Failure";
  /** What happened. */
  readonly code: ErrorCode;
  /** The field at fault; null where it is none in particular. */
  readonly param: string | null;
  /** When it makes sense to try again, in seconds from now. */
  readonly retryAfter: number | undefined;

  /**
   * @param code What happened.
   * @param message What to tell the caller.
   */
  constructor(
    code: ErrorCode,
    message: string,
    options: ApiErrorOptions = {},
  ) {
    super(message, options);
    this.code = code;
    this.param = options.param ?? null;
    this.retryAfter = options.retryAfter;
  }
}

const NO_ROOM: readonly unknown[] = ["ENOSPC", "EDQUOT"];

/** Makes a {@linkcode ApiError} of anything thrown; what nobody foresaw is an `internal_error`. */
export function toApiError(error: unknown): ApiError {
  if (error instanceof ApiError) return error;
  if (
    error instanceof Error && "code" in error && NO_ROOM.includes(error.code)
  ) {
    return new ApiError(
      "insufficient_storage",
      "The server has no room left on its disk",
      { cause: error },
    );
  }
  if (error instanceof DOMException && error.name === "AbortError") {
    return new ApiError("request_canceled", "The caller is gone", {
      cause: error,
    });
  }
  return new ApiError(
    "internal_error",
    "The server failed in a way that it did not foresee",
    { cause: error },
  );
}

/** What an {@linkcode HttpError} may say beside its message. */
export interface HttpErrorOptions extends ApiErrorOptions {
  /** The status to answer with instead of the one that the code has. */
  readonly status?: number;
  /** Headers to answer with beside those of every error. */
  readonly headers?: Readonly<Record<string, string>>;
}

/** A failure whose answer needs more than its code tells: a status of its own, or further headers. */
export class HttpError extends ApiError {
  override name = "HttpError";
  /** The status to answer with; undefined where the code tells it. */
  readonly status: number | undefined;
  /** Headers to answer with beside those of every error. */
  readonly headers: Readonly<Record<string, string>>;

  /**
   * @param code What happened.
   * @param message What to tell the caller.
   */
  constructor(
    code: ErrorCode,
    message: string,
    options: HttpErrorOptions = {},
  ) {
    super(code, message, options);
    this.status = options.status;
    this.headers = options.headers ?? {};
  }
}
