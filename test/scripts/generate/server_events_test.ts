import { assertEquals, assertRejects } from "@std/assert";
import { readServerEvents } from "../../../scripts/generate/server_events.ts";

const NEVER = new AbortController().signal;

/** Makes a stream that hands text over in two parts. */
function streamOf(text: string): ReadableStream<Uint8Array<ArrayBuffer>> {
  const bytes = new TextEncoder().encode(text);
  return ReadableStream.from([bytes.slice(0, 9), bytes.slice(9)]);
}

Deno.test("readServerEvents() reads types and JSON, and passes comments over", async () => {
  const text = ': ok\n\nid: 1\nevent: progress\ndata: {"a":\ndata: 1}\n\n' +
    ': ping\n\ndata: "b"\n\n';
  assertEquals(await Array.fromAsync(readServerEvents(streamOf(text), NEVER)), [
    { type: "progress", data: { a: 1 } },
    { type: "message", data: "b" },
  ]);
});

Deno.test("readServerEvents() leaves an event out that did not come whole", async () => {
  const text = "data: 1\n\ndata: 2\n";
  const events = await Array.fromAsync(readServerEvents(streamOf(text), NEVER));
  assertEquals(events, [{ type: "message", data: 1 }]);
});

Deno.test("readServerEvents() lets go of the connection when it is aborted", async () => {
  const reason = new Error("enough");
  const canceled = Promise.withResolvers<unknown>();
  const body = new ReadableStream({ cancel: canceled.resolve });
  const stop = new AbortController();
  const events = readServerEvents(body, stop.signal);
  const next = assertRejects(() => events.next(), Error, reason.message);
  stop.abort(reason);
  await next;
  assertEquals(await canceled.promise, reason);
});
