import { zstdDecompressSync } from "node:zlib";
import { answerImage, type ImageRequest, readImageTask } from "./images.ts";
import { sandboxTokens } from "./login.ts";
import { type ModelRequest, type Reading, readModelRequest } from "./model.ts";
import { RequestRecord } from "./record.ts";
import { answerBrokenOff, answerModel } from "./responses.ts";

/** A running sandbox backend. */
export interface SandboxBackend extends AsyncDisposable {
  /** Its address, such as `http://127.0.0.1:40123`. */
  readonly url: string;
  /** What it received. */
  readonly record: RequestRecord;
  /** Whether `/oauth/token` hands out new tokens; false answers 401. */
  refreshable: boolean;
}

/**
 * Starts the stand-in for the CLI's backend on a free loopback port.
 *
 * It speaks as much of the service's protocol as `codex exec` needs for one picture.
 */
export function startSandbox(): SandboxBackend {
  const state = {
    record: new RequestRecord(),
    refreshable: true,
    serial: 0,
    same: new Map<string, number>(),
    dropped: new Set<string>(),
  };
  const ending = new AbortController();
  const server = Deno.serve(
    { hostname: "127.0.0.1", port: 0, onListen: () => {} },
    (request) => answer(request, state, ending.signal),
  );
  return {
    url: `http://127.0.0.1:${server.addr.port}`,
    record: state.record,
    get refreshable() {
      return state.refreshable;
    },
    set refreshable(value) {
      state.refreshable = value;
    },
    [Symbol.asyncDispose]: async () => {
      // The end of a CLI goes unnoticed where its request was large: nobody waits for that answer.
      ending.abort();
      await server.shutdown();
    },
  };
}

interface State {
  readonly record: RequestRecord;
  refreshable: boolean;
  serial: number;
  readonly same: Map<string, number>;
  readonly dropped: Set<string>;
}

async function answer(
  request: Request,
  state: State,
  ending: AbortSignal,
): Promise<Response> {
  const { pathname } = new URL(request.url);
  const signal = AbortSignal.any([request.signal, ending]);
  const route = `${request.method} ${pathname}`;
  try {
    const wire = new Uint8Array(await request.arrayBuffer());
    const zstd = request.headers.get("content-encoding") === "zstd";
    const body = zstd ? zstdDecompressSync(wire) : wire;
    const base = {
      at: Date.now(),
      method: request.method,
      path: pathname,
      bytes: body.length,
      wireBytes: wire.length,
    };
    const json = () => JSON.parse(new TextDecoder().decode(body));
    switch (route) {
      case "POST /v1/responses": {
        const reading = readModelRequest(json() as ModelRequest);
        state.record.add({ ...base, words: reading.words });
        return isDropped(reading, state)
          ? answerBrokenOff()
          : await answerModel(reading, signal);
      }
      case "POST /v1/images/generations":
      case "POST /v1/images/edits": {
        const { directives, ...task } = await readImageTask(
          json() as ImageRequest,
        );
        const entry = state.record.add({ ...base, ...task });
        const response = await answerImage(
          { ...task, directives },
          {
            serial: serialOf(
              task.prompt,
              directives.get("same") ?? directives.get("alike"),
              state,
            ),
            signal,
            onPicture: (digest) => entry.picture = digest,
          },
        );
        entry.answeredAt = Date.now();
        return response;
      }
      case "POST /oauth/token":
        state.record.add(base);
        return refresh(state);
      default:
        state.record.add(base);
        return other(route);
    }
  } catch (error) {
    // The CLI went away while we waited: nobody reads this answer.
    if (signal.aborted || error instanceof Deno.errors.BadResource) {
      return new Response(null, { status: 499 });
    }
    throw error;
  }
}

function refresh(state: State): Response {
  if (state.refreshable) return Response.json(sandboxTokens());
  return Response.json({
    error: { code: "refresh_token_expired", message: "Refresh token expired" },
  }, { status: 401 });
}

// Without the 426 the CLI spends seconds on retries of its WebSocket.
function other(route: string): Response {
  if (route === "GET /v1/responses") return new Response(null, { status: 426 });
  if (route === "GET /v1/models") {
    return Response.json({ models: [], data: [] });
  }
  return new Response("Not found", { status: 404 });
}

// `sandbox:drop` breaks the connection off once; the CLI's second try gets through.
function isDropped(reading: Reading, { dropped }: State): boolean {
  const { candidate, directives, words } = reading;
  const key = `${candidate} ${words}`;
  if (!directives.has("drop") || dropped.delete(key)) return false;
  dropped.add(key);
  return true;
}

// `sandbox:same` and `sandbox:alike` repeat the first picture for ever, `sandbox:same=2` once.
function serialOf(
  prompt: string,
  same: string | undefined,
  state: State,
): number {
  state.serial++;
  if (same === undefined) return state.serial;
  const words = prompt.split("\n", 1)[0];
  const seen = (state.same.get(words) ?? 0) + 1;
  state.same.set(words, seen);
  return same === "" || seen <= Number(same) ? 0 : state.serial;
}
