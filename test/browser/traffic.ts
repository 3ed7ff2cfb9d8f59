import type { BrowserContext, Request } from "playwright-core";
import { until } from "../support/until.ts";

/** What pages send to a server. */
export interface Traffic {
  /** Waits until so many requests are over and none is under way, and describes them all. */
  settled(requests: number): Promise<readonly string[]>;
}

/**
 * Watches what the pages of a context send to a server, their frames, forms and beacons included.
 *
 * A request is described as `POST /path 403`, or as `POST /path failed` where the browser keeps the answer from the
 * page.
 */
export function watchTraffic(context: BrowserContext, base: string): Traffic {
  const pending = new Set<Request>();
  const over: string[] = [];
  const end = (request: Request, outcome: string) => {
    if (!pending.delete(request)) return;
    const { pathname } = new URL(request.url());
    over.push(`${request.method()} ${pathname} ${outcome}`);
  };
  context.on("request", (request) => {
    if (request.url().startsWith(base)) pending.add(request);
  });
  context.on("response", (response) => {
    end(response.request(), `${response.status()}`);
  });
  context.on("requestfailed", (request) => end(request, "failed"));
  return {
    settled: async (requests) => {
      await until(() => pending.size === 0 && over.length >= requests, {
        state: () => `${pending.size} pending, ${over.length} over`,
      });
      return over;
    },
  };
}
