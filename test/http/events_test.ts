import { assert, assertEquals, assertRejects } from "@std/assert";
import type { ServerSentEventMessage } from "@std/http/server-sent-event-stream";
import { eventStream, type EventStreamOptions } from "../../src/http/sse.ts";
import { until } from "../support/until.ts";

/** Streams events and notes what the stream tells of its end. */
function open(
  events: AsyncIterator<ServerSentEventMessage>,
  options: EventStreamOptions = {},
): { readonly response: Response; readonly told: string[] } {
  const told: string[] = [];
  const response = eventStream(events, {
    onClose: () => told.push("close"),
    onCut: () => told.push("cut"),
    ...options,
  });
  return { response, told };
}

async function* two(): AsyncGenerator<ServerSentEventMessage> {
  yield { id: 1, event: "a", data: "x" };
  yield { id: 2, data: "y" };
}

async function* silent(): AsyncGenerator<ServerSentEventMessage> {
  await new Promise(() => {});
  yield {};
}

async function* broken(): AsyncGenerator<ServerSentEventMessage> {
  yield { data: "x" };
  throw new RangeError("no more");
}

Deno.test("eventStream() sends every event and tells of its end", async () => {
  const { response, told } = open(two());
  const type = "text/event-stream; charset=utf-8";
  assertEquals(response.headers.get("content-type"), type);
  const blocks = (await response.text()).trim().split("\n\n");
  assertEquals(blocks, [":ok", "event:a\ndata:x\nid:1", "data:y\nid:2"]);
  assertEquals(told, ["close"]);
});

Deno.test("eventStream() says that it is alive while there is nothing to tell", async () => {
  const { response, told } = open(silent(), { heartbeatMs: 10 });
  const decoder = new TextDecoder();
  let text = "";
  for await (const chunk of response.body ?? []) {
    text += decoder.decode(chunk);
    if (text.split(":ping\n\n").length > 3) break;
  }
  assert(text.startsWith(":ok\n\n:ping\n\n:ping\n\n"), text);
  await until(() => told.length > 1);
  assertEquals(told, ["cut", "close"]);
});

Deno.test("eventStream() tells of a reader that went away", async () => {
  const { response, told } = open(silent());
  await response.body?.cancel();
  await until(() => told.length > 1);
  assertEquals(told, ["cut", "close"]);
});

Deno.test("eventStream() tells of events that break off", async () => {
  const { response, told } = open(broken());
  await assertRejects(() => response.text(), RangeError, "no more");
  assertEquals(told, ["cut", "close"]);
});
