import { Buffer } from "node:buffer";

/** Bytes as streams take them. */
export type Bytes = Uint8Array<ArrayBuffer>;

/** The boundary of every form here. */
export const BOUNDARY = "----form";

/** The type of every form here. */
export const FORM_TYPE = `multipart/form-data; boundary=${BOUNDARY}`;

/** Writes a part: its header lines, and its content. */
export function part(
  headers: string | readonly string[],
  content: string | Uint8Array = "",
): Bytes {
  const head = [headers].flat().map((line) => `${line}\r\n`).join("");
  return concat(`--${BOUNDARY}\r\n${head}\r\n`, content, "\r\n");
}

/** Writes a part of text. */
export function text(name: string, content: string | Uint8Array): Bytes {
  return part(`Content-Disposition: form-data; name="${name}"`, content);
}

/** Writes a part with a file. */
export function file(
  name: string,
  fileName: string,
  content: string | Uint8Array,
): Bytes {
  return part([
    `Content-Disposition: form-data; name="${name}"; filename="${fileName}"`,
    "Content-Type: application/octet-stream",
  ], content);
}

/** Writes a whole form. */
export function form(...parts: readonly Uint8Array[]): Bytes {
  return concat(...parts, `--${BOUNDARY}--\r\n`);
}

/** Joins bytes and text. */
export function concat(...parts: readonly (string | Uint8Array)[]): Bytes {
  return new Uint8Array(
    Buffer.concat(parts.map((part) => Buffer.from(part as string))),
  );
}

/** Streams bytes in pieces of a length. */
export function pieces(bytes: Bytes, length: number): ReadableStream<Bytes> {
  let offset = 0;
  return new ReadableStream({
    pull(controller) {
      if (offset >= bytes.length) return controller.close();
      controller.enqueue(bytes.slice(offset, offset += length));
    },
  });
}
