import type { Server } from "node:http";
import type { Socket } from "node:net";

/**
 * Turns connections away that are too many for all servers together.
 *
 * @returns The connections over which nothing was asked yet: browsers open some in advance, and Node does not count them
 * among the idle ones.
 */
export function limitConnections(
  servers: readonly Server[],
  maxConnections: number,
): ReadonlySet<Socket> {
  const unused = new Set<Socket>();
  let open = 0;
  for (const server of servers) {
    server.on("connection", (socket: Socket) => {
      if (open >= maxConnections) return socket.destroy();
      open++;
      unused.add(socket);
      socket.once("close", () => {
        open--;
        unused.delete(socket);
      });
    });
    server.on("request", ({ socket }) => unused.delete(socket));
  }
  return unused;
}
