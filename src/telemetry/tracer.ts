import { trace, type Tracer } from "@opentelemetry/api";
import { VERSION } from "../version.ts";

/** Makes the spans of this server; while telemetry is off, ones that nobody records. */
export const tracer: Tracer = trace.getTracer("codex-image-server", VERSION);

/** Makes an attribute of a whole number: Deno sends a `number` as a fraction, and only a `bigint` as what it is. */
export function whole(value: number): number {
  return BigInt(value) as unknown as number;
}
