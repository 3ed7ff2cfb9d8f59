import { SpanStatusCode } from "@opentelemetry/api";
import { tracer, whole } from "./tracer.ts";

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

/** Begins the span of a worker, below that of the request that started it; it is none while telemetry is off. */
export function startWorkerSpan(
  { attempt, candidate, job }: WorkerSpanOptions,
): WorkerSpan {
  const span = tracer.startSpan("codex exec", {
    attributes: {
      "codex.job": job,
      "codex.candidate": whole(candidate),
      "codex.attempt": whole(attempt),
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
