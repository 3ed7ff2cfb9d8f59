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
  try {
    return JSON.parse(line) ?? undefined;
  } catch (error) {
    if (error instanceof SyntaxError) return undefined;
    throw error;
  }
}

function errorEvent(message: unknown): CodexEvent | undefined {
  return typeof message === "string" ? { type: "error", message } : undefined;
}
