import { once } from "node:events";
import { type AddressInfo, connect, createServer, type Socket } from "node:net";

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
export async function openCuttingProxy(
  port: number,
  { swallowFirstAnswer = false }: CuttingProxyOptions = {},
): Promise<CuttingProxy> {
  const open = new Set<Socket>();
  let connections = 0;
  const cut = () => {
    for (const socket of open) socket.destroy();
  };
  const listener = createServer((client) => {
    const swallow = swallowFirstAnswer && connections === 0;
    connections++;
    const server = connect(port, "127.0.0.1");
    for (const [socket, other] of [[client, server], [server, client]]) {
      open.add(socket);
      // Either side may be cut at any time; the other one follows.
      socket.on("error", () => {});
      socket.on("close", () => {
        open.delete(socket);
        other.destroy();
      });
    }
    client.pipe(server);
    if (swallow) server.once("data", cut);
    else server.pipe(client);
  });
  listener.listen(0, "127.0.0.1");
  await once(listener, "listening");
  return {
    port: (listener.address() as AddressInfo).port,
    get connections() {
      return connections;
    },
    cut,
    [Symbol.asyncDispose]: async () => {
      const closed = once(listener, "close");
      listener.close();
      cut();
      await closed;
    },
  };
}
