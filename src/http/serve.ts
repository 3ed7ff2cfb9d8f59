import { deadline } from "@std/async/deadline";
import { delay } from "@std/async/delay";
import { STATUS_CODE } from "@std/http/status";
import { ConfigError } from "../config.ts";
import type { Log } from "../log.ts";
import { setSpanAttribute } from "../observability/tracing.ts";
import { Gate } from "./gate.ts";
import type { GateConnection } from "./gate_connection.ts";

/** How long open answers may take when the server stops, in milliseconds. */
const SHUTDOWN_MS = 5_000;
/** How long the end of a body may take that is read no further, in milliseconds. */
const BODY_END_MS = 1_000;
/** When to begin anew where the system refused it, in milliseconds. */
const RETRY_MS = 100;
const INNER_HOST = "127.0.0.1";

const NO_ADDRESS =
  "it is no address of this machine; expected another CODEX_IMAGE_SERVER_HOST";
/** What the system's codes mean for who has started the server. */
const LISTEN_ERRORS: Readonly<Record<string, string>> = {
  EADDRINUSE:
    "it is in use, perhaps by another server; expected a free CODEX_IMAGE_SERVER_PORT",
  EACCES:
    "it is for root alone; expected a CODEX_IMAGE_SERVER_PORT from 1024 on",
  EADDRNOTAVAIL: NO_ADDRESS,
  EINVAL: NO_ADDRESS,
};
const UNKNOWN_NAME = "failed to lookup address";

/** Answers a request. */
export type Handler = (request: Request) => Promise<Response>;

/** Where to listen, and what to tell of it. */
export interface ServeOptions {
  readonly host: string;
  /** The port; 0 for a free one. */
  readonly port: number;
  readonly log: Log;
  /** How many connections there may be at once; more are closed. */
  readonly maxConnections: number;
  /** How long the head of a request may take, in milliseconds. */
  readonly headerTimeoutMs: number;
  /** How long a connection may wait for its next request, in milliseconds. */
  readonly idleTimeoutMs: number;
}

/** A listening server. */
export interface Listening {
  /** Its address, such as `http://127.0.0.1:17341`. */
  readonly url: string;
  /** The port, also where a free one was asked for. */
  readonly port: number;
  /** Takes no more requests, lets open ones finish for five seconds, then cuts them off. */
  stop(): Promise<void>;
}

/**
 * Listens for HTTP requests with `Deno.serve` behind a {@linkcode Gate}.
 *
 * On 127.0.0.1 it listens on [::1] as well, because `localhost` may mean either. The signal of a request is aborted when its
 * caller leaves before the answer is complete.
 *
 * @throws {ConfigError} The address cannot be listened on.
 */
export function serve(handler: Handler, options: ServeOptions): Listening {
  const { host, log } = options;
  const listeners = listen(options);
  const gate: Gate = new Gate({ ...options, innerPort: () => inner.port });
  const inner: InnerServer = new InnerServer(
    (request, { completed, remoteAddr }) => {
      const caller = gate.find(remoteAddr.port);
      if (caller !== undefined) {
        return answer(request, { caller, completed, handler });
      }
      const status = STATUS_CODE.Forbidden;
      return Promise.resolve(new Response(null, { status }));
    },
    log,
  );
  for (const listener of listeners) gate.listen(listener);
  const { port } = listeners[0].addr;
  const shown = host.includes(":") ? `[${host}]` : host;
  return {
    url: `http://${shown}:${port}`,
    port,
    stop: async () => {
      const stopped = Promise.all([gate.close(), inner.stop()]);
      try {
        await deadline(stopped, SHUTDOWN_MS);
      } catch (error) {
        if (!(error instanceof DOMException)) throw error;
        gate.cut();
        await stopped;
      }
    },
  };
}

async function answer(
  request: Request,
  { caller, completed, handler }: {
    readonly caller: GateConnection;
    readonly completed: Promise<void>;
    readonly handler: Handler;
  },
): Promise<Response> {
  const gone = caller.begin(completed);
  const signal = AbortSignal.any([request.signal, gone]);
  if (request.body === null) {
    return await handler(new Request(request, { signal }));
  }
  const { awaited, body } = watchBody(request.body);
  try {
    return await handler(new Request(request, { body, signal }));
  } finally {
    const part = awaited();
    if (part !== undefined) {
      // Of a body that is still awaited when its request is answered, Deno 2.9 keeps 64 kB for ever.
      await caller.endRequests();
      await settleInTime(part);
    }
  }
}

