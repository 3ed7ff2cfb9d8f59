import { SpanStatusCode, trace } from "@opentelemetry/api";
import { VERSION } from "../version.ts";

const tracer = trace.getTracer("codex-image-server", VERSION);

/** What the span of a request is told, each once: what is set twice is sent twice. */
export type SpanAttribute =
  | "codex.code"
  | "codex.job"
  | "codex.request_id"
  | "http.route";

/** Which worker a span is of. */
export interface WorkerSpanOptions {
  /** The job, `gen_…`. */
  readonly job: string;
  /** Which of its candidates, from 1. */
  readonly candidate: number;
  /** Which worker of the candidate, from 1. */
  readonly attempt: number;
}

/** The span of a worker. */
export interface WorkerSpan {
  /** Tells why there is no picture. */
  fail(code: string): void;
  /** Ends it, when nothing of the worker is left. */
  end(): void;
}

/** Sets an attribute of the span that `Deno.serve` makes of a request; while telemetry is off, there is none. */
export function setSpanAttribute(name: SpanAttribute, value: string): void {
  trace.getActiveSpan()?.setAttribute(name, value);
}

/** Names the span of a request after its method and its route, without the patterns of the route's parts. */
export function nameRequestSpan(
  { path }: { readonly path: string },
  { method }: Request,
): void {
  const route = path.replaceAll(/\(.*?\)/g, "");
  trace.getActiveSpan()?.updateName(`${method} ${route}`);
  setSpanAttribute("http.route", route);
}

/** Begins the span of a worker, below that of the request that started it; it is none while telemetry is off. */
export function startWorkerSpan(
  { attempt, candidate, job }: WorkerSpanOptions,
): WorkerSpan {
  const span = tracer.startSpan("codex exec", {
    attributes: {
      "codex.job": job,
      "codex.candidate": integer(candidate),
      "codex.attempt": integer(attempt),
    },
  });
  return {
    fail: (code) => {
      span.setAttribute("error.type", code);
      span.setStatus({ code: SpanStatusCode.ERROR, message: code });
    },
    end: () => span.end(),
  };
}

// Deno sends a `number` as a fraction, and only a `bigint` as the whole number that it is.
function integer(value: number): number {
  return BigInt(value) as unknown as number;
}
