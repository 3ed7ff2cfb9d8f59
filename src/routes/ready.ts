import { STATUS_CODE } from "@std/http/status";
import type { Readiness } from "../readiness.ts";

/** Makes `GET /readyz`: 200 when a generation would have what it needs, else 503, with every check. */
export function ready(readiness: Readiness): () => Promise<Response> {
  return async () => {
    const checks = await readiness();
    const ok = checks.every((check) => check.ok);
    const status = ok ? STATUS_CODE.OK : STATUS_CODE.ServiceUnavailable;
    return Response.json({ status: ok ? "ready" : "not_ready", checks }, {
      status,
    });
  };
}
