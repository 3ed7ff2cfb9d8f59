import { timingSafeEqual } from "@std/crypto/timing-safe-equal";
import { STATUS_CODE } from "@std/http/status";
import { ApiError, HttpError } from "../errors.ts";
import { truncateAndQuote } from "../util.ts";
import {
  corsHeaders,
  isPreflight,
  normalizeOrigin,
  preflightResponse,
} from "./cors.ts";
import { requestPath } from "./router.ts";

const BEARER = /^Bearer +(\S+)$/i;

/**
 * Tells whether a request brings the key, as `X-API-Key`, as `api-key` or as `Authorization: Bearer`.
 *
 * Digests are compared, in constant time, so that the time taken tells neither the key nor its length. Several keys may
 * be sent, as some clients always fill `Authorization`: one that fits is enough.
 */
export async function hasKey(request: Request, key: string): Promise<boolean> {
  const { headers } = request;
  const sent = [
    headers.get("x-api-key"),
    headers.get("api-key"),
    BEARER.exec(headers.get("authorization") ?? "")?.[1] ?? null,
  ].filter((text) => text !== null);
  const [wanted, ...digests] = await Promise.all([key, ...sent].map(digest));
  return digests.some((one) => timingSafeEqual(one, wanted));
}

async function digest(text: string): Promise<Uint8Array> {
  const bytes = new TextEncoder().encode(text);
  return new Uint8Array(await crypto.subtle.digest("SHA-256", bytes));
}

const LOOPBACK = ["127.0.0.1", "localhost", "[::1]"];
const HTTP = "http://";
const HTTP_PORT = 80;
const PORT = /:\d{1,5}$/;
const METHODS = "DELETE, GET, HEAD, OPTIONS, POST";

/** A name or an address, with or without a port. */
export const HOST_VALUE =
  /^(?:\[[\da-f:.]+\]|[\w.-]+)(?::(?!\d{6}|[7-9]\d{4}|6[6-9]\d{3}|65[6-9]\d\d|655[4-9]\d|6553[6-9])\d{1,5})?$/i;

/** Whom a guard lets in. */
export interface GuardOptions {
  /** The port of the server, or what tells it once it is known. */
  readonly port: number | (() => number);
  /** `Host` values to accept beside those of loopback at the port; one without a port stands for every port. */
  readonly allowedHosts: readonly string[];
  /** Origins whose pages may call, as `normalizeOrigin` writes them; `app://*` stands for all of a scheme, and `*` for all. */
  readonly allowedOrigins: readonly string[];
  /** The key that callers must send; none must when undefined. */
  readonly apiKey?: string;
  /** Tells whether the URL of a request has a signature that stands for the key; none has when left out. */
  readonly isSigned?: (request: Request) => boolean;
  /** Paths that need no key. */
  readonly openPaths: readonly string[];
}

/**
 * Checks a request before anything of its body is read.
 *
 * Gives the headers to append to whatever the answer will be or, to a preflight, the answer. Rejects with a
 * {@linkcode ApiError} `forbidden_host`, `forbidden_origin` or `unauthorized`.
 */
export type Guard = (
  request: Request,
) => Promise<Readonly<Record<string, string>> | Response>;

/** What the checks know: the rules, in lower case, and the request. */
interface Caller extends GuardOptions {
  readonly port: number;
  readonly request: Request;
  /** The `Host` header in lower case; empty where there is none. */
  readonly host: string;
  readonly origin: string | null;
  readonly isPreflight: boolean;
  /** Whether there is a key to send and it was sent, or the URL is signed. */
  readonly isTrusted: boolean;
}

/** Each refuses by throwing, and the first that does decides. */
const CHECKS: readonly ((caller: Caller) => void)[] = [
  checkHost,
  checkOrigin,
  checkSite,
  checkKey,
  checkProtocol,
];

/** Makes the guard that keeps out DNS rebinding, the pages of strangers, and callers without the key. */
export function createGuard(options: GuardOptions): Guard {
  const { port, apiKey, isSigned = () => false } = options;
  const rules = {
    ...options,
    allowedHosts: options.allowedHosts.map((host) => host.toLowerCase()),
  };
  return async (request) => {
    const caller: Caller = {
      ...rules,
      port: typeof port === "number" ? port : port(),
      request,
      host: (request.headers.get("host") ?? "").toLowerCase(),
      origin: request.headers.get("origin"),
      isPreflight: isPreflight(request),
      isTrusted: isSigned(request) ||
        (apiKey !== undefined && await hasKey(request, apiKey)),
    };
    for (const check of CHECKS) check(caller);
    if (caller.isPreflight) return preflightResponse(request);
    return corsHeaders(caller.origin);
  };
}

/** Against DNS rebinding: the header decides, whatever the target of the request says. */
function checkHost(caller: Caller): void {
  const { host, allowedHosts } = caller;
  if (host === "") {
    throw new HttpError(
      "forbidden_host",
      "Cannot accept the request: it has no Host header",
      { status: STATUS_CODE.BadRequest },
    );
  }
  const isHost = HOST_VALUE.test(host);
  const isAnyPort = allowedHosts.includes(host.replace(PORT, ""));
  if (isHost && (isAnyPort || isHere(host, caller))) return;
  const remedy = isHost
    ? describeSetting("ALLOWED_HOSTS", host, allowedHosts)
    : "it is no host with or without a port";
  throw new ApiError(
    "forbidden_host",
    `Cannot accept Host ${truncateAndQuote(host)}: ${remedy}`,
  );
}

