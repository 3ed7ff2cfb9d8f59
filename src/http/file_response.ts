import { ifMatch, ifNoneMatch } from "@std/http/etag";
import { STATUS_CODE } from "@std/http/status";
import { HttpError } from "../errors.ts";
import { truncateAndQuote as quoteText } from "../util.ts";

const CACHE_CONTROL = "private, max-age=31536000, immutable";
const RANGE = /^bytes=(\d*)-(\d*)$/i;
const CHUNK_BYTES = 1_048_576;

/** An open file, such as a `Deno.FsFile`. */
export type SeekableFile = Pick<Deno.FsFile, "read"> & Disposable & {
  seek(position: number, whence: Deno.SeekMode.Start): unknown;
};

/** What {@linkcode fileResponse} says about the file that it sends. */
export interface FileResponseOptions {
  /** How many bytes the file has. */
  readonly size: number;
  /** What changes with every byte of the file, such as a digest, without quotes. */
  readonly etag: string;
  /** The media type. */
  readonly contentType: string;
  /** The name to save it under; characters other than ASCII letters, digits, `.`, `_` and `-` become `_`. */
  readonly fileName: string;
  /** When the file was changed last; without it no date is sent or compared. */
  readonly lastModified?: Date;
}

/** A stretch of the file, or what to say where the one asked for lies behind its end. */
type FileRange =
  | { readonly start: number; readonly length: number }
  | "unsatisfiable";

/**
 * Answers a GET or HEAD request with an open file whose bytes never change under their URL.
 *
 * The handle becomes the response's own: it is closed when the body has been sent or is cancelled, and at once where there
 * is no body. Conditions and a single range of bytes are honoured; several ranges, or one that cannot be read, get the
 * whole file, as {@link https://www.rfc-editor.org/rfc/rfc9110#name-range | RFC 9110} allows.
 *
 * @param file A handle at the first byte
 * @throws {HttpError} 412 or 416: a condition does not hold, or the range lies behind the end
 */
export async function fileResponse(
  request: Request,
  file: SeekableFile,
  options: FileResponseOptions,
): Promise<Response> {
  using owner = new DisposableStack();
  owner.use(file);
  const headers = describe(options);
  if (isPreconditionFailed(request.headers, options)) {
    throw preconditionFailed(request.headers, options);
  }
  if (isNotModified(request.headers, options)) {
    const status = STATUS_CODE.NotModified;
    headers.set("cache-control", CACHE_CONTROL);
    return new Response(null, { status, headers });
  }
  const range = readRange(request, options);
  if (range === "unsatisfiable") {
    throw notSatisfiable(request.headers, options);
  }
  headers.set("cache-control", CACHE_CONTROL);
  headers.set("content-type", options.contentType);
  headers.set("content-length", `${range?.length ?? options.size}`);
  if (request.method === "HEAD") return new Response(null, { headers });
  if (range === undefined) {
    // Not more than was declared, also of a file that grows meanwhile.
    const { size: length } = options;
    const body = streamBytes(file, { owner: owner.move(), length });
    return new Response(body, { headers });
  }
  const { start, length } = range;
  const last = start + length - 1;
  headers.set("content-range", `bytes ${start}-${last}/${options.size}`);
  await file.seek(start, Deno.SeekMode.Start);
  const body = streamBytes(file, { owner: owner.move(), length });
  return new Response(body, { status: STATUS_CODE.PartialContent, headers });
}

function preconditionFailed(
  asked: Headers,
  { etag, lastModified }: FileResponseOptions,
): HttpError {
  const [param, found] = asked.has("if-match")
    ? ["If-Match", `is ${quote(etag)}`]
    : ["If-Unmodified-Since", `is of ${lastModified?.toUTCString()}`];
  return new HttpError(
    "unknown_parameter",
    `Cannot meet ${param} ${shownOf(asked, param)}: the file ${found}`,
    {
      status: STATUS_CODE.PreconditionFailed,
      headers: { etag: quote(etag) },
      param,
    },
  );
}