async function settleInTime(part: Promise<unknown>): Promise<void> {
  try {
    await deadline(Promise.allSettled([part]), BODY_END_MS);
  } catch (error) {
    // Under load Deno 2.9 can leave a part unread for ever that has come: its caller is answered all the same.
    if (!(error instanceof DOMException)) throw error;
  }
}

/** Passes a body on part by part, and tells which part is awaited. */
function watchBody(source: ReadableStream<Uint8Array<ArrayBuffer>>) {
  const reader = source.getReader();
  let part: Promise<unknown> | undefined;
  const body = new ReadableStream<Uint8Array<ArrayBuffer>>({
    async pull(controller) {
      const next = reader.read();
      part = next;
      const { done, value } = await next;
      part = undefined;
      if (done) controller.close();
      else controller.enqueue(value);
    },
    cancel: async (reason) => {
      if (part === undefined) await reader.cancel(reason);
    },
  }, { highWaterMark: 0 });
  return { body, awaited: () => part };
}

/** The server behind the gate, begun anew where the system ends it. */
class InnerServer {
  readonly #handler: Deno.ServeHandler<Deno.NetAddr>;
  readonly #log: Log;
  readonly #ended: Promise<void>;
  #server: Deno.HttpServer<Deno.NetAddr> | undefined;
  #isStopping = false;

  constructor(handler: Deno.ServeHandler<Deno.NetAddr>, log: Log) {
    this.#handler = handler;
    this.#log = log;
    this.#server = this.#start();
    this.#ended = this.#watch();
  }

  /** Its port; undefined where it has ended: by now it may be somebody else's. */
  get port(): number | undefined {
    return this.#server?.addr.port;
  }

  /** Lets open answers finish. */
  async stop(): Promise<void> {
    this.#isStopping = true;
    await this.#server?.shutdown();
    await this.#ended;
  }

  // It ends where it cannot accept a connection, as when too many files are open.
  async #watch(): Promise<void> {
    while (!this.#isStopping) {
      try {
        this.#server ??= this.#start();
        await this.#server.finished;
        this.#server = undefined;
      } catch (error) {
        if (!(error instanceof Error)) throw error;
        const reason = error.message;
        this.#server = undefined;
        this.#log("error", "server.listen_again", { host: INNER_HOST, reason });
        await delay(RETRY_MS);
      }
    }
  }

  #start(): Deno.HttpServer<Deno.NetAddr> {
    return Deno.serve({
      hostname: INNER_HOST,
      port: 0,
      onListen: () => {},
      onError: (error) => {
        setSpanAttribute("codex.code", "internal_error");
        this.#log("error", "server.answer_failed", { reason: String(error) });
        const status = STATUS_CODE.InternalServerError;
        return new Response(null, { status });
      },
    }, this.#handler);
  }
}

function listen({ host, port }: ServeOptions): Deno.TcpListener[] {
  const first = listenOn(host, port);
  if (host !== "127.0.0.1" && host !== "localhost") return [first];
  try {
    return [first, listenOn("::1", first.addr.port)];
  } catch (error) {
    // A machine without IPv6, or with somebody else there: 127.0.0.1 is what we promise.
    if (!(error instanceof ConfigError)) throw error;
    return [first];
  }
}

function listenOn(hostname: string, port: number): Deno.TcpListener {
  try {
    return Deno.listen({ hostname, port });
  } catch (error) {
    if (!(error instanceof Error)) throw error;
    throw new ConfigError(
      `Cannot listen on ${hostname} port ${port}: ${describe(error)}`,
    );
  }
}

function describe(error: Error): string {
  if (error.message.startsWith(UNKNOWN_NAME)) return NO_ADDRESS;
  const code = "code" in error ? `${error.code}` : "";
  return LISTEN_ERRORS[code] ?? error.message;
}
