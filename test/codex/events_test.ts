import { assert, assertEquals } from "@std/assert";
import { readCodexEvent, readLines } from "../../src/codex/events.ts";

const THREAD = "01a2051f-e2fa-70a0-92af-cd63a768510e";

Deno.test("readCodexEvent() reads the thread's id", () => {
  const line = `{"type":"thread.started","thread_id":"${THREAD}"}`;
  assertEquals(readCodexEvent(line), { type: "thread", threadId: THREAD });
});

for (
  const id of ["../../../etc", "", `${THREAD}/..`, `../${THREAD.slice(3)}`, 7]
) {
  Deno.test(`readCodexEvent() takes ${JSON.stringify(id)} for no thread's id`, () => {
    const line = JSON.stringify({ type: "thread.started", thread_id: id });
    assertEquals(readCodexEvent(line), undefined);
  });
}

Deno.test("readCodexEvent() reads the words of the model", () => {
  const line =
    '{"type":"item.completed","item":{"id":"item_0","type":"agent_message","text":"I can\'t 🦊"}}';
  assertEquals(readCodexEvent(line), { type: "message", text: "I can't 🦊" });
});

Deno.test("readCodexEvent() reads errors of both kinds", () => {
  assertEquals(readCodexEvent('{"type":"error","message":"Reconnecting"}'), {
    type: "error",
    message: "Reconnecting",
  });
  assertEquals(
    readCodexEvent('{"type":"turn.failed","error":{"message":"Over"}}'),
    { type: "error", message: "Over" },
  );
});

for (
  const line of [
    "",
    "not JSON",
    "{",
    "null",
    "5",
    '"thread.started"',
    "[]",
    "{}",
    '{"type":"turn.started"}',
    '{"type":"turn.completed","usage":{"input_tokens":1}}',
    '{"type":"thread.started"}',
    '{"type":"item.completed"}',
    '{"type":"item.completed","item":null}',
    '{"type":"item.completed","item":{"type":"reasoning","text":"hm"}}',
    '{"type":"item.completed","item":{"type":"agent_message","text":7}}',
    '{"type":"turn.failed","error":null}',
    '{"type":"error","message":{"deep":true}}',
  ]
) {
  Deno.test(`readCodexEvent() passes over ${JSON.stringify(line)}`, () => {
    assertEquals(readCodexEvent(line), undefined);
  });
}

const MEBIBYTE = 1_048_576;

async function linesOf(chunks: Iterable<Uint8Array>): Promise<string[]> {
  const lines: string[] = [];
  await readLines(
    ReadableStream.from(chunks),
    (line) => lines.push(line),
    new AbortController().signal,
  );
  return lines;
}

function bytes(text: string): Uint8Array {
  return new TextEncoder().encode(text);
}

Deno.test("readLines() hands over every line without its end", async () => {
  assertEquals(await linesOf([bytes("one\n\ntwo\nthree")]), [
    "one",
    "",
    "two",
    "three",
  ]);
});

Deno.test("readLines() takes no line from an empty stream", async () => {
  assertEquals(await linesOf([]), []);
});

Deno.test("readLines() joins characters that arrive in pieces", async () => {
  const text = "fox 🦊 лиса\n狐\nثعلب";
  const single = Array.from(bytes(text), (byte) => Uint8Array.of(byte));
  assertEquals(await linesOf(single), text.split("\n"));
});

Deno.test("readLines() keeps the first mebibyte of a longer line and all of the next", async () => {
  const part = new Uint8Array(65_536).fill(0x61);
  const chunks = [...Array(80).fill(part), bytes("end\nnext\n")];
  const [long, next, ...rest] = await linesOf(chunks);
  assertEquals(long.length, MEBIBYTE);
  assertEquals([next, rest.length], ["next", 0]);
});

Deno.test("readLines() cuts a long line that comes in one chunk", async () => {
  const chunk = bytes(`${"x".repeat(5 * MEBIBYTE)}\nnext\n`);
  const [long, next] = await linesOf([chunk]);
  assertEquals(long, "x".repeat(MEBIBYTE));
  assertEquals(next, "next");
});

Deno.test("readLines() stops at the signal and closes the stream", async () => {
  const stop = new AbortController();
  const lines: string[] = [];
  let cancelled = false;
  const endless = new ReadableStream<Uint8Array>({
    start: (controller) => controller.enqueue(bytes("one\ntwo")),
    cancel: () => {
      cancelled = true;
    },
  });
  await readLines(endless, (line) => {
    lines.push(line);
    stop.abort();
  }, stop.signal);
  assertEquals(lines[0], "one");
  assert(cancelled);
});

Deno.test("readLines() takes nothing when the signal is aborted before it starts", async () => {
  const lines: string[] = [];
  const endless = new ReadableStream<Uint8Array>();
  await readLines(endless, (line) => lines.push(line), AbortSignal.abort());
  assertEquals(lines, []);
});
