import { STATUS_CODE } from "@std/http/status";
import { ApiError, HttpError } from "../errors.ts";
import { truncateAndQuote } from "../util.ts";

/** What makes a path more than its characters. */
const SPECIAL = /[:*?+(){}\\]/;
const EVENT_STREAM = "text/event-stream";

/**
 * Tells the path of a request as its URL holds it, with percent-encoding left alone.
 *
 * The server puts the `Host` header into the URL as it came, so that not every URL can be read.
 *
 * @throws {HttpError} `forbidden_host` with status 400: the URL cannot be read.
 */
export function requestPath(request: Request): string {
  const url = URL.parse(request.url);
  if (url !== null) return url.pathname;
  throw new HttpError(
    "forbidden_host",
    `Cannot read address ${truncateAndQuote(request.url)}: it is not a URL`,
    { status: 400 },
  );
}

/** What a handler gets: what the router was called with, and what stands in the path. */
export type RouteContext<Context extends object> = Context & {
  /** The named parts of the path as they came, still percent-encoded. */
  readonly params: Readonly<Record<string, string>>;
};

/** One line of the table that {@linkcode createRouter} reads. */
export interface Route<Context extends object> {
  /** The method; a GET route answers HEAD too, and OPTIONS is answered for every path. */
  readonly method: "DELETE" | "GET" | "POST";
  /** The path as a `URLPattern`, such as `/v1/images/:id/file`. */
  readonly path: string;
  /** Answers a request. */
  readonly handler: (
    request: Request,
    context: RouteContext<Context>,
  ) => Response | Promise<Response>;
}

/**
 * Finds the route of a request and answers with it.
 *
 * Rejects with a {@linkcode ApiError} `not_found` or `method_not_allowed` where there is none, and with whatever the
 * handler throws.
 */
export type Router<Context extends object> = (
  request: Request,
  context: Context,
) => Promise<Response>;

/** How {@linkcode createRouter} reads requests, and what it tells. */
export interface RouterOptions<Context extends object> {
  /** Told of the route that a request has found, before it answers. */
  readonly onMatch?: (route: Route<Context>, request: Request) => void;
  /** Tells the path that is meant by the one that was sent. */
  readonly rewrite?: (pathname: string) => string;
  /** What to ask for instead of a path that is not there, as the end of a sentence. */
  readonly remedy?: string;
}

/**
 * Makes a router of a table of routes, of which the first that fits path and method answers, paths without parts before
 * all others.
 *
 * @example
 * ```ts
 * import { createRouter } from "./router.ts";
 *
 * const router = createRouter([
 *   { method: "GET", path: "/hello/:name", handler: (_, { params }) => new Response(params.name) },
 * ]);
 * await router(new Request("http://localhost/hello/ada"), {});
 * ```
 */
export function createRouter<Context extends object>(
  routes: readonly Route<Context>[],
  options: RouterOptions<Context> = {},
): Router<Context> {
  const { onMatch, rewrite = (pathname) => pathname, remedy } = options;
  // A pattern takes most of the time of a short answer, so that paths without one come first.
  const { literal = [], pattern = [] } = Object.groupBy(
    routes,
    ({ path }) => SPECIAL.test(path) ? "pattern" : "literal",
  );
  const table = [...literal, ...pattern]
    .map((route) => ({ route, match: matcher(route.path) }));
  return async (request, context) => {
    const { method } = request;
    const pathname = requestPath(request);
    const meant = rewrite(pathname);
    const wanted = method === "HEAD" ? "GET" : method;
    const methods: string[] = [];
    for (const { route, match } of table) {
      const params = match(meant);
      if (params === undefined) continue;
      methods.push(route.method);
      if (route.method !== wanted) continue;
      onMatch?.(route, request);
      const response = await route.handler(request, { ...context, params });
      return method === "HEAD" ? await withoutBody(response) : response;
    }
    if (methods.length === 0) throw notFound(method, { pathname, remedy });
    const allow = list(methods);
    if (method !== "OPTIONS") throw notAllowed(method, { pathname, allow });
    const status = STATUS_CODE.NoContent;
    return new Response(null, { status, headers: { allow } });
  };
}

type Params = Readonly<Record<string, string>>;

/** Makes what tells the named parts of a path that fits. */
function matcher(path: string): (pathname: string) => Params | undefined {
  if (!SPECIAL.test(path)) {
    return (pathname) => pathname === path ? {} : undefined;
  }
  const pattern = new URLPattern({ pathname: path });
  // No optional part stands in a path of ours, so that every group has text.
  return (pathname) =>
    pattern.exec({ pathname })?.pathname.groups as Params | undefined;
}

/** Drops the body, and with it whatever it was to be read from. */
async function withoutBody(response: Response): Promise<Response> {
  const { body, headers } = response;
  if (body === null) return response;
  // What goes on for ever has no length; what comes from disk says its own.
  if (
    headers.has("content-length") ||
    headers.get("content-type")?.startsWith(EVENT_STREAM)
  ) {
    await body.cancel();
  } else {
    const { length } = await response.bytes();
    headers.set("content-length", `${length}`);
  }
  // Of no body at all, Deno.serve would say that its length is 0.
  return new Response(ReadableStream.from([]), response);
}

function list(methods: readonly string[]): string {
  const all = new Set([...methods, "OPTIONS"]);
  if (all.has("GET")) all.add("HEAD");
  return [...all].sort().join(", ");
}

function notFound(
  method: string,
  { pathname, remedy }: Pick<RouterOptions<object>, "remedy"> & {
    readonly pathname: string;
  },
): ApiError {
  return new ApiError(
    "not_found",
    `Cannot answer ${
      truncateAndQuote(`${method} ${pathname}`)
    }: there is no such path${remedy === undefined ? "" : `, ${remedy}`}`,
  );
}

function notAllowed(
  method: string,
  options: { readonly pathname: string; readonly allow: string },
): HttpError {
  const { pathname, allow } = options;
  return new HttpError(
    "method_not_allowed",
    `Cannot answer ${
      truncateAndQuote(`${method} ${pathname}`)
    }: the path allows ${allow}`,
    { headers: { allow } },
  );
}
