import type { ApiError } from "../errors.ts";

/** Passes bytes on, as long as there are not too many of them. */
export async function* limitBytes(
  chunks: AsyncIterable<Uint8Array<ArrayBuffer>>,
  maxBytes: number,
  { tooLarge }: {
    /** Makes the failure for one byte too many. */
    readonly tooLarge: () => ApiError;
  },
): AsyncGenerator<Uint8Array<ArrayBuffer>> {
  let bytes = 0;
  for await (const chunk of chunks) {
    bytes += chunk.length;
    if (bytes > maxBytes) throw tooLarge();
    yield chunk;
  }
}
