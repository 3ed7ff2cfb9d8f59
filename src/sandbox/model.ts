import { delay } from "@std/async/delay";
import { TOOL_UNAVAILABLE } from "../codex/prompt.ts";
import { type Directives, readDirectives } from "./directives.ts";
import { modelFailure } from "./failures.ts";
import type { SandboxUsage } from "./usage.ts";

const TOKENS = { input_tokens: 1200, output_tokens: 60 };
const FENCED = /^([0-9a-f-]{36})\n([\s\S]*?)\n\1$/m;
const DIRECTIONS = /as its last paragraph:\n([\s\S]*?)(?:\n\n|$)/;
const PATHS = /in this order, and never num_last[^\n]*\n((?:- [^\n]*\n?)+)/;
/** What the CLI says of a program that has not come to its end yet. */
const STILL_RUNNING = /Script running with cell ID (\w+)/;

/** A request of the CLI to `/v1/responses`, as far as the stand-in reads it. */
export interface ModelRequest {
  readonly instructions?: string;
  readonly tools?: readonly unknown[];
  readonly input: readonly InputItem[];
}

/** One item of the conversation. */
export interface InputItem {
  readonly type: string;
  readonly role?: string;
  readonly content?: readonly {
    readonly type: string;
    readonly text?: string;
  }[];
  readonly tools?: readonly unknown[];
  /** What a tool answered: a text, or parts of one. */
  readonly output?: unknown;
}

/** What the stand-in understood of a request. */
export interface Reading {
  /** The user's words. */
  readonly words: string;
  /** The prompt that goes to the image tool. */
  readonly toolPrompt: string;
  /** The reference paths that go to the image tool. */
  readonly paths: readonly string[];
  /** The value of the tool's `transparent_background`. */
  readonly transparent: boolean;
  /** Which candidate of its request this is, from 1. */
  readonly candidate: number;
  /** What the words provoke. */
  readonly directives: Directives;
  /** True when a tool has answered and only the closing words are missing. */
  readonly closing: boolean;
  /** The CLI's name of the program that the model has to wait for, if any. */
  readonly runningCell: string | undefined;
  /** How the image tool is offered. */
  readonly tool: "direct" | "code" | "none";
  /** True when the instructions are the CLI's own. */
  readonly stock: boolean;
}

/**
 * Understands a request as an obedient model would.
 *
 * A prompt that is not one of ours, such as a person's own `codex exec`, is taken whole as the words.
 */
export function readModelRequest(request: ModelRequest): Reading {
  const text = userText(request.input);
  const words = text.match(FENCED)?.[2] ?? text;
  const rest = text.replace(FENCED, "");
  const directions = rest.match(DIRECTIONS)?.[1] ?? "";
  const candidate = Number(
    directions.match(/\bcandidate ([1-4])\b/i)?.[1] ?? 1,
  );
  const directives = readDirectives(words, candidate);
  const answered = request.input
    .findLast((item) => item.type.endsWith("_call_output"));
  const runningCell = JSON.stringify(answered?.output)
    ?.match(STILL_RUNNING)?.[1];
  return {
    words,
    toolPrompt: [words, directions].filter((part) => part !== "").join("\n\n"),
    paths: passedPaths(rest, directives),
    transparent: /transparent_background to true/.test(rest),
    candidate,
    directives,
    closing: answered !== undefined && runningCell === undefined,
    runningCell,
    tool: offeredTool(request),
    stock: /You are Codex/.test(
      (request.instructions ?? "") + developerText(request.input),
    ),
  };
}

/** What an answer of the model depends on beside the request. */
export interface ModelAnswerOptions {
  /** Aborted when the CLI is gone. */
  readonly signal: AbortSignal;
  /** The quota of the account. */
  readonly usage: SandboxUsage;
}

/**
 * Answers a request to `/v1/responses` as the chat model would.
 *
 * The model asks for no longer time than the CLI gives a program by itself, and waits for one that takes longer.
 */
