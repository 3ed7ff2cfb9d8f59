import type { IncomingMessage } from "node:http";

/** How long the rest of a body that nobody wants is waited for, in milliseconds. */
const REST_MS = 5_000;

/**
 * Gives the body of a request as a stream of the web platform.
 *
 * Nothing is read before it is asked for, and to cancel the stream leaves the connection as it is, so that the caller still
 * gets an answer.
 */
export function incomingBody(
  incoming: IncomingMessage,
): ReadableStream<Uint8Array<ArrayBuffer>> {
  const parts = incoming.iterator({ destroyOnReturn: false });
  return new ReadableStream({
    async pull(controller) {
      const { done, value } = await parts.next();
      if (done) controller.close();
      else controller.enqueue(value);
    },
    async cancel() {
      await parts.return?.();
    },
  }, { highWaterMark: 0 });
}

/**
 * Drops what nobody has read of a body that is answered, so that the next request can come over the same connection; one
 * whose rest does not come soon is closed.
 */
export function dropRest(incoming: IncomingMessage): void {
  const { socket } = incoming;
  if (incoming.complete || socket.destroyed) return;
  const timer = setTimeout(() => socket.destroy(), REST_MS);
  const settle = () => {
    clearTimeout(timer);
    socket.off("close", settle);
  };
  socket.on("close", settle);
  incoming.once("end", settle);
  // A reader that was broken off in the middle would take each part for itself.
  incoming.removeAllListeners("readable");
  incoming.resume();
}
