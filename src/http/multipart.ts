import { Buffer } from "node:buffer";
import { parseMediaType } from "@std/media-types/parse-media-type";
import { ApiError } from "../errors.ts";
import { removeIfExists, truncateAndQuote } from "../util.ts";
import {
  mediaTypeOf,
  type ReadBodyOptions,
  readChunks,
  refuseType,
} from "./body.ts";
import type { Upload, UploadOptions } from "./upload.ts";
import { UploadWriter } from "./upload_writer.ts";

const FORM_TYPE = "multipart/form-data";
const LINE_END = "\r\n";
const HEAD_END = Buffer.from("\r\n\r\n");
const CLOSING = "--";
const MAX_HEAD_BYTES = 16_384;
/** Room for 32,000 characters of four bytes, and to spare. */
const MAX_TEXT_BYTES = 262_144;
const EXPECTED =
  `expected one such as Content-Disposition: form-data; name="prompt"`;
const DISPOSITION = /^content-disposition[ \t]*:(.*)$/is;
const NAME = /;[ \t]*name=(?:"([^"\\]+)"|([^";\s]+))[ \t]*(?=;|$)/gi;
const FILE_PART = /^[ \t]*form-data[ \t]*;(?:.*;)?[ \t]*filename\*?=/is;
const FILE_NAME = /;[ \t]*filename=(?:"([^"]*)"|([^;]*))/i;
/** What a file is called whose name cannot be read, as clients call one without. */
const NO_FILE_NAME = "blob";

/** A file that came with a form and lies on disk. */
export interface FormFile extends Omit<Upload, "toJSON"> {
  /** The name of the field. */
  readonly field: string;
  /** What the caller calls the file; undefined where nothing is told. */
  readonly fileName: string | undefined;
}

/** What a form is expected to hold. */
export interface FormShape {
  /** Tells whether a field takes files; its parts are written to disk, with a file name or without. */
  isFile(field: string): boolean;
  /** Tells whether a field takes one file, which counts apart from those of fields that take many. */
  isSingle(field: string): boolean;
  /** Makes the failure for a field at fault; the state completes a sentence about it, such as `it is empty`. */
  refuse(field: string, state: string): ApiError;
}

/** How {@linkcode readMultipart} reads. */
export interface ReadMultipartOptions extends ReadBodyOptions, UploadOptions {
  /** What the form is expected to hold. */
  readonly shape: FormShape;
  /** The most fields of text, each of 262,144 bytes at most. */
  readonly maxFields: number;
}

/** A form that was read; its disposal removes its directory, with all files that nobody has moved elsewhere. */
export interface MultipartForm extends AsyncDisposable {
  /** The fields of text, in their order. */
  readonly fields: readonly { readonly name: string; readonly value: string }[];
  /** The files, in their order. */
  readonly files: readonly FormFile[];
}

type Bytes = Uint8Array<ArrayBuffer>;
type PartHead = Pick<FormFile, "field" | "fileName">;

/** Tells whether the body of a request is a form that may hold files. */
export function isMultipart(request: Request): boolean {
  return mediaTypeOf(request) === FORM_TYPE;
}

/**
 * Reads a `multipart/form-data` body (RFC 7578), its files straight to disk and hashed on the way.
 *
 * Of a file no more than a few chunks are in memory at a time: the parsers of the field collect a whole part before they
 * give it, which is 833 MB for sixteen uploads of 48 MB, where this takes less than 100. Where the reading fails, nothing
 * stays on disk.
 *
 * @throws {ApiError} `unsupported_media_type` where the boundary is not told or not in the body; `unknown_parameter` where
 * a part has no name that can be read; what `shape` makes where a field is at fault; and what {@linkcode readChunks}
 * throws.
 */
export async function readMultipart(
  request: Request,
  options: ReadMultipartOptions,
): Promise<MultipartForm> {
  const boundary = readBoundary(request);
  await using files = new AsyncDisposableStack();
  files.defer(() => removeIfExists(options.directory));
  const chunks = readChunks(request, options);
  try {
    const form = await readForm(new PartReader(chunks, boundary), options);
    // Nothing counts behind the last part, and a caller may still be sending it.
    for await (const _ of chunks);
    const kept = files.move();
    return { ...form, [Symbol.asyncDispose]: () => kept.disposeAsync() };
  } finally {
    await chunks.return();
  }
}