export async function answerModel(
  reading: Reading,
  { signal, usage }: ModelAnswerOptions,
): Promise<Response> {
  const { directives, runningCell } = reading;
  if (directives.has("refuse-instructions") && !reading.stock) {
    return Response.json({ detail: "Instructions are not valid" }, {
      status: 400,
    });
  }
  const failure = modelFailure(directives, usage);
  if (failure !== undefined) return failure;
  if (runningCell !== undefined) return events([waitCall(runningCell)]);
  if (reading.closing) {
    await delay(Number(directives.get("closing") || 0), { signal });
    return events([message("Done.")]);
  }
  if (directives.has("refuse")) {
    return events([message("I can't help with making that picture.")]);
  }
  if (directives.has("no-image")) return events([message("")]);
  if (directives.has("mcp")) return events([serverCall(reading)]);
  if (directives.has("no-tool") || reading.tool === "none") {
    return events([message(TOOL_UNAVAILABLE)]);
  }
  return events([toolCall(reading)]);
}

/** An answer that breaks off after its first event. */
export function answerBrokenOff(): Response {
  return eventStream([{ type: "response.created", response: { id: newId() } }]);
}

// `sandbox:forget=2` leaves out the second path until it is told to take care.
function passedPaths(text: string, directives: Directives): string[] {
  const reminded = text.includes("An earlier attempt left files out");
  const forgotten = Number(
    directives.get("forget-always") ??
      (reminded ? 0 : directives.get("forget") ?? 0),
  );
  return (text.match(PATHS)?.[1] ?? "").split("\n")
    .filter((line) => line.startsWith("- "))
    .map((line) => line.slice(2).replace(/ \(".*"\)$/s, ""))
    .filter((_, index) => index + 1 !== forgotten);
}

// Pasted picture tags and environment notes come as content parts of their own; ours is the last text.
function userText(input: readonly InputItem[]): string {
  const message = input.findLast((item) => item.role === "user");
  return message?.content?.findLast((part) => part.type === "input_text")
    ?.text?.trim() ?? "";
}

function developerText(input: readonly InputItem[]): string {
  return input.filter((item) => item.role === "developer")
    .flatMap((item) => item.content ?? []).map((part) => part.text ?? "")
    .join("\n");
}

function offeredTool(request: ModelRequest): Reading["tool"] {
  const tools = [
    ...(request.tools ?? []),
    ...request.input.flatMap((item) => item.tools ?? []),
  ];
  const text = JSON.stringify(tools);
  if (/"name":"image_gen"/.test(text)) return "direct";
  return text.includes("image_gen__imagegen") ? "code" : "none";
}

function events(items: readonly unknown[]): Response {
  const id = newId();
  const usage = {
    ...TOKENS,
    input_tokens_details: { cached_tokens: 0 },
    output_tokens_details: { reasoning_tokens: 0 },
    total_tokens: TOKENS.input_tokens + TOKENS.output_tokens,
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
  const call_id = newCallId();
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
  return programCall(
    `${escapee}generatedImage(await tools.image_gen__imagegen(${input}));`,
  );
}

// `sandbox:mcp=images` asks the server of that name for the picture, as an agent would.
function serverCall({ directives, words }: Reading): unknown {
  const prompt = words.replace(/\bsandbox:mcp=\S+/, "").trim();
  const tool = `mcp__${directives.get("mcp")}__generate_image`;
  const input = JSON.stringify({ prompt });
  return programCall(`text(JSON.stringify(await tools.${tool}(${input})));`);
}

function programCall(input: string): unknown {
  return {
    type: "custom_tool_call",
    namespace: "functions",
    name: "exec",
    call_id: newCallId(),
    input,
  };
}

function waitCall(cell_id: string): unknown {
  return {
    type: "function_call",
    namespace: "functions",
    name: "wait",
    call_id: newCallId(),
    arguments: JSON.stringify({ cell_id }),
  };
}

function newCallId(): string {
  return `call_${crypto.randomUUID()}`;
}
