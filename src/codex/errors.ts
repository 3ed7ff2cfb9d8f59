import { ApiError } from "../errors.ts";

/** What to type for a login. */
export const LOGIN_HINT =
  'log in with "codex login", or "codex login --device-auth" on a machine without a browser, or "docker compose run --rm server codex login --device-auth" for the container';
const DEFAULT_RATE_SECONDS = 30;
const DEFAULT_LIMIT_SECONDS = 3600;
const UNREACHABLE_SECONDS = 30;
const SHOWN_CHARACTERS = 300;

/** Makes the failure of a backend that refuses our short instructions; a retry with the CLI's own follows. */
export class InstructionsRefusedError extends ApiError {
  override name = "InstructionsRefused";

  /** @param message What the service said. */
  constructor(message: string) {
    super(
      "codex_exec_failed",
      `The service refused the instructions: ${truncate(message)}`,
    );
  }
}

/**
 * Makes the failure of a worker without a usable login.
 *
 * @param reason What was found.
 * @param remedy What to do about it.
 */
export function loginRequired(
  reason: string,
  remedy: string = LOGIN_HINT,
): ApiError {
  return new ApiError(
    "codex_login_required",
    `Codex is not logged in: ${truncate(reason)}; ${remedy}`,
  );
}

/** Makes the failure of an account that has used up its window. */
export function usageLimitReached(
  message: string,
  seconds: number = DEFAULT_LIMIT_SECONDS,
): ApiError {
  return new ApiError("usage_limit_reached", message, {
    retryAfter: seconds,
  });
}

/** Makes the failure of too many requests at once; the wait is read from the message. */
export function rateLimitExceeded(message: string): ApiError {
  const found = /try again in (\d+(?:\.\d+)?) ?s/i.exec(message)?.[1];
  const seconds = found === undefined
    ? DEFAULT_RATE_SECONDS
    : Math.ceil(Number(found));
  return new ApiError("rate_limit_exceeded", message, { retryAfter: seconds });
}

/**
 * Makes the failure of a CLI that cannot reach its service.
 *
 * @param reason What it says.
 */
export function codexUnreachable(reason: string): ApiError {
  return new ApiError(
    "codex_unreachable",
    `Codex cannot reach its service: ${
      truncate(reason)
    }; look at the network, at HTTPS_PROXY and at SSL_CERT_FILE`,
    { retryAfter: UNREACHABLE_SECONDS },
  );
}

const PAGE = /<(?:!doctype html|html|head|title|body)\b/i;
const STATUS = /(?:status|http) (\d{3}(?: [A-Z][A-Za-z ]*)?)/;

/**
 * Says in a sentence that there is a web page in the place of an answer, as proxies, firewalls and login portals send them.
 *
 * @returns undefined where there is none in the text.
 */
export function describePage(text: string): string | undefined {
  if (!PAGE.test(text)) return undefined;
  const title = /<title[^>]*>\s*([^<]*?)\s*<\/title>/i.exec(text)?.[1];
  const status = STATUS.exec(text)?.[1];
  const called = title ? ` "${truncate(title)}"` : "";
  const withStatus = status === undefined
    ? ""
    : ` with status ${status.trim()}`;
  return `a web page${called}${withStatus} came in the place of an answer, as a proxy, a firewall or a login portal sends it`;
}

/** Cuts foreign text to what fits in a message. */
export function truncate(text: string): string {
  return text.length > SHOWN_CHARACTERS
    ? `${text.slice(0, SHOWN_CHARACTERS)}…`
    : text;
}