function readBoundary(request: Request): string {
  const [type, params] = parseType(request.headers.get("content-type") ?? "");
  if (type === FORM_TYPE && params?.boundary) return params.boundary;
  throw refuseType(request, `"${FORM_TYPE}" with its boundary`);
}

/** Sorts the parts of a form into fields of text and files, and writes the files to disk. */
async function readForm(
  reader: PartReader,
  options: ReadMultipartOptions,
): Promise<Pick<MultipartForm, "fields" | "files">> {
  const { maxFields, maxFiles, shape } = options;
  const fields: { name: string; value: string }[] = [];
  const files: FormFile[] = [];
  let unchosen = 0;
  for (let part; (part = await reader.nextPart()) !== undefined;) {
    const { field } = part;
    const single = shape.isSingle(field);
    const alike = files.filter((file) => shape.isSingle(file.field) === single);
    if (!shape.isFile(field)) {
      if (fields.length === maxFields) {
        throw shape.refuse(field, `there are more than ${maxFields} fields`);
      }
      fields.push({ name: field, value: await readText(reader, part, shape) });
    } else if (alike.length === maxFiles) {
      throw shape.refuse(field, `there are more than ${maxFiles} files`);
    } else {
      const file = await readFile(reader, part, options);
      if (file !== undefined) files.push(file);
      // Each is written before it is known to be empty.
      else if (++unchosen > maxFields) {
        throw shape.refuse(field, `more than ${maxFields} files are empty`);
      }
    }
  }
  return { fields, files };
}

async function readFile(
  reader: PartReader,
  { field, fileName }: PartHead,
  { directory, maxFileBytes, shape }: ReadMultipartOptions,
): Promise<FormFile | undefined> {
  const called = fileName === undefined
    ? "without a name"
    : truncateAndQuote(fileName);
  using writer = await UploadWriter.open(directory);
  for await (const chunk of reader.content(torn(field, shape))) {
    if (writer.bytes + chunk.length > maxFileBytes) {
      const limit = maxFileBytes.toLocaleString("en-US");
      throw shape.refuse(field, `the file ${called} is over ${limit} bytes`);
    }
    await writer.write(chunk);
  }
  if (writer.bytes > 0) return { field, fileName, ...writer.finish() };
  // What a web page sends for a file input in which nothing is chosen.
  if (fileName === "") return undefined;
  throw shape.refuse(field, `the file ${called} holds no data`);
}

async function readText(
  reader: PartReader,
  { field, fileName }: PartHead,
  shape: FormShape,
): Promise<string> {
  if (fileName !== undefined) {
    throw shape.refuse(
      field,
      `it is a file, ${truncateAndQuote(fileName)}, expected text`,
    );
  }
  const bytes = await reader.collect(MAX_TEXT_BYTES, torn(field, shape));
  if (bytes.length > MAX_TEXT_BYTES) {
    throw shape.refuse(field, `it is over ${MAX_TEXT_BYTES} bytes`);
  }
  try {
    return new TextDecoder("utf-8", { fatal: true }).decode(bytes);
  } catch (error) {
    if (!(error instanceof TypeError)) throw error;
    throw shape.refuse(field, "it is not UTF-8");
  }
}

function torn(field: string, shape: FormShape): () => ApiError {
  return () => shape.refuse(field, "the body ends in the middle of it");
}

/** Reads a form part by part, wherever its chunks are cut. */
class PartReader {
  readonly #chunks: AsyncIterator<Bytes>;
  readonly #boundary: string;
  readonly #mark: Buffer;
  // The first boundary has no line before it, and reads as the others do if there is one.
  #held: Buffer<ArrayBuffer> = Buffer.from(LINE_END);
  #number = 0;

  constructor(
    chunks: AsyncIterator<Bytes>,
    boundary: string,
  ) {
    this.#chunks = chunks;
    this.#boundary = boundary;
    this.#mark = Buffer.from(`${LINE_END}--${boundary}`, "latin1");
  }

