import { ApiError } from "../errors.ts";
import type { ReadBodyOptions } from "./body.ts";
import { limitBytes } from "./multipart_limit.ts";
import { requirePace } from "./pace.ts";

/**
 * Reads the body of a request chunk by chunk; to end early lets go of the body.
 *
 * @throws {ApiError} `body_too_large`, before anything is read where the length is told; `request_canceled` where the
 * caller does not send all of it, or too slowly, and where `signal` ends the reading.
 */
export async function* readChunks(
  request: Request,
  { maxBytes, pace, signal }: ReadBodyOptions,
): AsyncGenerator<Uint8Array<ArrayBuffer>> {
  const declared = Number(request.headers.get("content-length"));
  if (declared > maxBytes) {
    throw tooLarge(`its ${declared} bytes exceed`, maxBytes);
  }
  if (request.body === null) return;
  // The iterator of a stream takes no signal, and a pipe does.
  const body = requirePace(request.body, pace)
    .pipeThrough(new TransformStream(), { signal });
  let bytes = 0;
  try {
    const chunks = limitBytes(body, maxBytes, {
      tooLarge: () => tooLarge("it exceeds", maxBytes),
    });
    for await (const chunk of chunks) {
      bytes += chunk.length;
      yield chunk;
    }
  } catch (error) {
    if (error instanceof ApiError) throw error;
    throw new ApiError(
      "request_canceled",
      `Cannot read the body: it broke off after ${bytes} bytes`,
      { cause: error },
    );
  }
}

function tooLarge(state: string, maxBytes: number): ApiError {
  return new ApiError(
    "body_too_large",
    `Cannot read the body: ${state} the limit of ${maxBytes} bytes`,
  );
}
