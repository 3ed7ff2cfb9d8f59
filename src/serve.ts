import { deadline } from "@std/async/deadline";
import { once } from "node:events";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { ConfigError } from "./config.ts";
import { watchAccept } from "./http/accept_watch.ts";
import { limitConnections } from "./http/connections.ts";
import { type Handler, nodeHandler } from "./http/node_handler.ts";
import { answerUnreadable } from "./http/unreadable_request.ts";
import type { Log } from "./log.ts";
import { tellFailure, traced } from "./telemetry/request_span.ts";

/** How long open answers may take when the server stops, in milliseconds. */
const SHUTDOWN_MS = 5_000;
/** How often connections are held against their time limits, in milliseconds. */
const CHECK_MS = 1_000;

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
  ENOTFOUND: NO_ADDRESS,
  EAI_AGAIN: NO_ADDRESS,
};

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
 * Listens for HTTP requests.
 *
 * On 127.0.0.1 it listens on [::1] as well, because `localhost` may mean either. It is Node's server because `Deno.serve` of
 * Deno 2.9 notices that a caller has left only where the whole request came in one piece.
 *
 * @throws {ConfigError} The address cannot be listened on.
 */
export async function serve(
  handler: Handler,
  options: ServeOptions,
): Promise<Listening> {
  const { host } = options;
  const first = await listen(handler, options);
  const servers = [first];
  const { port } = first.address() as AddressInfo;
  if (host === "127.0.0.1" || host === "localhost") {
    try {
      servers.push(await listen(handler, { ...options, host: "::1", port }));
    } catch (error) {
      // A machine without IPv6, or with somebody else there: 127.0.0.1 is what we promise.
      if (!(error instanceof ConfigError)) throw error;
    }
  }
  const shown = host.includes(":") ? `[${host}]` : host;
  const watches = servers.map((server) => {
    const { address, port } = server.address() as AddressInfo;
    return watchAccept(server, { ...options, host: address, port });
  });
  const unused = limitConnections(servers, options.maxConnections);
  return {
    url: `http://${shown}:${port}`,
    port,
    stop: async () => {
      await Promise.all(watches.map((watch) => watch[Symbol.asyncDispose]()));
      const closed = Promise.all(servers.map(close));
      for (const socket of unused) socket.destroy();
      try {
        await deadline(closed, SHUTDOWN_MS);
      } catch (error) {
        if (!(error instanceof DOMException)) throw error;
        for (const server of servers) server.closeAllConnections();
        await closed;
      }
    },
  };
}

async function listen(
  handler: Handler,
  { headerTimeoutMs, host, idleTimeoutMs, log, port }: ServeOptions,
): Promise<Server> {
  const onError = (error: unknown) => {
    tellFailure("internal_error");
    log("error", "server.answer_failed", { reason: String(error) });
  };
  // How fast a body has to come is for whoever reads it.
  const server = createServer(
    {
      connectionsCheckingInterval: Math.min(CHECK_MS, headerTimeoutMs),
      headersTimeout: headerTimeoutMs,
      keepAliveTimeout: idleTimeoutMs,
      requestTimeout: 0,
      // The guard refuses a request without one in the words of all errors.
      requireHostHeader: false,
    },
    traced(nodeHandler(handler, onError)),
  );
  answerUnreadable(server);
  server.listen(port, host);
  try {
    await once(server, "listening");
    return server;
  } catch (error) {
    if (!(error instanceof Error)) throw error;
    const code = "code" in error ? `${error.code}` : "";
    throw new ConfigError(
      `Cannot listen on ${host} port ${port}: ${
        LISTEN_ERRORS[code] ?? error.message
      }`,
    );
  }
}

async function close(server: Server): Promise<void> {
  const closed = once(server, "close");
  server.close();
  server.closeIdleConnections();
  await closed;
}
