import { once } from "node:events";
import { type AddressInfo, connect, createServer, type Socket } from "node:net";

const PICTURE_REQUEST = "POST /v1/images/";
const HALF_AN_ANSWER =
  'HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: 100000\r\n\r\n{"data":[{"b64_json":"iVBORw0KGgo';

/** A TCP proxy before the backend that breaks the first answer off that would be a picture. */
export interface BreakingProxy extends AsyncDisposable {
  readonly url: string;
  /** How many answers were broken off. */
  readonly broken: number;
}

/** Opens a {@linkcode BreakingProxy} in front of a backend. */
export async function openBreakingProxy(url: string): Promise<BreakingProxy> {
  const { hostname, port } = new URL(url);
  const open = new Set<Socket>();
  let broken = 0;
  const listener = createServer((client) => {
    const backend = connect(Number(port), hostname);
    for (const [socket, other] of [[client, backend], [backend, client]]) {
      open.add(socket);
      // Either side may break off at any time; the other one follows.
      socket.on("error", () => {});
      socket.on("close", () => {
        open.delete(socket);
        other.destroy();
      });
    }
    client.on("data", (bytes) => {
      if (broken === 0 && bytes.toString().startsWith(PICTURE_REQUEST)) {
        broken++;
        client.end(HALF_AN_ANSWER);
      } else backend.write(bytes);
    });
    backend.pipe(client);
  });
  listener.listen(0, hostname);
  await once(listener, "listening");
  return {
    url: `http://${hostname}:${(listener.address() as AddressInfo).port}`,
    get broken() {
      return broken;
    },
    [Symbol.asyncDispose]: async () => {
      const closed = once(listener, "close");
      listener.close();
      for (const socket of open) socket.destroy();
      await closed;
    },
  };
}
