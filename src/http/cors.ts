import { STATUS_CODE } from "@std/http/status";

const EXPOSED = [
  "x-request-id",
  "retry-after",
  "location",
  "etag",
  // By these the clients in pages know what not to repeat, and what was left out.
  "x-should-retry",
  "x-codex-image-ignored",
  "mcp-session-id",
].join(", ");
const METHODS = "DELETE, GET, HEAD, POST";
const WEB_ORIGIN = /^https?:\/\/[^\s/?#@,*\\]+\/?$/i;
const APP_ORIGIN = /^(?!https?:)[a-z][a-z\d+.-]*:\/\/[^\s/?#@,*\\]*\/?$/i;
const PREFLIGHT_SECONDS = 7_200;
const PREFLIGHT_VARY =
  "Origin, Access-Control-Request-Method, Access-Control-Request-Headers";

/**
 * Writes an origin as browsers do: in lower case, a foreign name in punycode, the usual port left out.
 *
 * Applications have schemes of their own, such as `app://obsidian.md`, `chrome-extension://…` and `file://`.
 *
 * @returns Undefined where the text is no origin, or is `null`, which is nobody's in particular.
 */
export function normalizeOrigin(text: string): string | undefined {
  if (WEB_ORIGIN.test(text)) return URL.parse(text)?.origin;
  if (APP_ORIGIN.test(text)) {
    return text.toLowerCase().replace(/([^/])\/$/, "$1");
  }
}

/**
 * Tells the headers that let the pages of an origin read an answer.
 *
 * An answer to no origin says that it depends on it too, or a cache would hand it to a page that may not read it then.
 */
export function corsHeaders(
  origin: string | null,
): Readonly<Record<string, string>> {
  if (origin === null) return { "vary": "Origin" };
  return {
    "access-control-allow-origin": origin,
    "access-control-expose-headers": EXPOSED,
    "vary": "Origin",
  };
}

/** Tells whether a browser asks beforehand what a page may send. */
export function isPreflight({ method, headers }: Request): boolean {
  return method === "OPTIONS" && headers.has("origin") &&
    headers.has("access-control-request-method");
}

/** Answers a preflight of an origin that may call: any header may be sent, and the answer holds for two hours. */
export function preflightResponse({ headers }: Request): Response {
  const asked = headers.get("access-control-request-headers");
  return new Response(null, {
    status: STATUS_CODE.NoContent,
    headers: {
      "access-control-allow-origin": headers.get("origin") ?? "null",
      "access-control-allow-methods": METHODS,
      ...(asked !== null && { "access-control-allow-headers": asked }),
      "access-control-max-age": `${PREFLIGHT_SECONDS}`,
      "vary": PREFLIGHT_VARY,
    },
  });
}
