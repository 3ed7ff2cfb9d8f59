import { cpuUsage } from "node:process";
import { VERSION } from "../version.ts";
import type { MetricFamily } from "./exposition.ts";

const MICROSECONDS = 1_000_000;

/**
 * Shows what this process is and takes, under the names that all clients of Prometheus use.
 *
 * @param codexVersion The version of the CLI, if it could be asked.
 */
export function processMetrics(
  codexVersion: string | undefined,
): readonly MetricFamily[] {
  const { heapTotal, rss } = Deno.memoryUsage();
  const { system, user } = cpuUsage();
  return [
    {
      name: "codex_image_server_build_info",
      help: "The versions, as labels.",
      type: "gauge",
      samples: [{
        labels: {
          version: VERSION,
          codex_version: codexVersion ?? "",
          deno_version: Deno.version.deno,
        },
        value: 1,
      }],
    },
    {
      name: "process_resident_memory_bytes",
      help: "Memory of the server, without its workers.",
      type: "gauge",
      samples: [{ value: rss }],
    },
    {
      name: "process_heap_bytes",
      help: "Memory of the server's JavaScript.",
      type: "gauge",
      samples: [{ value: heapTotal }],
    },
    {
      name: "process_cpu_seconds_total",
      help: "Processor time of the server, without its workers.",
      type: "counter",
      samples: [{ value: (system + user) / MICROSECONDS }],
    },
    {
      name: "process_start_time_seconds",
      help: "When the server started, in seconds since 1970.",
      type: "gauge",
      samples: [{ value: performance.timeOrigin / 1000 }],
    },
  ];
}