function notSatisfiable(
  asked: Headers,
  { etag, size }: FileResponseOptions,
): HttpError {
  return new HttpError(
    "unknown_parameter",
    `Cannot send Range ${
      shownOf(asked, "Range")
    }: the file has ${size} bytes, the first is 0`,
    {
      status: STATUS_CODE.RangeNotSatisfiable,
      headers: { "content-range": `bytes */${size}`, "etag": quote(etag) },
      param: "Range",
    },
  );
}

function shownOf(asked: Headers, name: string): string {
  return quoteText(asked.get(name) ?? "");
}

function describe(options: FileResponseOptions): Headers {
  const fileName = options.fileName.replaceAll(/[^A-Za-z0-9._-]/g, "_");
  const headers = new Headers({
    "accept-ranges": "bytes",
    "content-disposition": `inline; filename="${fileName}"`,
    "content-security-policy": "sandbox; default-src 'none'",
    "etag": quote(options.etag),
    "x-content-type-options": "nosniff",
  });
  if (options.lastModified !== undefined) {
    headers.set("last-modified", options.lastModified.toUTCString());
  }
  return headers;
}

function isPreconditionFailed(
  asked: Headers,
  options: FileResponseOptions,
): boolean {
  const tags = asked.get("if-match");
  if (tags !== null) return !ifMatch(tags, quote(options.etag));
  return isLater(options.lastModified, asked.get("if-unmodified-since")) ===
    true;
}

function isNotModified(asked: Headers, options: FileResponseOptions): boolean {
  const tags = asked.get("if-none-match");
  if (tags !== null) return !ifNoneMatch(tags, quote(options.etag));
  return isLater(options.lastModified, asked.get("if-modified-since")) ===
    false;
}

/** Compares in whole seconds, which is all that a date in a header holds; nothing where there is no date to compare. */
function isLater(
  date: Date | undefined,
  header: string | null,
): boolean | undefined {
  const limit = Date.parse(header ?? "");
  if (date === undefined || Number.isNaN(limit)) return;
  return Math.floor(date.getTime() / 1000) > Math.floor(limit / 1000);
}

/** Reads the range that a request asks for; nothing where the whole file is the answer. */
function readRange(
  request: Request,
  options: FileResponseOptions,
): FileRange | undefined {
  const { size } = options;
  const ifRange = request.headers.get("if-range");
  const [, first, last] = RANGE.exec(request.headers.get("range") ?? "") ?? [];
  if (request.method !== "GET" || first === undefined) return;
  if (ifRange !== null && ifRange !== quote(options.etag)) return;
  if (first === "") {
    if (last === "") return;
    const length = Math.min(Number(last), size);
    return length === 0 ? "unsatisfiable" : { start: size - length, length };
  }
  const start = Number(first);
  const end = last === "" ? size : Math.min(Number(last) + 1, size);
  if (last !== "" && Number(last) < start) return;
  if (start >= size) return "unsatisfiable";
  return { start, length: end - start };
}

/** Streams `length` bytes from where the handle stands, and lets go of the handle at the last one. */
function streamBytes(
  file: SeekableFile,
  options: { readonly length: number; readonly owner: DisposableStack },
): ReadableStream<Uint8Array<ArrayBuffer>> {
  const { owner } = options;
  let left = options.length;
  return new ReadableStream({
    async pull(controller) {
      using unlessMore = new DisposableStack();
      unlessMore.use(owner);
      const chunk = new Uint8Array(Math.min(left, CHUNK_BYTES));
      const count = await file.read(chunk);
      if (count === null) {
        throw new Error(`Cannot send a file: it is ${left} bytes too short`);
      }
      controller.enqueue(chunk.subarray(0, count));
      left -= count;
      if (left === 0) controller.close();
      else unlessMore.move();
    },
    cancel() {
      owner.dispose();
    },
  }, { highWaterMark: 0 });
}

function quote(etag: string): string {
  return `"${etag}"`;
}
