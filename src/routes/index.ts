import type { Config } from "../config.ts";
import { type ApiError, toApiError } from "../errors.ts";
import { errorResponse, requestIdOf } from "../http/error_response.ts";
import { createGuard } from "../http/guard.ts";
import { createRouter } from "../http/router.ts";
import { type Log, logInternalError } from "../log.ts";
import { nameRequestSpan, setSpanAttribute } from "../observability/tracing.ts";
import { docsRoutes } from "./docs.ts";
import { GENERATE_ROUTES } from "./generate.ts";
import { SERVER_ROUTES } from "./health.ts";
import { IMAGE_FILE_ALIAS, IMAGE_ROUTES } from "./images.ts";
import { JOB_ROUTES } from "./jobs.ts";
import { MCP_ROUTES } from "./mcp.ts";
import { OPENAI_ROUTES, openAiPath } from "./openai.ts";
import type { ApiRoute, RequestContext, Service } from "./route.ts";
import { STUDIO_ROUTES } from "./studio.ts";
import { USAGE_ROUTES } from "./usage.ts";

const REFUSED: readonly number[] = [401, 403, 404];
const MAX_LOGGED = 100;
const REMEDY =
  "images are made by POST /v1/images/generate, /v1/images/generations and /v1/images/edits";
const LOOPBACK = ["127.0.0.1", "localhost", "::1"];

/** Every route there is, in the order in which the documents show them. */
export const ROUTES: readonly ApiRoute[] = [
  ...GENERATE_ROUTES,
  ...OPENAI_ROUTES,
  ...IMAGE_ROUTES,
  ...JOB_ROUTES,
  ...USAGE_ROUTES,
  ...MCP_ROUTES,
  ...SERVER_ROUTES,
  ...docsRoutes(() => ROUTES),
  IMAGE_FILE_ALIAS,
  ...STUDIO_ROUTES,
];

interface Refusal {
  readonly failure: ApiError;
  readonly requestId: string;
  readonly response: Response;
}

/**
 * Makes the application: every request is guarded, routed and answered, errors included.
 *
 * @param port Tells the port that is listened on.
 */
export function createApp(
  service: Service,
  port: () => number,
): (request: Request) => Promise<Response> {
  const { config, log } = service;
  const guard = createGuard({
    ...config,
    allowedHosts: [...config.allowedHosts, ...ownHosts(config)],
    allowedOrigins: [...config.allowedOrigins, ...ownOrigins(config)],
    port,
    isSigned: (request) => service.links.isSigned(request),
    openPaths: ROUTES.filter(({ open }) => open).map(({ path }) => path),
  });
  const route = createRouter<RequestContext>(ROUTES, {
    onMatch: nameRequestSpan,
    rewrite: openAiPath,
    remedy: REMEDY,
  });
  return async (request) => {
    const requestId = requestIdOf(request);
    setSpanAttribute("codex.request_id", requestId);
    let headers: Readonly<Record<string, string>> = {};
    let response: Response;
    try {
      const admitted = await guard(request);
      if (admitted instanceof Response) {
        response = admitted;
      } else {
        headers = admitted;
        response = await route(request, { requestId, service });
      }
    } catch (error) {
      const failure = toApiError(error);
      if (failure.code === "internal_error") {
        logInternalError(log, requestId, error);
      }
      response = errorResponse(failure, requestId);
      logRefusal(service.limitedLog, request, { failure, requestId, response });
      setSpanAttribute("codex.code", failure.code);
    }
    for (const [name, value] of Object.entries(headers)) {
      response.headers.append(name, value);
    }
    response.headers.set("x-request-id", requestId);
    return response;
  };
}

// A caller who follows an address that the server gave must not be turned away; the guard knows those of loopback.
function ownHosts({ host, publicUrl }: Config): string[] {
  const shown = host.includes(":") ? `[${host}]` : host;
  const given = publicUrl === undefined ? [] : [new URL(publicUrl).host];
  return LOOPBACK.includes(host) ? given : [shown, ...given];
}

// Pages that the server shows at its public address may be encrypted on their way, of which the server sees nothing.
function ownOrigins({ publicUrl }: Config): string[] {
  return publicUrl === undefined ? [] : [new URL(publicUrl).origin];
}

// A browser hides the answer from its page, and some programs from their users.
function logRefusal(
  log: Log,
  { headers, method, url }: Request,
  { failure: { code }, requestId, response: { status } }: Refusal,
): void {
  if (!REFUSED.includes(status) && code !== "forbidden_host") return;
  const shorten = (text: string | undefined | null) =>
    text?.slice(0, MAX_LOGGED);
  log("warn", "request.refused", {
    request_id: requestId,
    status,
    code,
    method: shorten(method),
    // Some put prompts into paths, of which no more than a word is told.
    path: shorten(URL.parse(url)?.pathname.replace(/%.*$/s, "")),
    host: shorten(headers.get("host")),
    origin: shorten(headers.get("origin")),
  });
}
