import { subscribe } from "node:diagnostics_channel";
import type { IncomingMessage, ServerResponse } from "node:http";
import {
  context,
  createContextKey,
  propagation,
  ROOT_CONTEXT,
  type Span,
  SpanKind,
  SpanStatusCode,
  trace,
} from "@opentelemetry/api";
import { tracer, whole } from "./tracer.ts";

const FACTS = createContextKey("codex-image-server facts of the request");

/** Answers the requests of a Node server. */
export type Listener = (
  incoming: IncomingMessage,
  outgoing: ServerResponse,
) => Promise<void>;

/** What a request was told of until it ends: an attribute that is set twice would be sent twice. */
interface Facts {
  "codex.code"?: string;
  "codex.job"?: string;
  "codex.request_id"?: string;
  "http.route"?: string;
}

/**
 * Gives each request a span, in the trace of the caller's `traceparent`, until the answer is written or the caller is gone.
 *
 * It takes the place of Deno's own, which has the query and the Host header of the caller, and no end where the caller
 * leaves. While telemetry is off, the listener stays as it is.
 */
export function traced(listener: Listener): Listener {
  if (!tracer.startSpan("").isRecording()) return listener;
  // Also of the requests that Node answers itself.
  subscribe("http.server.request.start", dropOwnSpan);
  return (incoming, outgoing) => {
    const { headers, method = "GET", url = "/" } = incoming;
    const caller = propagation.extract(ROOT_CONTEXT, headers);
    const span = tracer.startSpan(method, {
      kind: SpanKind.SERVER,
      attributes: {
        "http.request.method": method,
        "url.path": (URL.parse(url)?.pathname ?? url).replace(/\?.*/s, ""),
        "url.scheme": "http",
      },
    }, caller);
    const facts: Facts = {};
    outgoing.once("close", () => {
      if (facts["http.route"] !== undefined) {
        span.updateName(`${method} ${facts["http.route"]}`);
      }
      end(span, facts, outgoing);
    });
    const inside = trace.setSpan(caller, span).setValue(FACTS, facts);
    return context.with(inside, () => listener(incoming, outgoing));
  };
}

/** Tells in the span of the request what the log calls it. */
export function tellRequestId(id: string): void {
  tell({ "codex.request_id": id });
}

/** Names the span of the request after its route. */
export function nameRequestSpan({ path }: { readonly path: string }): void {
  // Without the rules for what may stand in a part of the path.
  tell({ "http.route": path.replaceAll(/\(.*?\)/g, "") });
}

/** Tells in the span of the request which job it is about. */
export function tellJob(id: string): void {
  tell({ "codex.job": id });
}

/** Tells in the span of the request why it failed. */
export function tellFailure(code: string): void {
  tell({ "codex.code": code });
}

function tell(facts: Facts): void {
  const told = context.active().getValue(FACTS);
  if (told !== undefined) Object.assign(told as Facts, facts);
}

// Deno keeps it on the answer, under a symbol that it tells nobody; what is never ended is never sent.
function dropOwnSpan(message: unknown): void {
  const { response } = message as { readonly response: object };
  for (const key of Object.getOwnPropertySymbols(response)) {
    if (isSpan(Reflect.get(response, key))) Reflect.set(response, key, null);
  }
}

function isSpan(value: unknown): value is Span {
  return typeof value === "object" && value !== null &&
    "spanContext" in value && "updateName" in value;
}

function end(
  span: Span,
  facts: Facts,
  { headersSent, statusCode, writableFinished }: ServerResponse,
): void {
  const code = facts["codex.code"] ??
    (writableFinished ? undefined : "request_canceled");
  const failed = headersSent && statusCode >= 500 || code === "internal_error";
  if (failed) span.setStatus({ code: SpanStatusCode.ERROR, message: code });
  span.setAttributes({
    ...facts,
    "codex.code": code,
    "error.type": failed ? code : undefined,
    "http.response.status_code": headersSent ? whole(statusCode) : undefined,
  });
  span.end();
}
