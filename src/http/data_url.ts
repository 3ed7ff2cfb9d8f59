import type { ApiError } from "../errors.ts";
import type { DataUrlOptions, Upload } from "./upload.ts";
import { UploadWriter } from "./upload_writer.ts";

// A control character may not stand in JSON as it is, which the parser has to see.
// deno-lint-ignore no-control-regex
const HEADER = /^data:[^,\0-\x1f]*;base64,$/;
const SCHEME = "data:";

/** How far into a data URL its data may start. */
const MAX_HEADER = 256;

/**
 * Tells whether text is all that comes before the data of a base64 data URL; undefined where only more of it can tell.
 *
 * @example
 * ```ts
 * import { isDataUrlHeader } from "./data_url.ts";
 *
 * isDataUrlHeader("data:image/png;base64,"); // true
 * isDataUrlHeader("data:image"); // undefined
 * ```
 */
export function isDataUrlHeader(text: string): boolean | undefined {
  if (text.endsWith(",")) return HEADER.test(text);
  const mayBe = SCHEME.startsWith(text.slice(0, SCHEME.length));
  return mayBe && text.length < MAX_HEADER ? undefined : false;
}

/**
 * Decodes the data of a base64 data URL to disk as it comes.
 *
 * Padding may be missing and lines may be broken, as in `fetch`; other alphabets and percent-encoding are refused.
 */
export class DataUrlFile implements Disposable {
  readonly #writer: UploadWriter;
  readonly #param: string;
  readonly #options: DataUrlOptions;
  #encoded = "";
  #padded = false;

  private constructor(
    writer: UploadWriter,
    param: string,
    options: DataUrlOptions,
  ) {
    this.#writer = writer;
    this.#param = param;
    this.#options = options;
  }

  /**
   * Opens a new file.
   *
   * @param param The member that holds the data URL, such as `references[2].image`.
   */
  static async open(
    param: string,
    options: DataUrlOptions,
  ): Promise<DataUrlFile> {
    const writer = await UploadWriter.open(options.directory);
    return new DataUrlFile(writer, param, options);
  }

  /** Takes what comes next, to be decoded by {@linkcode flush}. */
  add(base64: string): void {
    this.#encoded += base64;
  }

  /**
   * Writes what has come, but for the characters that may belong together with the next.
   *
   * @throws {ApiError} It is not base64, or too large.
   */
  async flush(isEnd = false): Promise<void> {
    const text = this.#encoded.replaceAll(/[\t\n\f\r ]+/g, "");
    const end = isEnd ? text.length : text.length - text.length % 4;
    this.#encoded = text.slice(end);
    if (end === 0) return;
    const bytes = this.#padded ? undefined : fromBase64(text.slice(0, end));
    if (bytes === undefined) throw this.#refuse("its data is not valid base64");
    this.#padded = text[end - 1] === "=";
    const { maxFileBytes } = this.#options;
    if (this.#writer.bytes + bytes.length > maxFileBytes) {
      const limit = maxFileBytes.toLocaleString("en-US");
      throw this.#refuse(`it is over ${limit} bytes`);
    }
    await this.#writer.write(bytes);
  }

  /**
   * Writes the rest, and tells what was written.
   *
   * @throws {ApiError} It is not base64, too large, or nothing.
   */
  async finish(): Promise<Upload> {
    await this.flush(true);
    if (this.#writer.bytes === 0) throw this.#refuse("it holds no data");
    return this.#writer.finish();
  }

  /** Closes the file. */
  [Symbol.dispose](): void {
    this.#writer[Symbol.dispose]();
  }

  #refuse(state: string): ApiError {
    return this.#options.refuse(this.#param, state);
  }
}

function fromBase64(text: string): Uint8Array<ArrayBuffer> | undefined {
  try {
    return Uint8Array.fromBase64(text);
  } catch (error) {
    if (!(error instanceof SyntaxError)) throw error;
    return undefined;
  }
}
