import { ApiError } from "../errors.ts";
import { truncateAndQuote } from "../util.ts";
import { type Pace, requirePace } from "./pace.ts";

const JSON_TYPE = "application/json";
const CUT_OFF = "Unexpected end of JSON input";
const PLACE = / at position \d+ \(line \d+ column \d+\)$/;

/** How {@linkcode readBody} reads. */
export interface ReadBodyOptions {
  /** The largest body to read, in bytes. */
  readonly maxBytes: number;
  /** How fast it has to come; at any pace when left out. */
  readonly pace?: Pace;
  /** Ends the reading. */
  readonly signal?: AbortSignal;
}

/**
 * Reads the body of a request into memory.
 *
 * A body whose length is told beforehand and too large is refused unread, any other where it passes the limit.
 *
 * @throws {ApiError} `body_too_large`; `request_canceled` where the caller does not send all of it, or too slowly. Where
 * `signal` ends the reading, its reason is thrown.
 */
export async function readBody(
  request: Request,
  options: ReadBodyOptions,
): Promise<Uint8Array<ArrayBuffer>> {
  const { maxBytes, pace, signal } = options;
  signal?.throwIfAborted();
  const declared = Number(request.headers.get("content-length"));
  if (declared > maxBytes) {
    throw tooLarge(`its ${declared} bytes exceed`, maxBytes);
  }
  // Grows in place: a list of chunks would take a multiple of the limit when they come byte by byte.
  const buffer = new ArrayBuffer(0, { maxByteLength: maxBytes });
  const sink = new WritableStream<Uint8Array>({
    write(chunk) {
      const start = buffer.byteLength;
      if (start + chunk.length > maxBytes) {
        throw tooLarge("it exceeds", maxBytes);
      }
      buffer.resize(start + chunk.length);
      new Uint8Array(buffer).set(chunk, start);
    },
  });
  try {
    if (request.body !== null) {
      await requirePace(request.body, pace).pipeTo(sink, { signal });
    }
  } catch (error) {
    signal?.throwIfAborted();
    if (error instanceof ApiError) throw error;
    throw new ApiError(
      "request_canceled",
      `Cannot read the body: it broke off after ${buffer.byteLength} bytes`,
      { cause: error },
    );
  }
  return new Uint8Array(buffer.transferToFixedLength());
}

/**
 * Reads the body of a request as JSON in UTF-8, with or without a byte order mark.
 *
 * @throws {ApiError} `unsupported_media_type` where the type is not `application/json`, before anything is read;
 * `invalid_json`, never with a part of the body in its message; and what {@linkcode readBody} throws.
 */
export async function readJson(
  request: Request,
  options: ReadBodyOptions,
): Promise<unknown> {
  checkType(request.headers.get("content-type"));
  const text = decode(await readBody(request, options));
  if (text.trim() === "") throw invalidJson("it is empty");
  try {
    return JSON.parse(text);
  } catch (error) {
    throw invalidJson(describe(error));
  }
}

function checkType(type: string | null): void {
  const [essence] = (type ?? "").split(";", 1);
  if (essence.trim().toLowerCase() === JSON_TYPE) return;
  const what = type === null
    ? "without a type"
    : `of type ${truncateAndQuote(type)}`;
  throw new ApiError(
    "unsupported_media_type",
    `Cannot read a body ${what}: expected Content-Type "${JSON_TYPE}"`,
  );
}

function decode(bytes: Uint8Array<ArrayBuffer>): string {
  try {
    return new TextDecoder("utf-8", { fatal: true }).decode(bytes);
  } catch (error) {
    if (!(error instanceof TypeError)) throw error;
    throw invalidJson("it is not UTF-8");
  }
}

/** Puts a syntax error into words without those of the engine, which quote the text around it. */
function describe(error: unknown): string {
  if (!(error instanceof SyntaxError)) throw error;
  if (error.message === CUT_OFF) return "it ends too early";
  const place = PLACE.exec(error.message)?.[0] ?? "";
  return `it is malformed${place}`;
}

function tooLarge(state: string, maxBytes: number): ApiError {
  return new ApiError(
    "body_too_large",
    `Cannot read the body: ${state} the limit of ${maxBytes} bytes`,
  );
}

function invalidJson(state: string): ApiError {
  return new ApiError(
    "invalid_json",
    `Cannot read the body as JSON: ${state}`,
  );
}