  /** Reads the headers of the next part; undefined behind the last. */
  async nextPart(): Promise<PartHead | undefined> {
    if (this.#number++ === 0) {
      for await (const _ of this.content(() => this.#refuseBoundary()));
    }
    while (this.#held.length < CLOSING.length && await this.#fill());
    const next = this.#held.toString("latin1", 0, CLOSING.length);
    if (next === CLOSING) return undefined;
    const state =
      "the body ends too early, expected its headers or the closing boundary";
    const tooEarly = () => this.#refuse(state);
    const head = await this.collect(MAX_HEAD_BYTES, tooEarly, HEAD_END);
    if (head.length <= MAX_HEAD_BYTES) return this.#parseHead(head.toString());
    throw this.#refuse(`its headers exceed ${MAX_HEAD_BYTES} bytes`);
  }

  /**
   * Gives the content of a part as it comes; it has to be read to its end before the next part.
   *
   * @param torn Makes the failure for a body that ends within.
   */
  async *content(
    torn: () => ApiError,
    mark: Buffer = this.#mark,
  ): AsyncGenerator<Bytes> {
    for (;;) {
      const index = this.#held.indexOf(mark);
      // The mark may have begun in what is kept.
      const begun = Math.max(0, this.#held.length - mark.length + 1);
      const end = index === -1 ? begun : index;
      if (end > 0) yield this.#held.subarray(0, end);
      this.#held = this.#held.subarray(index === -1 ? end : end + mark.length);
      if (index !== -1) return;
      if (!await this.#fill()) throw torn();
    }
  }

  /** Reads content into memory, and not much more of it than is expected. */
  async collect(maxBytes: number, torn: () => ApiError, mark?: Buffer) {
    const chunks: Bytes[] = [];
    let length = 0;
    for await (const chunk of this.content(torn, mark)) {
      chunks.push(chunk);
      length += chunk.length;
      if (length > maxBytes) break;
    }
    return Buffer.concat(chunks);
  }

  async #fill(): Promise<boolean> {
    const { done, value } = await this.#chunks.next();
    if (!done) this.#held = Buffer.concat([this.#held, value]);
    return !done;
  }

  /** Reads the one header that counts; what type a part says it has is for its bytes to tell. */
  #parseHead(head: string): PartHead {
    const [first, ...lines] = head.replaceAll(/\r\n[ \t]+/g, " ").split("\r\n");
    if (first.trim() !== "" || lines.some((line) => !line.includes(":"))) {
      throw this.#refuse("its headers are malformed");
    }
    const values = lines.flatMap((line) => DISPOSITION.exec(line)?.[1] ?? []);
    if (values.length !== 1) {
      const count = values.length === 0 ? "no" : "more than one";
      throw this.#refuse(`it has ${count} Content-Disposition, ${EXPECTED}`);
    }
    const disposition = parseDisposition(values[0]);
    if (disposition !== undefined) return disposition;
    const shown = truncateAndQuote(values[0].trim());
    throw this.#refuse(`its Content-Disposition is ${shown}, ${EXPECTED}`);
  }

  #refuseBoundary(): ApiError {
    const shown = truncateAndQuote(this.#boundary);
    return new ApiError(
      "unsupported_media_type",
      `Cannot read the body as ${FORM_TYPE}: no part begins with the boundary ${shown} of its Content-Type`,
    );
  }

  #refuse(state: string): ApiError {
    return new ApiError(
      "unknown_parameter",
      `Cannot read part ${this.#number} of the form: ${state}`,
    );
  }
}

function parseDisposition(value: string): PartHead | undefined {
  const [type, params] = parseType(value);
  if (type === undefined) return parseLoosely(value);
  if (type !== "form-data" || !params?.name) return undefined;
  return { field: params.name, fileName: params.filename };
}

function parseType(value: string): Partial<ReturnType<typeof parseMediaType>> {
  try {
    return parseMediaType(value);
  } catch (error) {
    // A URIError comes from percent signs in an encoded parameter.
    if (!(error instanceof TypeError || error instanceof URIError)) throw error;
    return [];
  }
}

/** Reads what some clients write: a file name with spaces or letters beyond ASCII outside of quotes, or badly encoded. */
function parseLoosely(value: string): PartHead | undefined {
  const names = [...value.matchAll(NAME)];
  if (!FILE_PART.test(value) || names.length !== 1) return undefined;
  const [[, quoted, plain]] = names;
  const [, file, plainFile] = FILE_NAME.exec(value) ?? [];
  const fileName = file ?? (plainFile?.trim() || NO_FILE_NAME);
  return { field: quoted ?? plain, fileName };
}
