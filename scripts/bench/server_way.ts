import type { Server } from "./server.ts";
import type { Way } from "./way.ts";

/** One request to the server. */
export function serverWay(server: Server, images: number): Way {
  return {
    ...server,
    images,
    start: (prompt) => {
      const caller = new AbortController();
      return {
        done: generate(server.url, { prompt, images, signal: caller.signal }),
        cancel: () => caller.abort(),
      };
    },
    settle: (signal) => server.idle(signal),
  };
}

async function generate(
  url: string,
  { prompt, images, signal }: {
    readonly prompt: string;
    readonly images: number;
    readonly signal: AbortSignal;
  },
): Promise<void> {
  const response = await fetch(`${url}/v1/images/generate`, {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify({ prompt, count: images }),
    signal,
  });
  const answer = await response.json();
  if (answer.data?.length === images) return;
  throw new Error(`Cannot make ${images} images: ${JSON.stringify(answer)}`);
}
