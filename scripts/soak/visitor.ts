import { encode, picture } from "../../test/images/samples.ts";
import type { ServerProcess } from "../../test/support/server_process.ts";

/** The longest time after which a caller may leave, in milliseconds. */
const PATIENCE_MS = 2_500;
const STREAM = { accept: "text/event-stream" };
const REFERENCE = await encode(picture({ width: 300, height: 200 }).png());

/** How a visit can end: with an answer, or before there was one. */
export type Ending = "answered" | "left" | "refused";

type Visit = (
  server: ServerProcess,
  signal: AbortSignal,
) => Promise<Response>;

const VISITS: readonly Visit[] = [
  (server, signal) => fetch(`${server.url}/v1/images?limit=5`, { signal }),
  (server, signal) => fetch(`${server.url}/metrics`, { signal }),
  (server, signal) => server.generate({ prompt: 5 }, { signal }),
  (server, signal) => server.generate(wish(), { signal }),
  (server, signal) => server.generate(wish(), { signal }),
  (server, signal) => server.generate(wish(), { signal, headers: STREAM }),
  (server, signal) =>
    server.generate({ prompt: "a fox sandbox:hang" }, { signal }),
  (server, signal) =>
    server.generate({ prompt: "a fox sandbox:moderation" }, { signal }),
  (server, signal) => upload(server, signal),
  startAndCancel,
  readPicture,
];

/** Does one thing of many that callers do, and leaves at a random moment. */
export async function visit(server: ServerProcess): Promise<Ending> {
  const signal = AbortSignal.timeout(Math.random() * PATIENCE_MS);
  const chosen = VISITS[Math.floor(Math.random() * VISITS.length)];
  try {
    const response = await chosen(server, signal);
    await response.bytes();
    return response.status < 400 ? "answered" : "refused";
  } catch (error) {
    if (signal.aborted) return "left";
    throw error;
  }
}

function wish(): unknown {
  return {
    prompt: `a fox sandbox:slow=${Math.floor(Math.random() * 500)}`,
    count: 1 + Math.floor(Math.random() * 3),
    ...(Math.random() < 0.3 ? { size: "1K", output_format: "webp" } : {}),
  };
}

function upload(
  server: ServerProcess,
  signal: AbortSignal,
): Promise<Response> {
  const form = new FormData();
  form.set("prompt", "a fox");
  form.set("reference", new Blob([REFERENCE]), "a.png");
  const url = `${server.url}/v1/images/generate`;
  return fetch(url, { method: "POST", body: form, signal });
}

async function startAndCancel(
  server: ServerProcess,
  signal: AbortSignal,
): Promise<Response> {
  const headers = { prefer: "respond-async" };
  const body = { prompt: "a fox sandbox:hang" };
  // Nobody waits for such a job, so that to leave must not keep it from being canceled.
  const started = await server.generate(body, { headers });
  const location = started.headers.get("location");
  if (location === null) return started;
  await started.body?.cancel();
  const canceled = fetch(server.url + location, { method: "DELETE" });
  signal.throwIfAborted();
  return await canceled;
}

async function readPicture(
  server: ServerProcess,
  signal: AbortSignal,
): Promise<Response> {
  const list = await fetch(`${server.url}/v1/images?limit=1`, { signal });
  const { data: [image] } = await list.json();
  const variant = Math.random() < 0.5 ? "?variant=thumbnail" : "";
  return await fetch((image?.url ?? server.url) + variant, { signal });
}
