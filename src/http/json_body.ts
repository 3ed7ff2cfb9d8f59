import { Buffer } from "node:buffer";
import { ApiError } from "../errors.ts";
import { removeIfExists } from "../util.ts";
import {
  mediaTypeOf,
  type ReadBodyOptions,
  readChunks,
  refuseType,
} from "./body.ts";
import { DataUrlFile, isDataUrlHeader } from "./data_url.ts";
import type { DataUrlOptions, Upload } from "./upload.ts";

const JSON_TYPE = "application/json";
/** Room for a prompt of 32,000 characters, each of them escaped, and for twice as much beside it. */
const MAX_TEXT_BYTES = 1_048_576;
const MAX_DEPTH = 16;
const MAX_MARKS = 4_096;
const MAX_KEYS = 512;
const CUT_OFF = "Unexpected end of JSON input";
const PLACE = / at position \d+ \(line \d+ column \d+\)$/;
const HALF_ESCAPE = /\\(?:u[\da-f]{0,3})?$/i;
const NO_BASE64 = "????";
const QUOTE = 0x22;
const BACKSLASH = 0x5c;

/** How {@linkcode readJson} reads. */
export interface ReadJsonOptions extends ReadBodyOptions {
  /** How to write data URLs to disk; they are text as any other when left out. */
  readonly files?: DataUrlOptions;
}

/** A body that was read; its disposal removes the directory of its files, with all that nobody has moved elsewhere. */
export interface JsonBody extends AsyncDisposable {
  /** The value, with an {@linkcode Upload} in the place of each base64 data URL in a member that holds them. */
  readonly value: unknown;
}

/**
 * Reads the body of a request as JSON in UTF-8, with or without a byte order mark, its data URLs straight to disk.
 *
 * All else may have 1 MiB, 4,096 structural characters, 512 keys and 16 levels, which is known before anything is parsed.
 * Where the reading fails, nothing stays on disk.
 *
 * @throws {ApiError} `unsupported_media_type` where the type is not `application/json`, before anything is read;
 * `invalid_json`, never with a part of the body in its message; `body_too_large`; what `files` makes where a data URL is at
 * fault; and what {@linkcode readChunks} throws.
 */
export async function readJson(
  request: Request,
  options: ReadJsonOptions,
): Promise<JsonBody> {
  const { files } = options;
  if (mediaTypeOf(request) !== JSON_TYPE) {
    throw refuseType(request, `"${JSON_TYPE}"`);
  }
  const remove = async () => {
    if (files !== undefined) await removeIfExists(files.directory);
  };
  await using undo = new AsyncDisposableStack();
  undo.defer(remove);
  using reader = new JsonReader(files);
  for await (const chunk of readChunks(request, options)) {
    await reader.write(chunk);
  }
  const value = reader.parse();
  undo.move();
  return { value, [Symbol.asyncDispose]: remove };
}

/** A list or an object that is being read. */
interface Level {
  readonly isObject: boolean;
  /** Whether the next string is a key. */
  atKey: boolean;
  /** The last key, or the index in a list. */
  place: string | number;
}

/** Outside of strings, in one, at the start of one that may be a data URL, behind its header, in its data, and behind it. */
type State = "outside" | "string" | "header" | "open" | "data" | "close";

/** Reads JSON chunk by chunk, and keeps all of it but the data URLs. */
class JsonReader implements Disposable {
  readonly #files: DataUrlOptions | undefined;
  /** Files by what stands in their place: a name that nobody outside can guess. */
  readonly #uploads = new Map<unknown, Upload>();
  readonly #levels: Level[] = [];
  #state: State = "outside";
  #marks = 0;
  #keys = 0;
  #text = Buffer.alloc(4_096);
  #length = 0;
  /** Where the string that is being read began in the text, behind its quotation mark. */
  #start = 0;
  /** The characters of an escape so far. */
  #escape = "";
  #header = "";
  #file: DataUrlFile | undefined;

  constructor(files: DataUrlOptions | undefined) {
    this.#files = files;
  }

