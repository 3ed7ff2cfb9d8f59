/** A TCP proxy that cuts connections as a bad network does. */
export interface CuttingProxy extends AsyncDisposable {
  /** The port of 127.0.0.1 that it listens on. */
  readonly port: number;
  /** How many connections there were so far. */
  readonly connections: number;
  /** Cuts all connections that there are. */
  cut(): void;
}

/** How {@linkcode openCuttingProxy} cuts. */
export interface CuttingProxyOptions {
  /** Whether the first connection is cut when its answer comes, of which nothing gets through. */
  readonly swallowFirstAnswer?: boolean;
}

/** Opens a {@linkcode CuttingProxy} in front of a port of 127.0.0.1. */
export function openCuttingProxy(
  port: number,
  { swallowFirstAnswer = false }: CuttingProxyOptions = {},
): CuttingProxy {
  const listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const open = new Set<Deno.TcpConn>();
  let connections = 0;
  const cut = () => {
    for (const connection of open) close(connection);
    open.clear();
  };
  const work = (async () => {
    const pairs: Promise<void>[] = [];
    for await (const client of listener) {
      const swallow = swallowFirstAnswer && connections === 0;
      connections++;
      const server = await Deno.connect({ hostname: "127.0.0.1", port });
      open.add(client).add(server);
      pairs.push(
        forward(client, server),
        swallow ? readFirst(server).then(cut) : forward(server, client),
      );
    }
    await Promise.all(pairs);
  })();
  return {
    port: listener.addr.port,
    get connections() {
      return connections;
    },
    cut,
    [Symbol.asyncDispose]: async () => {
      listener.close();
      cut();
      await work;
    },
  };
}

async function forward(from: Deno.TcpConn, to: Deno.TcpConn): Promise<void> {
  try {
    await from.readable.pipeTo(to.writable);
  } catch (error) {
    // Either side may be cut at any time.
    if (!(error instanceof Error)) throw error;
  }
}

async function readFirst(connection: Deno.TcpConn): Promise<void> {
  await connection.read(new Uint8Array(1));
}

function close(connection: Deno.TcpConn): void {
  try {
    connection.close();
  } catch (error) {
    // Its stream has closed it.
    if (!(error instanceof Deno.errors.BadResource)) throw error;
  }
}
