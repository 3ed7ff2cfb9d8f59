import type { DescribedRoute } from "../api/openapi.ts";
import type { Codex } from "../codex/codex.ts";
import type { Config } from "../config.ts";
import type { FairQueue } from "../generation/fair_queue.ts";
import type { BodyBudget } from "../http/body.ts";
import type { Route, RouteContext } from "../http/router.ts";
import type { SseLimiter } from "../http/sse.ts";
import type { ImageStore } from "../images/store.ts";
import type { Jobs } from "../jobs/jobs.ts";
import type { Replay } from "../jobs/replay.ts";
import type { Library } from "../library/library.ts";
import type { Log } from "../log.ts";
import type { Metrics } from "../observability/metrics.ts";
import type { Links } from "./links.ts";
import type { Readiness } from "./readiness.ts";

/** What the handlers of all routes work with. */
export interface Service {
  /** What all bodies share that are read at the same time. */
  readonly budget: BodyBudget;
  readonly codex: Codex;
  readonly config: Config;
  readonly jobs: Jobs;
  readonly library: Library;
  readonly links: Links;
  readonly log: Log;
  /** Writes what any caller can cause, so often and no more. */
  readonly limitedLog: Log;
  readonly metrics: Metrics;
  readonly readiness: Readiness;
  readonly replay: Replay;
  readonly slots: FairQueue;
  /** When the server started, as `performance.now()` tells it. */
  readonly startedAt: number;
  readonly store: ImageStore;
  readonly streams: SseLimiter;
}

/** What a handler gets beside the request: what it needs of the service, and what is known of the request. */
export interface RequestContext<Needed extends keyof Service = keyof Service> {
  /** What the log calls the request. */
  readonly requestId: string;
  readonly service: Pick<Service, Needed>;
}

/** What a handler gets once its route is found, the named parts of the path with it. */
export type HandlerContext<Needed extends keyof Service = never> = RouteContext<
  RequestContext<Needed>
>;

/** A route of the API: method, path and handler, with the operation that describes it in the OpenAPI document. */
export interface ApiRoute<Needed extends keyof Service = keyof Service>
  extends Route<RequestContext<Needed>>, DescribedRoute {
  readonly method: Route<RequestContext<Needed>>["method"];
}
