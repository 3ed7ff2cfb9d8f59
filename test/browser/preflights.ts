import type { Page } from "playwright-core";

/** A question that the browser asks before a request of a page. */
export interface Preflight {
  readonly path: string;
  /** The method of the question itself. */
  readonly method: string;
  /** The method that the page wants to use. */
  readonly requestedMethod: string;
  /** The names of the headers that the page wants to send. */
  readonly requestedHeaders: readonly string[];
  /** The status of the answer; set once it is there. */
  status?: number;
}

/** Lists the preflights of a page from now on; only the browser's own tools get to see them. */
export async function watchPreflights(
  page: Page,
): Promise<readonly Preflight[]> {
  const preflights: Preflight[] = [];
  const byId = new Map<string, Preflight>();
  const session = await page.context().newCDPSession(page);
  session.on(
    "Network.requestWillBeSent",
    ({ initiator, request, requestId }) => {
      if (initiator.type !== "preflight") return;
      const { headers, method, url } = request;
      const preflight: Preflight = {
        path: new URL(url).pathname,
        method,
        requestedMethod: headers["Access-Control-Request-Method"],
        requestedHeaders: (headers["Access-Control-Request-Headers"] ?? "")
          .split(","),
      };
      byId.set(requestId, preflight);
      preflights.push(preflight);
    },
  );
  session.on("Network.responseReceived", ({ requestId, response }) => {
    const preflight = byId.get(requestId);
    if (preflight !== undefined) preflight.status = response.status;
  });
  await session.send("Network.enable");
  return preflights;
}
