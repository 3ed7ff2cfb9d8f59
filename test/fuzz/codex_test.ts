import { assert, assertEquals } from "@std/assert";
import fc from "fast-check";
import { classifyError, readToolFailure } from "../../src/codex/failures.ts";
import { readCodexEvent } from "../../src/codex/events.ts";
import { SessionTail } from "../../src/codex/session.ts";
import { ApiError } from "../../src/errors.ts";

const THREAD = "01a2051f-e2fa-70a0-92af-cd63a768510e";
const type = fc.constantFrom(
  "thread.started",
  "item.completed",
  "error",
  "turn.failed",
  "turn.completed",
);
const event = fc.record({
  type: fc.oneof(type, fc.jsonValue()),
  thread_id: fc.oneof(fc.constant(THREAD), fc.string(), fc.jsonValue()),
  message: fc.oneof(fc.string(), fc.jsonValue()),
  error: fc.oneof(fc.record({ message: fc.jsonValue() }), fc.jsonValue()),
  item: fc.oneof(
    fc.record({
      type: fc.constantFrom("agent_message", "x"),
      text: fc.jsonValue(),
    }),
    fc.jsonValue(),
  ),
}, { requiredKeys: [] });
const line = fc.oneof(
  event.map((value) => JSON.stringify(value)),
  fc.tuple(event, fc.nat({ max: 80 })).map(([value, end]) =>
    JSON.stringify(value).slice(0, end)
  ),
  fc.json(),
  fc.string({ unit: "binary" }),
);
const words = fc.constantFrom(
  "usage limit",
  "try again at 8:19 PM.",
  "401 Unauthorized",
  "429 Too Many",
  "rate limit",
  "Not logged in",
  "unsupported call: image_gen",
  "moderation_blocked",
);
const toolLine = fc.oneof(
  fc.tuple(fc.constantFrom("400", "429", "500", "xyz"), fc.json(), fc.nat(99))
    .map(([status, json, end]) =>
      `ERROR codex_core::tools::router: error=image generation failed: http ${status} Bad Request: Some(${
        JSON.stringify(json).slice(0, -1 - end)
      }`
    ),
  line,
  words,
);

Deno.test("readCodexEvent() makes events of strings out of any line, or none", () => {
  fc.assert(
    fc.property(line, (text) => {
      const event = readCodexEvent(text);
      if (event === undefined) return;
      const [, value] = Object.values(event);
      assertEquals(typeof value, "string");
      if (event.type === "thread") assert(/^[0-9a-f-]{36}$/.test(value));
    }),
    { numRuns: 5_000 },
  );
});

Deno.test("readToolFailure() makes a failure out of any line, or none", () => {
  fc.assert(
    fc.property(toolLine, (text) => {
      const failure = readToolFailure(text);
      if (failure !== undefined) assertTold(failure);
    }),
    { numRuns: 4_000 },
  );
});

Deno.test("classifyError() finds a reason in whatever a worker has left", () => {
  const lines = fc.array(fc.oneof(toolLine, words), { maxLength: 4 });
  fc.assert(
    fc.property(
      fc.record({
        stderr: lines,
        errors: lines,
        messages: lines,
        exitCode: fc.integer({ min: 0, max: 255 }),
        badFile: fc.option(fc.constant("is truncated"), { nil: undefined }),
      }),
      (traces) => assertTold(classifyError(traces)),
    ),
    { numRuns: 3_000 },
  );
});

Deno.test("SessionTail reads any session file", async () => {
  const path = await Deno.makeTempFile();
  const sessionLine = fc.oneof(
    fc.tuple(
      fc.constantFrom("token_usage_record", "function_call", "event_msg"),
      fc.jsonValue(),
    ).map(([type, payload]) => JSON.stringify({ type, payload })),
    fc.string().map((text) =>
      `{"kind":"image_gen.generation","revisedPrompt":"${text}"}`
    ),
    line,
  );
  await fc.assert(
    fc.asyncProperty(fc.array(sessionLine, { maxLength: 5 }), async (lines) => {
      await Deno.writeTextFile(path, lines.join("\n") + "\n");
      const { toolCalls, usage } = await new SessionTail(path).read();
      for (const call of toolCalls) assertEquals(typeof call, "string");
      assert(Number.isFinite(usage.inputTokens + usage.outputTokens));
    }),
    { numRuns: 1_000 },
  );
  await Deno.remove(path);
});

function assertTold(failure: ApiError): void {
  assert(failure instanceof ApiError);
  assert(failure.code !== "internal_error");
  const { retryAfter = 1 } = failure;
  assert(Number.isFinite(retryAfter));
}
