import { STATUS_CODE } from "@std/http/status";
import { capabilities } from "../api/capabilities.ts";
import { MODEL } from "../api/fields.ts";
import { json, withoutSchema } from "../api/openapi.ts";
import { VERSION } from "../version.ts";
import type { ApiRoute, HandlerContext } from "./route.ts";

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
      description: "Needs no key.",
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
      description: "Needs no key.",
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

function showHealth(
  _request: Request,
  { service }: HandlerContext<
    "codex" | "config" | "slots" | "startedAt"
  >,
): Response {
  const { codex, config, slots, startedAt } = service;
  const { active, max, queued, queueMax } = slots.load;
  return Response.json({
    status: "ok",
    auth_required: config.apiKey !== undefined,
    backend: "codex-exec",
    generation_timeout_ms: config.timeoutMs,
    log_file: config.logFile ?? null,
    model: MODEL,
    output_dir: config.publicDir ?? config.outputDir,
    version: VERSION,
    codex_version: codex.version ?? null,
    uptime_s: Math.floor((performance.now() - startedAt) / 1000),
    workers: { active, max, queued, queue_max: queueMax },
    sandbox: config.sandbox,
  });
}

async function showReadiness(
  _request: Request,
  { service }: HandlerContext<"readiness">,
): Promise<Response> {
  const checks = await service.readiness();
  const ok = checks.every((check) => check.ok);
  const status = ok ? STATUS_CODE.OK : STATUS_CODE.ServiceUnavailable;
  return Response.json({ status: ok ? "ready" : "not_ready", checks }, {
    status,
  });
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
