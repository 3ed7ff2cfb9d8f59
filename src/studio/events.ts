/** The server's events, by fetch and not by EventSource, which sends no key. */
import type { Timer } from "./dom.ts";
import { keyNeeded, send } from "./api.ts";

/** The server says every 15 seconds that it is alive. */
const SILENCE_MS = 40_000;
const RETRY_MS = [500, 1_000, 2_000, 5_000];

/** One event. */
export interface ServerEvent {
  readonly id: string;
  readonly type: string;
  readonly data: string;
}

/** What {@linkcode followEvents} tells. */
export interface FollowOptions {
  /** The events are coming; those of the past may have been missed. */
  readonly onOpen: () => void;
  readonly onEvent: (event: ServerEvent) => void;
}

/**
 * Follows the events while the page is seen, and again after every break.
 *
 * A browser has six connections for a server, and many tabs would use them up, so hidden ones have none.
 *
 * @returns What starts it anew, such as with another key.
 */
export function followEvents(options: FollowOptions): () => void {
  let following: AbortController | undefined;
  let last = "";
  const begin = () => {
    following?.abort();
    following = undefined;
    if (document.hidden) return;
    following = new AbortController();
    void follow(following.signal, {
      ...options,
      lastId: () => last,
      onEvent: (event) => {
        last = event.id;
        options.onEvent(event);
      },
    });
  };
  document.addEventListener("visibilitychange", begin);
  begin();
  return begin;
}

/** Reads events out of text as it comes. */
export async function* readEvents(
  chunks: AsyncIterable<string>,
): AsyncGenerator<ServerEvent> {
  let rest = "";
  let fields: Record<string, string> = {};
  for await (const chunk of chunks) {
    const lines = (rest + chunk).split(/\r?\n/);
    rest = lines.pop() ?? "";
    for (const line of lines) {
      if (line === "") {
        const { data, event = "message", id = "" } = fields;
        if (data !== undefined) yield { id, type: event, data };
        fields = {};
        continue;
      }
      const [, name, value] = /^([^:]*):? ?(.*)$/.exec(line) ?? [];
      const before = name === "data" ? fields.data : undefined;
      fields[name] = before === undefined ? value : `${before}\n${value}`;
    }
  }
}

async function follow(
  signal: AbortSignal,
  options: FollowOptions & { readonly lastId: () => string },
): Promise<void> {
  for (let attempt = 0; !signal.aborted; attempt++) {
    try {
      await readOnce(signal, {
        ...options,
        onOpen: () => {
          attempt = -1;
          options.onOpen();
        },
      });
    } catch (error) {
      if (signal.aborted || keyNeeded.value) return;
      if (!(error instanceof Error)) throw error;
    }
    const wait = RETRY_MS[Math.min(Math.max(attempt, 0), RETRY_MS.length - 1)];
    await new Promise((resolve) => setTimeout(resolve, wait));
  }
}

async function readOnce(
  signal: AbortSignal,
  { lastId, onEvent, onOpen }: FollowOptions & {
    readonly lastId: () => string;
  },
): Promise<void> {
  const silence = new AbortController();
  let timer: Timer;
  const heard = () => {
    clearTimeout(timer);
    timer = setTimeout(() => silence.abort(), SILENCE_MS);
  };
  heard();
  try {
    const response = await send("v1/events", {
      headers: lastId() === "" ? {} : { "last-event-id": lastId() },
      signal: AbortSignal.any([signal, silence.signal]),
    });
    onOpen();
    for await (const event of readEvents(textOf(response, heard))) {
      onEvent(event);
    }
  } finally {
    clearTimeout(timer);
  }
}

async function* textOf(
  response: Response,
  heard: () => void,
): AsyncGenerator<string> {
  if (response.body === null) return;
  const reader = response.body.pipeThrough(new TextDecoderStream()).getReader();
  try {
    while (true) {
      const { done, value } = await reader.read();
      if (done) return;
      heard();
      yield value;
    }
  } finally {
    reader.releaseLock();
  }
}
