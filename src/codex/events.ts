import { tryParseJson } from "../util.ts";

/** How much of a line is kept, in bytes; the rest of a longer one is dropped. */
const LINE_BYTES = 1_048_576;

/**
 * Hands every line of a byte stream to a function, until the stream ends or the signal says so.
 *
 * Memory stays bounded, whatever the writer does.
 *
 * @param stream The output of a process; it is closed afterwards in every case.
 * @param take Gets each line without its line end.
 * @param signal Stops the reading, for a process that is gone but whose pipe is held by another.
 */
export async function readLines(
  stream: ReadableStream<Uint8Array>,
  take: (line: string) => void,
  signal: AbortSignal,
): Promise<void> {
  const reader = stream.getReader();
  const stop = () => void reader.cancel();
  signal.addEventListener("abort", stop, { once: true });
  if (signal.aborted) stop();
  const decoder = new TextDecoder();
  let held = new Uint8Array(0);
  try {
    while (true) {
      const { value, done } = await reader.read();
      if (done) break;
      let rest = value;
      for (
        let end;
        (end = rest.indexOf(0x0a)) !== -1;
        rest = rest.subarray(end + 1)
      ) {
        take(decoder.decode(join(held, rest.subarray(0, end))));
        held = new Uint8Array(0);
      }
      held = join(held, rest);
    }
    if (held.length > 0) take(decoder.decode(held));
  } finally {
    signal.removeEventListener("abort", stop);
    reader.releaseLock();
  }
}

function join(
  first: Uint8Array<ArrayBuffer>,
  second: Uint8Array,
): Uint8Array<ArrayBuffer> {
  const room = LINE_BYTES - first.length;
  if (room <= 0 || second.length === 0) return first;
  const joined = new Uint8Array(first.length + Math.min(room, second.length));
  joined.set(first);
  joined.set(second.subarray(0, room), first.length);
  return joined;
}

/** A line of `codex exec --json`, as far as it matters here. */
export type CodexEvent =
  | { readonly type: "thread"; readonly threadId: string }
  | { readonly type: "message"; readonly text: string }
  | { readonly type: "error"; readonly message: string };

const THREAD_ID = /^[0-9a-f-]{36}$/;

/**
 * Reads one line of `codex exec --json`.
 *
 * @returns The event; undefined for a line that says nothing of use or is not JSON.
 */
export function readCodexEvent(line: string): CodexEvent | undefined {
  const event = parse(line);
  switch (event?.type) {
    case "thread.started":
      // The id becomes part of a path.
      return typeof event.thread_id === "string" &&
          THREAD_ID.test(event.thread_id)
        ? { type: "thread", threadId: event.thread_id }
        : undefined;
    case "item.completed":
      return event.item?.type === "agent_message" &&
          typeof event.item.text === "string"
        ? { type: "message", text: event.item.text }
        : undefined;
    case "error":
      return errorEvent(event.message);
    case "turn.failed":
      return errorEvent(event.error?.message);
    default:
      return undefined;
  }
}

interface RawEvent {
  readonly type?: unknown;
  readonly thread_id?: unknown;
  readonly message?: unknown;
  readonly error?: { readonly message?: unknown };
  readonly item?: { readonly type?: unknown; readonly text?: unknown };
}

function parse(line: string): RawEvent | undefined {
  // An exception for each line of a flood would take hundreds of megabytes.
  if (!line.startsWith("{")) return undefined;
  return (tryParseJson(line) ?? undefined) as RawEvent | undefined;
}

function errorEvent(message: unknown): CodexEvent | undefined {
  return typeof message === "string" ? { type: "error", message } : undefined;
}
