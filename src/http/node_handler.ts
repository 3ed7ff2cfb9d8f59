import { once } from "node:events";
import type { IncomingMessage, ServerResponse } from "node:http";
import { dropRest, incomingBody } from "./incoming_body.ts";

/** Answers a request of the web platform. */
export type Handler = (request: Request) => Promise<Response>;

/** In place of the host that a caller claims, which may not be one: who needs that reads the header. */
const BASE = "http://server";
/** What the platform lets nobody make a request of. */
const FORBIDDEN_METHOD = "TRACE";

/**
 * Makes a listener for the requests of a Node server out of a handler of the web platform.
 *
 * The signal of a request is aborted when its caller leaves before the answer is written. Where the handler fails, or the
 * body of its answer, the connection is cut.
 *
 * @param onError Told of such a failure while the caller is still there.
 */
export function nodeHandler(
  handler: Handler,
  onError: (error: unknown) => void,
): (incoming: IncomingMessage, outgoing: ServerResponse) => Promise<void> {
  return async (incoming, outgoing) => {
    const gone = new AbortController();
    outgoing.once("close", () => {
      if (!outgoing.writableFinished) gone.abort();
    });
    try {
      const request = toRequest(incoming, gone.signal);
      await send(await handler(request), outgoing);
      dropRest(incoming);
    } catch (error) {
      if (!gone.signal.aborted) onError(error);
      outgoing.destroy();
    }
  };
}

function toRequest(incoming: IncomingMessage, signal: AbortSignal): Request {
  const { method = "GET", rawHeaders, url = "/" } = incoming;
  const headers = new Headers();
  for (let i = 0; i < rawHeaders.length; i += 2) {
    headers.append(rawHeaders[i], rawHeaders[i + 1]);
  }
  const isForbidden = method === FORBIDDEN_METHOD;
  const hasBody = method !== "GET" && method !== "HEAD" && !isForbidden;
  const request = new Request(BASE + pathOf(url), {
    method: isForbidden ? "GET" : method,
    headers,
    signal,
    body: hasBody ? incomingBody(incoming) : null,
  });
  // The router knows no such method, and refuses it as any other.
  if (isForbidden) Object.defineProperty(request, "method", { value: method });
  return request;
}

/** A proxy is asked with a whole URL, of which the path counts here. */
function pathOf(target: string): string {
  if (target.startsWith("/")) return target;
  const url = URL.parse(target);
  return url === null ? `/${target}` : url.pathname + url.search;
}

async function send(
  { body, headers, status }: Response,
  outgoing: ServerResponse,
): Promise<void> {
  if (outgoing.destroyed) {
    await body?.cancel();
    return;
  }
  outgoing.writeHead(status, [...headers].flat());
  if (body === null) {
    outgoing.end();
    return;
  }
  // A stream may have nothing to say for long.
  outgoing.flushHeaders();
  await pipe(body, outgoing);
}

// By hand: to pipe into the stream that Node makes of an answer takes half as long again for a short one.
async function pipe(
  body: ReadableStream<Uint8Array>,
  outgoing: ServerResponse,
): Promise<void> {
  const reader = body.getReader();
  // The close that follows an error tells of it.
  outgoing.on("error", () => {});
  const closed = new Promise<void>((resolve) => {
    outgoing.once("close", () => {
      // What waits for its next part has to be told; what has failed has told so itself.
      reader.cancel().catch(() => {});
      resolve();
    });
  });
  for (let part; !(part = await reader.read()).done;) {
    if (outgoing.destroyed) return;
    if (outgoing.write(part.value)) continue;
    await Promise.race([closed, once(outgoing, "drain")]);
  }
  if (!outgoing.destroyed) outgoing.end();
}
