/** How many bytes four characters of base64 hold. */
const GROUP = 3;

/** Encodes bytes in base64 as they come, so that no more than a chunk of them is in memory. */
export async function* base64Chunks(
  chunks: AsyncIterable<Uint8Array<ArrayBuffer>>,
): AsyncGenerator<string> {
  let rest = new Uint8Array();
  for await (const chunk of chunks) {
    const bytes = new Uint8Array(rest.length + chunk.length);
    bytes.set(rest);
    bytes.set(chunk, rest.length);
    const whole = bytes.length - bytes.length % GROUP;
    yield bytes.subarray(0, whole).toBase64();
    rest = bytes.slice(whole);
  }
  yield rest.toBase64();
}
