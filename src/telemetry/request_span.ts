import { context, type Span, trace } from "@opentelemetry/api";

/**
 * Does work in the span that Deno has begun for a request, so that whatever happens in it can be told there.
 *
 * Deno keeps the span on the answer, under a symbol that it tells nobody, and does not make it the active one. Where there is
 * none, as there is while telemetry is off, the work is done without.
 *
 * @param outgoing The answer of a Node server.
 */
export function inSpanOf<T>(outgoing: object, work: () => T): T {
  const span = Object.getOwnPropertySymbols(outgoing)
    .map((key): unknown => Reflect.get(outgoing, key))
    .find(isSpan);
  if (span === undefined) return work();
  return context.with(trace.setSpan(context.active(), span), work);
}

/** Tells in the span of the request what the log calls it. */
export function tellRequestId(id: string): void {
  trace.getActiveSpan()?.setAttribute("codex.request_id", id);
}

/** Names the span of the request after its route. */
export function nameRequestSpan(
  { method, path }: { readonly method: string; readonly path: string },
): void {
  const span = trace.getActiveSpan();
  // Without the rules for what may stand in a part of the path.
  const route = path.replaceAll(/\(.*?\)/g, "");
  span?.updateName(`${method} ${route}`);
  span?.setAttribute("http.route", route);
}

/** Tells in the span of the request which job it is about. */
export function tellJob(id: string): void {
  trace.getActiveSpan()?.setAttribute("codex.job", id);
}

/** Tells in the span of the request why it failed; Deno tells of the status. */
export function tellFailure(code: string): void {
  trace.getActiveSpan()?.setAttribute("codex.code", code);
}

function isSpan(value: unknown): value is Span {
  return typeof value === "object" && value !== null &&
    "spanContext" in value && "updateName" in value;
}
