import { capabilities } from "../api/capabilities.ts";
import type { Codex } from "../codex/codex.ts";
import type { Config } from "../config.ts";
import { toApiError } from "../errors.ts";
import type { FairQueue } from "../generation/fair_queue.ts";
import { errorResponse, requestIdOf } from "../http/error_response.ts";
import { createGuard } from "../http/guard.ts";
import { createRouter, type Route } from "../http/router.ts";
import { SseLimiter } from "../http/sse.ts";
import type { ImageStore } from "../images/store.ts";
import type { Jobs } from "../jobs/jobs.ts";
import { Replay } from "../jobs/replay.ts";
import type { Library } from "../library/library.ts";
import type { Log } from "../log.ts";
import type { JobMetrics } from "../observability/metrics.ts";
import {
  nameRequestSpan,
  tellFailure,
  tellRequestId,
} from "../telemetry/request_span.ts";
import { docsRoutes } from "./docs.ts";
import { generate, type GenerateAnswer } from "./generate.ts";
import { health, metrics, type Readiness, ready } from "./health.ts";
import { imageFile, imageRoutes } from "./images.ts";
import { jobRoutes } from "./jobs.ts";
import type { Addresses } from "./links.ts";
import { modelRoutes, openAiRoutes } from "./openai.ts";

const LOOPBACK = ["127.0.0.1", "localhost", "::1"];

/** What the application is made of. */
export interface AppParts {
  readonly addresses: Addresses;
  readonly codex: Codex;
  readonly config: Config;
  /** What marks this server's workers. */
  readonly instance: string;
  readonly jobs: Jobs<GenerateAnswer>;
  readonly library: Library;
  readonly log: Log;
  readonly metrics: JobMetrics;
  /** The port that is listened on. */
  readonly port: () => number;
  readonly readiness: Readiness;
  readonly slots: FairQueue;
  readonly store: ImageStore;
}

interface RequestContext {
  /** What the log calls the request. */
  readonly requestId: string;
}

/** Makes the application: every request is guarded, routed and answered, errors included. */
export function createApp(
  parts: AppParts,
): (request: Request) => Promise<Response> {
  const { config, jobs, library, log, readiness, store } = parts;
  const guard = createGuard({
    ...config,
    allowedHosts: [...config.allowedHosts, ...ownHosts(config)],
    port: parts.port,
    openPaths: ["/healthz", "/readyz"],
  });
  const described = capabilities({
    authRequired: config.apiKey !== undefined,
    timeoutMs: config.timeoutMs,
  });
  const replay = new Replay(jobs);
  const streams = new SseLimiter(config.maxStreams);
  const job = jobRoutes({ jobs, streams });
  const image = imageRoutes({ ...parts, storePrompts: config.storePrompts });
  const openAi = openAiRoutes({ ...parts, replay, streams });
  const route = createRouter<RequestContext>([
    { method: "GET", path: "/healthz", handler: health(parts) },
    { method: "GET", path: "/readyz", handler: ready(readiness) },
    { method: "GET", path: "/metrics", handler: metrics(parts) },
    {
      method: "GET",
      path: "/v1/capabilities",
      handler: () => Response.json(described),
    },
    {
      method: "POST",
      path: "/v1/images/generate",
      handler: generate({ ...parts, replay, streams }),
    },
    { method: "GET", path: "/v1/images", handler: image.list },
    // Only what begins like an id: a GET of the path above is a wrong method and not a missing image.
    { method: "GET", path: "/v1/images/:id(codex-[^/]+)", handler: image.show },
    {
      method: "DELETE",
      path: "/v1/images/:id(codex-[^/]+)",
      handler: image.remove,
    },
    {
      method: "GET",
      path: "/v1/images/:id/file",
      handler: imageFile({ store, thumbnails: library.thumbnails }),
    },
    { method: "GET", path: "/v1/jobs", handler: job.list },
    { method: "GET", path: "/v1/jobs/:id", handler: job.show },
    { method: "DELETE", path: "/v1/jobs/:id", handler: job.cancel },
    { method: "GET", path: "/v1/jobs/:id/events", handler: job.events },
    {
      method: "DELETE",
      path: "/v1/jobs/:id/candidates/:index",
      handler: job.cancelCandidate,
    },
    { method: "GET", path: "/openapi.json", handler: docsRoutes.document },
    { method: "GET", path: "/docs", handler: docsRoutes.page },
    // OpenAI's clients are given a base URL with or without the version.
    ...["/v1", ""].flatMap((base): Route<RequestContext>[] => [
      {
        method: "POST",
        path: `${base}/images/generations`,
        handler: openAi.generations,
      },
      { method: "POST", path: `${base}/images/edits`, handler: openAi.edits },
      { method: "GET", path: `${base}/models`, handler: modelRoutes.list },
      { method: "GET", path: `${base}/models/:id`, handler: modelRoutes.show },
    ]),
  ], nameRequestSpan);
  return async (request) => {
    const requestId = requestIdOf(request);
    tellRequestId(requestId);
    let headers: Readonly<Record<string, string>> = {};
    let response: Response;
    try {
      const admitted = await guard(request);
      if (admitted instanceof Response) {
        response = admitted;
      } else {
        headers = admitted;
        response = await route(request, { requestId });
      }
    } catch (error) {
      const failure = toApiError(error);
      if (failure.code === "internal_error") {
        logInternalError(log, requestId, error);
      }
      response = errorResponse(failure, requestId);
      tellFailure(failure.code);
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

function logInternalError(log: Log, requestId: string, error: unknown): void {
  log("error", "request.internal_error", {
    request_id: requestId,
    reason: error instanceof Error ? error.stack : String(error),
  });
}
