import { STATUS_CODE } from "@std/http/status";
import { capabilities } from "../api/capabilities.ts";
import { MODEL } from "../api/fields.ts";
import { json, withoutSchema } from "../api/openapi.ts";
import { hasKey } from "../http/guard.ts";
import { VERSION } from "../version.ts";
import type { ApiRoute, HandlerContext, Service } from "./route.ts";

const NEEDS_NO_KEY =
  "Needs no key; where one is set, callers without it are told `status`, `auth_required` and `version` alone.";

/** The routes that tell of the server: what it is, can do, and how it does. */
export const SERVER_ROUTES: readonly ApiRoute<
  | "codex"
  | "config"
  | "jobs"
  | "library"
  | "metrics"
  | "readiness"
  | "slots"
  | "startedAt"
>[] = [
  {
    method: "GET",
    path: "/v1/capabilities",
    handler: (_request, { service: { config } }) =>
      Response.json(capabilities(config)),
    operation: {
      id: "showCapabilities",
      tag: "Server",
      summary: "Look at what the server can do",
      answers: { 200: json("Capabilities", "What it can do") },
    },
  },
  {
    method: "GET",
    path: "/healthz",
    open: true,
    handler: showHealth,
    operation: {
      id: "showHealth",
      tag: "Server",
      summary: "See whether the server runs, and how busy it is",
      description: NEEDS_NO_KEY,
      answers: { 200: json("Health", "It runs") },
    },
  },
  {
    method: "GET",
    path: "/readyz",
    open: true,
    handler: showReadiness,
    operation: {
      id: "showReadiness",
      tag: "Server",
      summary: "See whether an image could be made now",
      description: NEEDS_NO_KEY,
      answers: {
        200: json("Ready", "It could"),
        503: json("Ready", "It could not, and why"),
      },
    },
  },
  {
    method: "GET",
    path: "/metrics",
    handler: showMetrics,
    operation: {
      id: "showMetrics",
      tag: "Server",
      summary: "Read numbers for Prometheus",
      answers: { 200: withoutSchema("The numbers", "text/plain") },
    },
  },
];

async function showHealth(
  request: Request,
  { service }: HandlerContext<
    "codex" | "config" | "slots" | "startedAt"
  >,
): Promise<Response> {
  const { codex, config, slots, startedAt } = service;
  const { active, max, queued, queueMax } = slots.load;
  const open = openFacts("ok", config);
  if (!await isTrusted(request, config)) return Response.json(open);
  return Response.json({
    ...open,
    backend: "codex-exec",
    generation_timeout_ms: config.timeoutMs,
    log_file: config.logFile ?? null,
    model: MODEL,
    output_dir: config.publicDir ?? config.outputDir,
    codex_version: codex.version ?? null,
    uptime_s: Math.floor((performance.now() - startedAt) / 1000),
    workers: { active, max, queued, queue_max: queueMax },
    sandbox: config.sandbox,
  });
}

async function showReadiness(
  request: Request,
  { service: { config, readiness } }: HandlerContext<"config" | "readiness">,
): Promise<Response> {
  const checks = await readiness();
  const ok = checks.every((check) => check.ok);
  const status = ok ? STATUS_CODE.OK : STATUS_CODE.ServiceUnavailable;
  const open = openFacts(ok ? "ready" : "not_ready", config);
  const trusted = await isTrusted(request, config);
  return Response.json(trusted ? { ...open, checks } : open, { status });
}

/** What anybody may know. */
function openFacts(status: string, { apiKey }: Service["config"]) {
  return { status, auth_required: apiKey !== undefined, version: VERSION };
}

async function isTrusted(
  request: Request,
  { apiKey }: Service["config"],
): Promise<boolean> {
  return apiKey === undefined || await hasKey(request, apiKey);
}

async function showMetrics(
  _request: Request,
  { service }: HandlerContext<
    "codex" | "jobs" | "library" | "metrics" | "slots"
  >,
): Promise<Response> {
  const { codex, jobs, library, metrics, slots } = service;
  const text = await metrics.write({
    codexVersion: codex.version,
    jobs: jobs.all.map(({ record }) => record.status),
    library: library.totals,
    load: slots.load,
    usage: codex.usage.last,
  });
  return new Response(text, {
    headers: {
      "content-type": metrics.contentType,
      "cache-control": "no-store",
    },
  });
}
