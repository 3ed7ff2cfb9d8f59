import { Failure } from "../failure.ts";

/** What to type for a login. */
export const LOGIN_HINT =
  'log in with "codex login", or "codex login --device-auth" on a machine without a browser, or "docker compose run --rm server codex login --device-auth" for the container';
const DEFAULT_RATE_SECONDS = 30;
const DEFAULT_LIMIT_SECONDS = 3600;
const SHOWN_CHARACTERS = 300;

/** Makes the failure of a backend that refuses our short instructions; a retry with the CLI's own follows. */
export class InstructionsRefused extends Failure {
  override name = "InstructionsRefused";

  /** @param message What the service said. */
  constructor(message: string) {
    super(
      "codex_exec_failed",
      `The service refused the instructions: ${shorten(message)}`,
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
): Failure {
  return new Failure(
    "codex_login_required",
    `Codex is not logged in: ${shorten(reason)}; ${remedy}`,
  );
}

/** Makes the failure of an account that has used up its window. */
export function usageLimitReached(
  message: string,
  seconds: number = DEFAULT_LIMIT_SECONDS,
): Failure {
  return new Failure("usage_limit_reached", message, {
    retryAfter: seconds,
  });
}

/** Makes the failure of too many requests at once; the wait is read from the message. */
export function rateLimitExceeded(message: string): Failure {
  const found = /try again in (\d+(?:\.\d+)?) ?s/i.exec(message)?.[1];
  const seconds = found === undefined
    ? DEFAULT_RATE_SECONDS
    : Math.ceil(Number(found));
  return new Failure("rate_limit_exceeded", message, { retryAfter: seconds });
}

/** Cuts foreign text to what fits in a message. */
export function shorten(text: string): string {
  return text.length > SHOWN_CHARACTERS
    ? `${text.slice(0, SHOWN_CHARACTERS)}…`
    : text;
}
