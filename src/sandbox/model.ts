import { type Directives, readDirectives } from "./directives.ts";

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
  /** How the image tool is offered. */
  readonly tool: "direct" | "code" | "none";
  /** True when the instructions are the CLI's own. */
  readonly stock: boolean;
}

const FENCED = /^([0-9a-f-]{36})\n([\s\S]*?)\n\1$/m;
const DIRECTIONS = /as its last paragraph:\n([\s\S]*?)(?:\n\n|$)/;
const PATHS = /in this order, and never num_last[^\n]*\n((?:- [^\n]*\n?)+)/;

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
  return {
    words,
    toolPrompt: [words, directions].filter((part) => part !== "").join("\n\n"),
    paths: passedPaths(rest, directives),
    transparent: /transparent_background to true/.test(rest),
    candidate,
    directives,
    closing: request.input.some((item) => item.type.endsWith("_call_output")),
    tool: offeredTool(request),
    stock: /You are Codex/.test(
      (request.instructions ?? "") + developerText(request.input),
    ),
  };
}

// `sandbox:forget=2` leaves out the second path until it is told to take care.
function passedPaths(text: string, directives: Directives): string[] {
  const insisted = text.includes("An earlier attempt left files out");
  const forgotten = Number(
    directives.get("forget-always") ??
      (insisted ? 0 : directives.get("forget") ?? 0),
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
