import { deadline } from "@std/async/deadline";
import { ConfigError } from "./settings.ts";

/** How long open answers may take when the server stops, in milliseconds. */
const SHUTDOWN_MS = 5_000;

/** A listening server. */
export interface Listening {
  /** Its address, such as `http://127.0.0.1:17341`. */
  readonly url: string;
  /** The port, also where a free one was asked for. */
  readonly port: number;
  /** Takes no more requests and lets open ones finish, but waits for five seconds at most. */
  stop(): Promise<void>;
}

/**
 * Listens for HTTP requests.
 *
 * On 127.0.0.1 it listens on [::1] as well, because `localhost` may mean either.
 *
 * @throws {ConfigError} The address cannot be listened on.
 */
export function serve(
  handler: (request: Request) => Promise<Response>,
  { host, port }: { readonly host: string; readonly port: number },
): Listening {
  const first = listen(host, port, handler);
  const servers = [first];
  const actualPort = first.addr.port;
  if (host === "127.0.0.1" || host === "localhost") {
    try {
      servers.push(listen("::1", actualPort, handler));
    } catch (error) {
      // A machine without IPv6, or with somebody else there: 127.0.0.1 is what we promise.
      if (!(error instanceof ConfigError)) throw error;
    }
  }
  const shown = host.includes(":") ? `[${host}]` : host;
  return {
    url: `http://${shown}:${actualPort}`,
    port: actualPort,
    stop: async () => {
      const closed = Promise.all(servers.map((server) => server.shutdown()));
      try {
        await deadline(closed, SHUTDOWN_MS);
      } catch (error) {
        // There is no way to cut off who is left: to abort a server that shuts down is an uncaught error.
        if (!(error instanceof DOMException)) throw error;
      }
    },
  };
}

function listen(
  hostname: string,
  port: number,
  handler: (request: Request) => Promise<Response>,
): Deno.HttpServer<Deno.NetAddr> {
  try {
    return Deno.serve({ hostname, port, onListen: () => {} }, handler);
  } catch (error) {
    if (error instanceof Deno.errors.AddrInUse) {
      throw new ConfigError(
        `Cannot listen on ${hostname} port ${port}: it is in use, perhaps by another server; expected a free CODEX_IMAGE_SERVER_PORT`,
      );
    }
    if (!(error instanceof Error)) throw error;
    throw new ConfigError(
      `Cannot listen on ${hostname} port ${port}: ${error.message}`,
    );
  }
}
