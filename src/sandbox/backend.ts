import { zstdDecompressSync } from "node:zlib";
import { answerImage, type ImageRequest, readImageTask } from "./images.ts";
import { sandboxTokens } from "./login.ts";
import {
  answerBrokenOff,
  answerModel,
  type ModelRequest,
  type Reading,
  readModelRequest,
} from "./model.ts";
import { SandboxUsage } from "./usage.ts";

/** How many requests are remembered; the oldest are forgotten first. */
const RECORD_CAPACITY = 2000;

/** A running sandbox backend. */
export interface SandboxBackend extends AsyncDisposable {
  /** Its address, such as `http://127.0.0.1:40123`. */
  readonly url: string;
  /** What it received. */
  readonly record: RequestRecord;
  /** The quota of its account. */
  readonly usage: SandboxUsage;
  /** Whether `/oauth/token` hands out new tokens; false answers 401. */
  refreshable: boolean;
}

/** One request that the sandbox received. */
export interface RecordedRequest {
  /** Milliseconds since 1970 at which the body had arrived. */
  readonly at: number;
  /** The HTTP method. */
  readonly method: string;
  /** Path without the query. */
  readonly path: string;
  /** Bytes of the body after decompression. */
  readonly bytes: number;
  /** Bytes of the body as they travelled. */
  readonly wireBytes: number;
  /** The user's words, where the request carried any. */
  readonly words?: string;
  /** The prompt of an image request. */
  readonly prompt?: string;
  /** The SHA-256 of every reference of an image request, hexadecimal, in order. */
  readonly references?: readonly string[];
  /** The requested background of an image request. */
  readonly background?: string;
  /** The SHA-256 of the picture that an image request was answered with, hexadecimal; set later. */
  picture?: string;
  /** When the answer had been handed over, in milliseconds since 1970; set later. */
  answeredAt?: number;
}

/** Remembers what the sandbox received, so that a test can compare it with what a client sent. */
export class RequestRecord {
  #requests: RecordedRequest[] = [];

  /** Everything remembered, oldest first. */
  get all(): readonly RecordedRequest[] {
    return this.#requests;
  }

  /** The requests to one path, oldest first. */
  to(path: string): readonly RecordedRequest[] {
    return this.#requests.filter((request) => request.path === path);
  }

  /** Adds one request and returns it. */
  add(request: RecordedRequest): RecordedRequest {
    this.#requests.push(request);
    if (this.#requests.length > RECORD_CAPACITY) this.#requests.shift();
    return request;
  }

  /** Forgets everything. */
  clear(): void {
    this.#requests = [];
  }
}

/**
 * Starts the stand-in for the CLI's backend on a free loopback port.
 *
 * It speaks as much of the service's protocol as `codex exec` needs for one picture, and `codex app-server`
 * for the quota.
 */
export function startSandbox(): SandboxBackend {
  const state: State = {
    record: new RequestRecord(),
    usage: new SandboxUsage(),
    refreshable: true,
    serial: 0,
    repeated: new Map(),
    dropped: new Set(),
  };
  const stop = new AbortController();
  const server = Deno.serve(
    { hostname: "127.0.0.1", port: 0, onListen: () => {} },
    (request) => answer(request, state, stop.signal),
  );
  return {
    url: `http://127.0.0.1:${server.addr.port}`,
    record: state.record,
    usage: state.usage,
    get refreshable() {
      return state.refreshable;
    },
    set refreshable(value) {
      state.refreshable = value;
    },
    [Symbol.asyncDispose]: async () => {
      // The end of a CLI goes unnoticed where its request was large: nobody waits for that answer.
      stop.abort();
      await server.shutdown();
    },
  };
}

interface State {
  readonly record: RequestRecord;
  readonly usage: SandboxUsage;
  refreshable: boolean;
  serial: number;
  /** How often a prompt with `sandbox:same` was drawn. */
  readonly repeated: Map<string, number>;
  /** The prompts whose connection `sandbox:drop` broke off. */
  readonly dropped: Set<string>;
}

async function answer(
  request: Request,
  state: State,
  stop: AbortSignal,
): Promise<Response> {
  const { pathname } = new URL(request.url);
  const signal = AbortSignal.any([request.signal, stop]);
  const route = `${request.method} ${pathname}`;
  const { record, usage } = state;
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
        record.add({ ...base, words: reading.words });
        const response = isDropped(reading, state)
          ? answerBrokenOff()
          : await answerModel(reading, { signal, usage });
        for (const [name, value] of Object.entries(usage.headers())) {
          response.headers.set(name, value);
        }
        return response;
      }
      case "POST /v1/images/generations":
      case "POST /v1/images/edits": {
        const { directives, ...task } = await readImageTask(
          json() as ImageRequest,
        );
        const entry = record.add({ ...base, ...task });
        const response = await answerImage({ ...task, directives }, {
          serial: serialOf(
            task.prompt,
            directives.get("same") ?? directives.get("alike"),
            state,
          ),
          signal,
          usage,
          onPicture: (digest) => entry.picture = digest,
        });
        entry.answeredAt = Date.now();
        return response;
      }
      case "POST /oauth/token":
        record.add(base);
        return refresh(state);
      case "GET /backend-api/wham/usage":
        record.add(base);
        return await usage.answer(signal);
      default:
        record.add(base);
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

function refresh({ refreshable }: State): Response {
  if (refreshable) return Response.json(sandboxTokens());
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
  const times = (state.repeated.get(words) ?? 0) + 1;
  state.repeated.set(words, times);
  return same === "" || times <= Number(same) ? 0 : state.serial;
}
