import type { DirectiveName, Directives } from "./directives.ts";
import type { SandboxUsage } from "./usage.ts";

const PROXY_PAGE =
  "<!DOCTYPE html>\n<html><head><title>403 Forbidden</title></head>" +
  "<body><h1>Access denied</h1><p>Your organization's proxy blocked this request.</p></body></html>\n";

type Failures = Partial<
  Record<DirectiveName, (usage: SandboxUsage) => Response>
>;

const MODEL_FAILURES: Failures = {
  "expired-login": () =>
    Response.json({ error: { message: "Token expired" } }, { status: 401 }),
  "usage-limit": (usage) => usage.refuse(),
  "capacity": capacityReached,
  "proxy-page": proxyPage,
};

const IMAGE_FAILURES: Failures = {
  "moderation": () =>
    failure(400, {
      code: "moderation_blocked",
      type: "image_generation_user_error",
      message: "Your request was rejected by the safety system.",
    }),
  "rate-limit": () =>
    failure(429, {
      code: "rate_limit_exceeded",
      type: "requests",
      message: "Rate limit reached for gpt-image-2. Please try again in 12s.",
    }),
  "image-usage-limit": (usage) => usage.refuse(),
  "image-capacity": capacityReached,
  "image-proxy-page": proxyPage,
  "error": () =>
    failure(500, {
      code: "server_error",
      type: "server_error",
      message: "The server had an error while processing your request.",
    }),
};

/** The failure of the chat model that a prompt provokes, if any. */
export function modelFailure(
  directives: Directives,
  usage: SandboxUsage,
): Response | undefined {
  return usage.refusing
    ? usage.refuse()
    : provoke(MODEL_FAILURES, { directives, usage });
}

/** The failure of the image model that a prompt provokes, if any. */
export function imageFailure(
  directives: Directives,
  usage: SandboxUsage,
): Response | undefined {
  return provoke(IMAGE_FAILURES, { directives, usage });
}

function provoke(
  failures: Failures,
  { directives, usage }: {
    readonly directives: Directives;
    readonly usage: SandboxUsage;
  },
): Response | undefined {
  for (const name of directives.keys()) {
    const failure = failures[name];
    if (failure !== undefined) return failure(usage);
  }
  return undefined;
}

function capacityReached(): Response {
  return failure(503, {
    code: "server_is_overloaded",
    type: "service_unavailable_error",
    message: "Our servers are currently overloaded. Please try again later.",
  });
}

function proxyPage(): Response {
  return new Response(PROXY_PAGE, {
    status: 403,
    headers: { "content-type": "text/html; charset=utf-8" },
  });
}

function failure(
  status: number,
  error: {
    readonly code: string;
    readonly type: string;
    readonly message: string;
  },
): Response {
  return Response.json({ error: { ...error, param: null } }, { status });
}