  /** Reads what comes next. */
  async write(bytes: Uint8Array<ArrayBuffer>): Promise<void> {
    const chunk = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length);
    for (let at = 0; at < chunk.length;) {
      at = this.#read(chunk, at);
      if (this.#state === "open") await this.#openFile();
      if (this.#state === "close") await this.#closeFile();
    }
    await this.#file?.flush();
  }

  /** Parses what was read. */
  parse(): unknown {
    if (this.#file !== undefined) throw invalidJson("it ends too early");
    const text = decodeUtf8(this.#text.subarray(0, this.#length));
    if (text.trim() === "") throw invalidJson("it is empty");
    try {
      return JSON.parse(text, (_, value) => this.#uploads.get(value) ?? value);
    } catch (error) {
      if (!(error instanceof SyntaxError)) throw error;
      throw invalidJson(this.#describe(error));
    }
  }

  /** Closes the file that was not read to its end. */
  [Symbol.dispose](): void {
    this.#file?.[Symbol.dispose]();
  }

  /** Reads one stretch of a chunk, and tells where the next begins. */
  #read(chunk: Buffer, at: number): number {
    if (this.#state === "outside") return this.#readOutside(chunk, at);
    if (this.#state === "string") return this.#readString(chunk, at);
    if (this.#state === "data") return this.#readData(chunk, at);
    this.#readHeader(chunk[at]);
    return at + 1;
  }

  #readOutside(chunk: Buffer, start: number): number {
    let at = start;
    while (at < chunk.length && chunk[at] !== QUOTE) this.#count(chunk[at++]);
    this.#keep(chunk.subarray(start, at + 1));
    if (at === chunk.length) return at;
    const level = this.#levels.at(-1);
    const isFile = level?.isObject && !level.atKey &&
      this.#files?.names.includes(`${level.place}`);
    this.#state = isFile ? "header" : "string";
    this.#start = this.#length;
    this.#header = "";
    return at + 1;
  }

  /** Follows the structure as far as its size and the places of strings go; whether it is well-formed is for the parser. */
  #count(byte: number): void {
    const mark = String.fromCharCode(byte);
    const level = this.#levels.at(-1);
    if (mark === "{" || mark === "[") {
      const isObject = mark === "{";
      this.#levels.push({ isObject, atKey: isObject, place: 0 });
    } else if (mark === "}" || mark === "]") {
      this.#levels.pop();
    } else if (mark === ":") {
      if (level !== undefined) level.atKey = false;
    } else if (mark === ",") {
      if (level?.isObject) level.atKey = true;
      else if (typeof level?.place === "number") level.place++;
    } else {
      return;
    }
    requireAtMost(MAX_MARKS, ++this.#marks, "structural characters");
    requireAtMost(MAX_DEPTH, this.#levels.length, "levels");
  }

  #readString(chunk: Buffer, start: number): number {
    let at = start;
    let isEnd = false;
    while (at < chunk.length && !isEnd) {
      const byte = chunk[at++];
      isEnd = byte === QUOTE && this.#escape === "";
      const escapes = byte === BACKSLASH && this.#escape === "";
      this.#escape = escapes ? "\\" : "";
    }
    this.#keep(chunk.subarray(start, at));
    if (isEnd) this.#endString();
    return at;
  }

  #endString(): void {
    this.#state = "outside";
    const level = this.#levels.at(-1);
    if (!level?.atKey) return;
    requireAtMost(MAX_KEYS, ++this.#keys, "keys");
    const key = this.#text.toString("utf8", this.#start - 1, this.#length);
    level.place = parseString(key) ?? "";
  }

  /** Looks at a string that may be a data URL byte by byte; any other is kept as it came. */
  #readHeader(byte: number): void {
    this.#keep(Buffer.of(byte));
    if (byte === QUOTE && this.#escape === "") return this.#endString();
    const character = this.#unescape(byte);
    if (character === "") return;
    this.#header += character ?? "\0";
    const isHeader = isDataUrlHeader(this.#header);
    if (isHeader !== undefined) this.#state = isHeader ? "open" : "string";
  }

  async #openFile(): Promise<void> {
    const files = this.#files!;
    const param = formatPath(this.#levels);
    if (this.#uploads.size === files.maxFiles) {
      const state = `there are more than ${files.maxFiles} data URLs`;
      throw files.refuse(param, state);
    }
    this.#file = await DataUrlFile.open(param, files);
    this.#length = this.#start;
    this.#state = "data";
  }

  #readData(chunk: Buffer, start: number): number {
    const quote = chunk.indexOf(QUOTE, start);
    const end = quote === -1 ? chunk.length : quote;
    const raw = this.#escape + chunk.toString("latin1", start, end);
    this.#escape = quote === -1 ? HALF_ESCAPE.exec(raw)?.[0] ?? "" : "";
    const text = parseString(
      `"${raw.slice(0, raw.length - this.#escape.length)}"`,
    );
    if (quote !== -1) this.#state = "close";
    if (raw.includes("\\\\") || (quote !== -1 && raw.endsWith("\\"))) {
      // A backslash or a quotation mark is text of JSON, and none of base64.
      this.#file!.add(NO_BASE64);
    } else if (text === undefined) {
      throw invalidJson("a data URL is malformed");
    } else {
      this.#file!.add(text);
    }
    return end + 1;
  }

  async #closeFile(): Promise<void> {
    using file = this.#file!;
    this.#file = undefined;
    const name = crypto.randomUUID();
    this.#uploads.set(name, await file.finish());
    this.#keep(Buffer.from(`${name}"`));
    this.#state = "outside";
  }

  /** Takes a byte of a string, and gives the character that ends with it: "" for none yet, undefined for none at all. */
  #unescape(byte: number): string | undefined {
    const character = String.fromCharCode(byte);
    if (this.#escape === "" && byte !== BACKSLASH) return character;
    this.#escape += character;
    if (HALF_ESCAPE.test(this.#escape)) return "";
    const whole = parseString(`"${this.#escape}"`);
    this.#escape = "";
    return whole;
  }

  #keep(bytes: Uint8Array): void {
    const length = this.#length + bytes.length;
    if (length > MAX_TEXT_BYTES) throw tooLong(this.#files);
    if (length > this.#text.length) {
      const larger = Buffer.alloc(2 * length);
      this.#text.copy(larger, 0, 0, this.#length);
      this.#text = larger;
    }
    this.#text.set(bytes, this.#length);
    this.#length = length;
  }

  /** Puts a syntax error into words without those of the engine, which quote the text around it. */
  #describe({ message }: SyntaxError): string {
    if (message === CUT_OFF) return "it ends too early";
    // What is left of a data URL is shorter than what was sent.
    const place = this.#uploads.size === 0 ? PLACE.exec(message)?.[0] : "";
    return `it is malformed${place ?? ""}`;
  }
}

function parseString(json: string): string | undefined {
  try {
    return JSON.parse(json);
  } catch (error) {
    if (!(error instanceof SyntaxError)) throw error;
    return undefined;
  }
}

function formatPath(levels: readonly Level[]): string {
  const parts = levels.map(({ place }) =>
    typeof place === "number" ? `[${place}]` : `.${place}`
  );
  return parts.join("").replace(/^\./, "");
}

function decodeUtf8(bytes: Uint8Array): string {
  try {
    return new TextDecoder("utf-8", { fatal: true }).decode(bytes);
  } catch (error) {
    if (!(error instanceof TypeError)) throw error;
    throw invalidJson("it is not UTF-8");
  }
}

function requireAtMost(max: number, count: number, what: string): void {
  if (count <= max) return;
  const limit = max.toLocaleString("en-US");
  throw invalidJson(
    `it has too much structure, expected ${limit} ${what} at most`,
  );
}

function tooLong(files: DataUrlOptions | undefined): ApiError {
  const names = files?.names.map((name) => `"${name}"`) ?? [];
  const what = names.length === 0
    ? "it exceeds"
    : `without the data URLs in ${names.join(" and ")} it exceeds`;
  return new ApiError(
    "body_too_large",
    `Cannot read the body: ${what} the limit of ${MAX_TEXT_BYTES} bytes`,
  );
}

function invalidJson(state: string): ApiError {
  return new ApiError(
    "invalid_json",
    `Cannot read the body as JSON: ${state}`,
  );
}
