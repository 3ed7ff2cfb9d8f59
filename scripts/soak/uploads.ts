import type { ServerProcess } from "../../test/support/server_process.ts";

/** How many callers there are at once. */
const CALLERS = 36;
/** How much each sends, in bytes: two files as large as may be, in a body that is almost as large as may be. */
const FILE_BYTES = 49_000_000;

/**
 * Lets 36 callers send 98 MB each at the same time, and tells how often they were answered with which status.
 *
 * Half of them send JSON and half of them forms, of bytes that are no pictures: what is measured is how they are read.
 */
export async function uploadAtOnce(
  server: ServerProcess,
): Promise<Record<string, number>> {
  const statuses: Record<string, number> = {};
  await Promise.all(Array.from({ length: CALLERS }, async (_, index) => {
    const status = await upload(server, index % 2 === 0);
    statuses[status] = (statuses[status] ?? 0) + 1;
  }));
  return statuses;
}

async function upload(server: ServerProcess, isJson: boolean): Promise<string> {
  const url = `${server.url}/v1/images/generate`;
  const [type, body] = isJson
    ? ["application/json", jsonBody()]
    : ["multipart/form-data; boundary=b", formBody()];
  try {
    const response = await fetch(url, {
      method: "POST",
      headers: { "content-type": type },
      body: ReadableStream.from(body),
    });
    await response.body?.cancel();
    return `${response.status}`;
  } catch (error) {
    // One that is refused while it sends may see no more than the end of its connection.
    if (!(error instanceof TypeError)) throw error;
    return "cut off";
  }
}

function* jsonBody(): Generator<Uint8Array<ArrayBuffer>> {
  const encoder = new TextEncoder();
  yield encoder.encode('{"prompt":"a fox","references":[');
  for (const end of [",", "]}"]) {
    yield encoder.encode('{"image":"data:image/png;base64,');
    yield* repeat("QUJD", FILE_BYTES);
    yield encoder.encode(`"}${end}`);
  }
}

function* formBody(): Generator<Uint8Array<ArrayBuffer>> {
  const encoder = new TextEncoder();
  for (const name of ["a.png", "b.png"]) {
    yield encoder.encode(
      `--b\r\nContent-Disposition: form-data; name="reference"; filename="${name}"\r\n\r\n`,
    );
    yield* repeat("ABCD", FILE_BYTES);
    yield encoder.encode("\r\n");
  }
  yield encoder.encode(
    '--b\r\nContent-Disposition: form-data; name="prompt"\r\n\r\na fox\r\n--b--',
  );
}

function* repeat(
  text: string,
  bytes: number,
): Generator<Uint8Array<ArrayBuffer>> {
  const piece = new TextEncoder().encode(text.repeat(65_536));
  for (let left = bytes; left > 0; left -= piece.length) {
    yield piece.slice(0, left);
  }
}
