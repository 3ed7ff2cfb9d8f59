import { delay } from "@std/async/delay";
import { TOOL_UNAVAILABLE } from "../codex/prompt.ts";
import type { Reading } from "./model.ts";

/** How long a usage limit of the sandbox lasts, in seconds. */
const LIMIT_SECONDS = 5400;
const USAGE = { input_tokens: 1200, output_tokens: 60 };

/**
 * Answers a request to `/v1/responses` as the chat model would.
 *
 * @param reading What the request says.
 * @param signal Aborted when the CLI is gone.
 */
export async function answerModel(
  reading: Reading,
  signal: AbortSignal,
): Promise<Response> {
  const { directives } = reading;
  if (directives.has("refuse-instructions") && !reading.stock) {
    return Response.json({ detail: "Instructions are not valid" }, {
      status: 400,
    });
  }
  if (directives.has("expired-login")) {
    return Response.json({ error: { message: "Token expired" } }, {
      status: 401,
    });
  }
  if (directives.has("usage-limit")) return usageLimit();
  if (reading.closing) {
    await delay(Number(directives.get("closing") || 0), { signal });
    return events([message("Done.")]);
  }
  if (directives.has("refuse")) {
    return events([message("I can't help with making that picture.")]);
  }
  if (directives.has("no-image")) return events([message("")]);
  if (directives.has("no-tool") || reading.tool === "none") {
    return events([message(TOOL_UNAVAILABLE)]);
  }
  return events([toolCall(reading)]);
}

/** The answer of the real service to an account that has used up its window. */
export function usageLimit(): Response {
  return Response.json({
    error: {
      type: "usage_limit_reached",
      message: "The usage limit has been reached",
      plan_type: "plus",
      resets_at: Math.floor(Date.now() / 1000) + LIMIT_SECONDS,
      resets_in_seconds: LIMIT_SECONDS,
    },
  }, { status: 429 });
}

/** An answer that breaks off after its first event. */
export function answerBrokenOff(): Response {
  return eventStream([{ type: "response.created", response: { id: newId() } }]);
}

function events(items: readonly unknown[]): Response {
  const id = newId();
  const usage = {
    ...USAGE,
    input_tokens_details: { cached_tokens: 0 },
    output_tokens_details: { reasoning_tokens: 0 },
    total_tokens: USAGE.input_tokens + USAGE.output_tokens,
  };
  return eventStream([
    { type: "response.created", response: { id } },
    ...items.map((item) => ({ type: "response.output_item.done", item })),
    { type: "response.completed", response: { id, usage } },
  ]);
}

function newId(): string {
  return `resp_${crypto.randomUUID()}`;
}

interface StreamEvent {
  readonly type: string;
  readonly [field: string]: unknown;
}

function eventStream(events: readonly StreamEvent[]): Response {
  const body = events.map((event) =>
    `event: ${event.type}\ndata: ${JSON.stringify(event)}\n\n`
  ).join("");
  return new Response(body, {
    headers: { "content-type": "text/event-stream" },
  });
}

function message(text: string): unknown {
  const content = text === "" ? [] : [{ type: "output_text", text }];
  return { type: "message", role: "assistant", content };
}

// Newer models reach the tool through the CLI's JavaScript runtime, older ones call it directly.
function toolCall(reading: Reading): unknown {
  const call_id = `call_${crypto.randomUUID()}`;
  const input = JSON.stringify({
    prompt: reading.toolPrompt,
    ...(reading.paths.length > 0
      ? { referenced_image_paths: reading.paths }
      : {}),
    ...(reading.transparent ? { transparent_background: true } : {}),
  });
  if (reading.tool === "direct") {
    return {
      type: "function_call",
      namespace: "image_gen",
      name: "imagegen",
      call_id,
      arguments: input,
    };
  }
  const escapee = reading.directives.has("spawn-escapee")
    ? `await tools.exec_command({ cmd: "setsid sh -c 'sleep 600 & sleep 600' >/dev/null 2>&1 & sleep 0.2" });\n`
    : "";
  return {
    type: "custom_tool_call",
    namespace: "functions",
    name: "exec",
    call_id,
    input:
      `// @exec: {"yield_time_ms": 120000}\n${escapee}generatedImage(await tools.image_gen__imagegen(${input}));`,
  };
}
