import { assertEquals } from "@std/assert";
import { readCodexEvent } from "../../src/codex/events.ts";

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
