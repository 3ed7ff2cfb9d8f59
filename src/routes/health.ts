import type { Codex } from "../codex/codex.ts";
import type { Config } from "../config.ts";
import { MODEL } from "../contract/choices.ts";
import type { Slots } from "../generation/slots.ts";
import { VERSION } from "../version.ts";

/** What the answer tells of. */
export interface HealthParts {
  readonly codex: Codex;
  readonly config: Config;
  readonly instance: string;
  readonly slots: Slots;
}

/** Makes `GET /healthz`: what the server is and how busy, from memory alone. */
export function health(parts: HealthParts): () => Response {
  const { codex, config, instance, slots } = parts;
  const startedAt = performance.now();
  return () => {
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
      instance,
    });
  };
}
