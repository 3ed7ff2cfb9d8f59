import { json } from "../api/openapi.ts";
import type { UsageView } from "../api/server_schemas.ts";
import { viewWaiting } from "../jobs/job.ts";
import type { ApiRoute, HandlerContext, Service } from "./route.ts";

/** The routes that tell of the quota, and let work go on after a usage limit. */
export const USAGE_ROUTES: readonly ApiRoute<"codex" | "log" | "slots">[] = [
  {
    method: "GET",
    path: "/v1/usage",
    handler: showUsage,
    operation: {
      id: "showUsage",
      tag: "Server",
      summary: "See how much of the quota is used",
      description:
        "Codex is asked at most once a minute, without a call of a model; 503 where it cannot tell.",
      answers: { 200: json("Usage", "What is used") },
    },
  },
  {
    method: "POST",
    path: "/v1/queue/resume",
    handler: resumeQueue,
    operation: {
      id: "resumeQueue",
      tag: "Server",
      summary: "End a pause after a usage limit",
      answers: { 200: json("Resumed", "There is none any more") },
    },
  },
];

/**
 * Tells how much of the quota is used.
 *
 * @throws {ApiError} Codex cannot tell.
 */
export async function readUsage(
  { codex, slots }: Pick<Service, "codex" | "slots">,
): Promise<UsageView> {
  const { asOf, images, limitReached, source, windows } = await codex.usage
    .read();
  return {
    as_of: new Date(asOf).toISOString(),
    source,
    limit_reached: limitReached,
    paused: viewWaiting(slots.load.paused),
    windows: windows.map(({ limit, minutes, resetsAt, usedPercent }) => ({
      limit,
      minutes,
      used_percent: usedPercent,
      resets_at: resetsAt === undefined
        ? null
        : new Date(resetsAt * 1000).toISOString(),
    })),
    images: images === undefined ? null : {
      count: images.count,
      percent_per_image: images.percentPerImage,
      estimate: true,
    },
  };
}

async function showUsage(
  _request: Request,
  { service }: HandlerContext<"codex" | "slots">,
): Promise<Response> {
  return Response.json(await readUsage(service), {
    headers: { "cache-control": "no-store" },
  });
}

function resumeQueue(
  _request: Request,
  { service: { log, slots } }: HandlerContext<"log" | "slots">,
): Response {
  const resumed = slots.resume();
  if (resumed) log("info", "queue.resume");
  return Response.json({ resumed });
}
