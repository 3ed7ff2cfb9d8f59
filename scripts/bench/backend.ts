import type { RecordedRequest } from "../../src/sandbox/backend.ts";

/** A sandbox backend in a thread of its own. */
export interface Backend extends Disposable {
  /** Its address. */
  readonly url: string;
  /** What it received since the last time this was asked. */
  take(): Promise<readonly RecordedRequest[]>;
}

/** Starts a {@linkcode Backend}. */
export async function startBackend(): Promise<Backend> {
  const thread = new Worker(import.meta.resolve("./backend_thread.ts"), {
    type: "module",
  });
  const next = () => {
    const { promise, resolve, reject } = Promise.withResolvers<unknown>();
    thread.onmessage = ({ data }) => resolve(data);
    thread.onerror = ({ message }) => reject(new Error(message));
    return promise;
  };
  const url = await next() as string;
  return {
    url,
    take: async () => {
      const answer = next();
      thread.postMessage("take");
      return await answer as readonly RecordedRequest[];
    },
    [Symbol.dispose]: () => thread.terminate(),
  };
}
