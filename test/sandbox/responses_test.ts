import { assert, assertEquals, assertRejects } from "@std/assert";
import { TOOL_UNAVAILABLE, writePrompt } from "../../src/codex/prompt.ts";
import { type Reading, readModelRequest } from "../../src/sandbox/model.ts";
import {
  answerBrokenOff,
  answerModel,
  usageLimit,
} from "../../src/sandbox/responses.ts";

const NEVER = new AbortController().signal;
const PATHS = ["/r/1.png", "/r/2.png"];

interface StreamEvent {
  readonly type: string;
  readonly item?: Record<string, unknown>;
  readonly response?: { readonly usage?: Record<string, number> };
}

function reading(words: string, fields: Partial<Reading> = {}): Reading {
  const text = writePrompt({
    words,
    directions: [],
    originals: PATHS.map((path) => ({ path, label: "" })),
    seen: [],
    transparent: true,
  });
  const content = [{ type: "input_text", text }];
  const input = [{ type: "message", role: "user", content }];
  return { ...readModelRequest({ input }), tool: "direct", ...fields };
}

async function eventsOf(response: Response): Promise<StreamEvent[]> {
  assertEquals(response.headers.get("content-type"), "text/event-stream");
  const blocks = (await response.text()).trimEnd().split("\n\n");
  return blocks.map((block) => {
    const [, name, data] = /^event: (.*)\ndata: (.*)$/.exec(block) ?? [];
    const event = JSON.parse(data);
    assertEquals(event.type, name);
    return event;
  });
}

async function itemFor(
  words: string,
  fields: Partial<Reading> = {},
): Promise<Record<string, unknown>> {
  const events = await eventsOf(
    await answerModel(reading(words, fields), NEVER),
  );
  assertEquals(events.map(({ type }) => type), [
    "response.created",
    "response.output_item.done",
    "response.completed",
  ]);
  return events[1].item ?? {};
}

Deno.test("answerModel() calls the tool with everything it was told", async () => {
  const item = await itemFor("a fox");
  assertEquals([item.type, item.namespace, item.name], [
    "function_call",
    "image_gen",
    "imagegen",
  ]);
  assertEquals(JSON.parse(`${item.arguments}`), {
    prompt: "a fox",
    referenced_image_paths: PATHS,
    transparent_background: true,
  });
});

Deno.test("answerModel() calls the tool through a program where there is no other way", async () => {
  const item = await itemFor('a "fox"', { tool: "code" });
  assertEquals([item.type, item.name], ["custom_tool_call", "exec"]);
  const program = `${item.input}`;
  assert(program.includes('image_gen__imagegen({"prompt":"a \\"fox\\""'));
  assert(!program.includes("exec_command"));
});

Deno.test("answerModel() sets a process free before the tool call", async () => {
  const { input } = await itemFor("sandbox:spawn-escapee", { tool: "code" });
  const program = `${input}`;
  assert(
    program.indexOf("exec_command") < program.indexOf("image_gen__imagegen"),
  );
  assert(program.includes("setsid"));
});

Deno.test("answerModel() tells how many tokens it took", async () => {
  const events = await eventsOf(await answerModel(reading("a fox"), NEVER));
  const usage = events.at(-1)?.response?.usage;
  assertEquals([usage?.input_tokens, usage?.output_tokens], [1200, 60]);
});

for (
  const [words, fields, text] of [
    ["a fox", { closing: true }, "Done."],
    ["sandbox:refuse", {}, "I can't help with making that picture."],
    ["sandbox:no-tool", {}, TOOL_UNAVAILABLE],
    ["a fox", { tool: "none" }, TOOL_UNAVAILABLE],
  ] as const
) {
  Deno.test(`answerModel() says "${text}" to "${words}" ${JSON.stringify(fields)}`, async () => {
    const item = await itemFor(words, fields);
    assertEquals(item.type, "message");
    assertEquals(item.content, [{ type: "output_text", text }]);
  });
}

Deno.test("answerModel() says nothing to sandbox:no-image", async () => {
  assertEquals((await itemFor("sandbox:no-image")).content, []);
});

for (
  const [words, fields, status] of [
    ["sandbox:expired-login", {}, 401],
    ["sandbox:usage-limit", {}, 429],
    ["sandbox:refuse-instructions", { stock: false }, 400],
    ["sandbox:refuse-instructions", { stock: true }, 200],
  ] as const
) {
  Deno.test(`answerModel() answers ${status} to ${words} ${JSON.stringify(fields)}`, async () => {
    const response = await answerModel(reading(words, fields), NEVER);
    await response.body?.cancel();
    assertEquals(response.status, status);
  });
}

Deno.test("answerModel() stops a slow closing when nobody waits for it", async () => {
  const slow = reading("sandbox:closing=60000", { closing: true });
  const gone = new AbortController();
  const answer = answerModel(slow, gone.signal);
  gone.abort(new RangeError("gone"));
  await assertRejects(() => answer, RangeError, "gone");
});

Deno.test("answerBrokenOff() never completes", async () => {
  const events = await eventsOf(answerBrokenOff());
  assertEquals(events.map(({ type }) => type), ["response.created"]);
});

Deno.test("usageLimit() says when it is over in both ways", async () => {
  const response = usageLimit();
  const { error } = await response.json();
  assertEquals([response.status, error.type], [429, "usage_limit_reached"]);
  const left = error.resets_at - Date.now() / 1000;
  assert(Math.abs(left - error.resets_in_seconds) < 5);
});
