import { ConfigError } from "./settings.ts";

/** How long open answers may take when the server stops, in milliseconds. */
const SHUTDOWN_MS = 5_000;

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
 * On 127.0.0.1 it listens on [::1] as well, because `localhost` may mean either.
 *
 * @throws {ConfigError} The address cannot be listened on.
 */
export function serve(
  handler: (request: Request) => Promise<Response>,
  { host, port }: { readonly host: string; readonly port: number },
): Listening {
  const first = listen(host, port, handler);
  const listeners = [first];
  const actualPort = first.server.addr.port;
  if (host === "127.0.0.1" || host === "localhost") {
    try {
      listeners.push(listen("::1", actualPort, handler));
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
      await Promise.all(listeners.map(stopInTime));
    },
  };
}

interface Listener {
  readonly server: Deno.HttpServer<Deno.NetAddr>;
  /** Cuts off what is open; to abort it once the server has ended would throw. */
  readonly ending: AbortController;
}

async function stopInTime({ ending, server }: Listener): Promise<void> {
  const deadline = setTimeout(() => ending.abort(), SHUTDOWN_MS);
  await server.shutdown();
  clearTimeout(deadline);
}

function listen(
  hostname: string,
  port: number,
  handler: (request: Request) => Promise<Response>,
): Listener {
  const ending = new AbortController();
  const { signal } = ending;
  const options = { hostname, port, signal, onListen: () => {} };
  try {
    return { server: Deno.serve(options, handler), ending };
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
