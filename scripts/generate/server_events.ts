import { TextLineStream } from "@std/streams/text-line-stream";

/** One server-sent event. */
export interface ServerEvent {
  /** What the server calls it. */
  readonly type: string;
  /** Its JSON, read. */
  readonly data: unknown;
}

/**
 * Reads server-sent events that hold JSON; comments are passed over, and a lost connection is an end like any other.
 *
 * @param signal Ends the reading and the connection: that of the fetch is forgotten with its answer, of which only the body
 * is kept.
 * @throws The signal's reason.
 */
export async function* readServerEvents(
  body: ReadableStream<Uint8Array<ArrayBuffer>>,
  signal: AbortSignal,
): AsyncGenerator<ServerEvent> {
  const lines = body.pipeThrough(new TextDecoderStream(), { signal })
    .pipeThrough(new TextLineStream());
  let type = "message";
  let data = "";
  try {
    for await (const line of lines) {
      const [, name, value] = /^(\w+): ?(.*)$/.exec(line) ?? [];
      if (name === "event") type = value;
      if (name === "data") data += value;
      if (line !== "" || data === "") continue;
      yield { type, data: JSON.parse(data) };
      type = "message";
      data = "";
    }
  } catch (error) {
    if (!(error instanceof TypeError)) throw error;
  }
}