/** Against the pages of strangers, which may send forms and plain text without asking first. */
function checkOrigin(caller: Caller): void {
  const { origin } = caller;
  if (origin === null || mayCall(origin, caller)) return;
  throw refuseOrigin(origin, caller);
}

/**
 * Tells whether the pages of an origin may call.
 *
 * A frame of any page can have the origin `null`, and who installs an application does not see its origin, so that the key
 * tells a friend; a preflight cannot bring it yet.
 */
function mayCall(sent: string, caller: Caller): boolean {
  const { allowedOrigins, apiKey, host, isPreflight, isTrusted } = caller;
  const origin = normalizeOrigin(sent);
  if (origin !== undefined) {
    const everyOf = origin.replace(/\/\/.*/s, "//*");
    if (
      [origin, everyOf, "*"].some((value) => allowedOrigins.includes(value))
    ) return true;
    if (origin === normalizeOrigin(HTTP + host)) return true;
    if (origin.startsWith(HTTP) && isHere(origin.slice(HTTP.length), caller)) {
      return true;
    }
  }
  const bringsKey = isTrusted || (isPreflight && apiKey !== undefined);
  return bringsKey && needsOnlyKey(sent);
}

function needsOnlyKey(sent: string): boolean {
  return sent === "null" || /^(?!https?:)/.test(normalizeOrigin(sent) ?? HTTP);
}

function refuseOrigin(sent: string, caller: Caller): ApiError {
  const { allowedOrigins, apiKey } = caller;
  const origin = normalizeOrigin(sent);
  const remedies = [
    ...(!needsOnlyKey(sent)
      ? []
      : apiKey === undefined
      ? ["set CODEX_IMAGE_SERVER_API_KEY and send that key as X-API-Key"]
      : ["send the key of CODEX_IMAGE_SERVER_API_KEY as X-API-Key"]),
    ...(origin === undefined
      ? []
      : [describeSetting("ALLOWED_ORIGINS", origin, allowedOrigins)]),
  ];
  return new ApiError(
    "forbidden_origin",
    `Cannot accept Origin ${truncateAndQuote(sent)}: ${
      remedies.join(", or ") || "it is none that a browser sends"
    }`,
  );
}

/** Tells how to admit a value by a setting. */
function describeSetting(
  name: "ALLOWED_HOSTS" | "ALLOWED_ORIGINS",
  value: string,
  present: readonly string[],
): string {
  return present.length === 0
    ? `to admit it set CODEX_IMAGE_SERVER_${name}=${value}`
    : `to admit it add ${value} to CODEX_IMAGE_SERVER_${name}`;
}

/**
 * Against what pages load without telling their origin, such as pictures; to follow a link does no harm.
 *
 * A page may leave out where it is itself, but not name another.
 */
function checkSite(caller: Caller): void {
  const { isTrusted, origin, request } = caller;
  const { headers, method } = request;
  const site = headers.get("sec-fetch-site") ?? "none";
  if (origin !== null || site === "none" || site === "same-origin") return;
  const isRead = method === "GET" || method === "HEAD";
  const isLink = headers.get("sec-fetch-mode") === "navigate" &&
    headers.get("sec-fetch-dest") === "document";
  if (isTrusted || (isRead && isLink)) return;
  const page = URL.parse(headers.get("referer") ?? "")?.origin ?? "null";
  if (isRead && page !== "null") {
    if (mayCall(page, caller)) return;
    throw refuseOrigin(page, caller);
  }
  throw new ApiError(
    "forbidden_origin",
    `Cannot accept a ${
      truncateAndQuote(site)
    } request of a web page: it tells no origin, as a fetch or <img crossorigin> does`,
  );
}

function checkKey(caller: Caller): void {
  const { apiKey, isTrusted, isPreflight, request } = caller;
  if (apiKey === undefined || isTrusted || isPreflight) return;
  if (caller.openPaths.includes(requestPath(request))) return;
  const signed = URL.parse(request.url)?.searchParams.has("signature");
  throw new HttpError(
    "unauthorized",
    signed
      ? "Cannot accept the signature: it has expired, or is of another image or server; ask for the image again with the key"
      : "Cannot accept the request: it needs the key, as X-API-Key or as Authorization: Bearer",
    { headers: corsHeaders(caller.origin) },
  );
}

/** Of what HTTP lets a caller ask for, and `Deno.serve` passes on, but no path answers. */
function checkProtocol({ request: { headers, method } }: Caller): void {
  const expect = headers.get("expect");
  if (expect !== null && expect.toLowerCase() !== "100-continue") {
    throw new HttpError(
      "unknown_parameter",
      `Cannot meet Expect ${
        truncateAndQuote(expect)
      }: expected "100-continue", or no such header`,
      { status: STATUS_CODE.ExpectationFailed, param: "Expect" },
    );
  }
  if (method !== "CONNECT") return;
  throw new HttpError(
    "method_not_allowed",
    `Cannot answer "CONNECT": no path allows it, expected ${METHODS}`,
    { headers: { allow: METHODS } },
  );
}

/** Tells whether this server is at a host; without its port, that could be any server of the machine. */
function isHere(host: string, { port, allowedHosts }: Caller): boolean {
  // Browsers leave out the usual port.
  const full = PORT.test(host) ? host : `${host}:${HTTP_PORT}`;
  return allowedHosts.includes(full) ||
    LOOPBACK.some((name) => full === `${name}:${port}`);
}
