import type { Load } from "../generation/slots.ts";
import type { JobStatus } from "../jobs/job_record.ts";
import type { MetricFamily } from "./exposition.ts";

/** Shows how busy the server is now. */
export function loadMetrics(
  load: Load,
  statuses: readonly JobStatus[],
): readonly MetricFamily[] {
  const underWay = (["queued", "running"] as const).map((status) => ({
    labels: { status },
    value: statuses.filter((other) => other === status).length,
  }));
  return [
    {
      name: "codex_image_server_jobs",
      help: "Jobs under way.",
      type: "gauge",
      samples: underWay,
    },
    gauge("workers_active", "Workers that run.", load.active),
    gauge("workers_max", "Workers that may run at once.", load.max),
    gauge("queue_length", "Candidates that wait for a worker.", load.queued),
    gauge("queue_max", "Candidates that may wait.", load.queueMax),
    gauge(
      "queue_paused",
      "Whether nothing is started because of a usage limit.",
      load.pausedUntil === undefined ? 0 : 1,
    ),
  ];
}

/** Makes a family of one number that goes up and down. */
export function gauge(name: string, help: string, value: number): MetricFamily {
  return {
    name: `codex_image_server_${name}`,
    help,
    type: "gauge",
    samples: [{ value }],
  };
}
