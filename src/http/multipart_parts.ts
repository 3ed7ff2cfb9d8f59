import { parseMediaType } from "@std/media-types/parse-media-type";
import { Buffer } from "node:buffer";
import { ApiError } from "../errors.ts";
import { truncateAndQuote } from "../util.ts";
import { EarlyEnd, MarkedReader } from "./multipart_reader.ts";

const LINE_END = Buffer.from("\r\n");
const HEAD_END = Buffer.from("\r\n\r\n");
const MAX_HEAD_BYTES = 16_384;
const CLOSING = "--";
const EXPECTED =
  `expected one such as Content-Disposition: form-data; name="prompt"`;
const DISPOSITION = /^content-disposition[ \t]*:(.*)$/is;
const FORM_DATA = /^[ \t]*form-data[ \t]*;/i;
const NAME = /;[ \t]*name=(?:"([^"\\]+)"|([^";\s]+))[ \t]*(?=;|$)/gi;
const HAS_FILE_NAME = /;[ \t]*filename\*?=/i;
const FILE_NAME = /;[ \t]*filename=(?:"([^"]*)"|([^;]*))/i;
/** What a file is called whose name cannot be read, as clients call one without. */
const NO_FILE_NAME = "blob";

/** One part of a form, while it is read. */
export interface FormPart {
  /** The name of its field. */
  readonly name: string;
  /** The name of the file; undefined where none is told. */
  readonly fileName: string | undefined;
  /** Its content, to be read to the end before the next part; it throws {@linkcode EarlyEnd} where the body ends within. */
  readonly content: AsyncIterable<Uint8Array<ArrayBuffer>>;
}

/**
 * Reads the parts of a `multipart/form-data` body (RFC 7578) one by one, as they come.
 *
 * @param chunks The body.
 * @param boundary The boundary that its type tells.
 * @throws {ApiError} `unsupported_media_type` where the boundary is not in the body, `unknown_parameter` where a part has
 * no name that can be read.
 */
export async function* readParts(
  chunks: AsyncIterator<Uint8Array<ArrayBuffer>>,
  boundary: string,
): AsyncGenerator<FormPart> {
  // The first boundary has no line before it, and reads as the others do if there is one.
  const reader = new MarkedReader(chunks, LINE_END);
  const mark = Buffer.from(`\r\n--${boundary}`, "latin1");
  await skipPreamble(reader, mark, boundary);
  for (let number = 1; await hasPart(reader, number); number++) {
    const head = await readHead(reader, number);
    yield { ...readDisposition(head, number), content: reader.until(mark) };
  }
}

async function skipPreamble(
  reader: MarkedReader,
  mark: Uint8Array,
  boundary: string,
): Promise<void> {
  try {
    for await (const _ of reader.until(mark));
  } catch (error) {
    if (!(error instanceof EarlyEnd)) throw error;
    throw new ApiError(
      "unsupported_media_type",
      `Cannot read the body as multipart/form-data: no part begins with the boundary ${
        truncateAndQuote(boundary)
      } of its Content-Type`,
    );
  }
}

async function hasPart(reader: MarkedReader, number: number): Promise<boolean> {
  try {
    const next = Buffer.from(await reader.peek(CLOSING.length));
    return next.toString("latin1") !== CLOSING;
  } catch (error) {
    throw explain(error, number);
  }
}

async function readHead(reader: MarkedReader, number: number): Promise<string> {
  const chunks: Uint8Array[] = [];
  let length = 0;
  try {
    for await (const chunk of reader.until(HEAD_END)) {
      chunks.push(chunk);
      length += chunk.length;
      if (length > MAX_HEAD_BYTES) {
        throw refuse(number, `its headers exceed ${MAX_HEAD_BYTES} bytes`);
      }
    }
  } catch (error) {
    throw explain(error, number);
  }
  return Buffer.concat(chunks).toString();
}

/** Reads the one header that counts; what type a part says it has is for its bytes to tell. */
function readDisposition(
  head: string,
  number: number,
): { readonly name: string; readonly fileName: string | undefined } {
  const [first, ...lines] = head.replaceAll(/\r\n[ \t]+/g, " ").split("\r\n");
  if (first.trim() !== "" || lines.some((line) => !line.includes(":"))) {
    throw refuse(number, "its headers are malformed");
  }
  const values = lines.flatMap((line) => DISPOSITION.exec(line)?.[1] ?? []);
  if (values.length !== 1) {
    const count = values.length === 0 ? "no" : "more than one";
    throw refuse(number, `it has ${count} Content-Disposition, ${EXPECTED}`);
  }
  const params = parseDisposition(values[0]);
  if (!params?.name) {
    const shown = truncateAndQuote(values[0].trim());
    throw refuse(number, `its Content-Disposition is ${shown}, ${EXPECTED}`);
  }
  return { name: params.name, fileName: params.filename };
}

function parseDisposition(
  value: string,
): Readonly<Record<string, string>> | undefined {
  try {
    const [type, params] = parseMediaType(value);
    return type === "form-data" ? params : undefined;
  } catch (error) {
    // A URIError comes from percent signs in an encoded file name.
    if (!(error instanceof TypeError || error instanceof URIError)) throw error;
    return parseLoosely(value);
  }
}

/** Reads what some clients write: a file name with spaces or letters beyond ASCII outside of quotes, or badly encoded. */
function parseLoosely(
  value: string,
): Readonly<Record<string, string>> | undefined {
  const names = [...value.matchAll(NAME)];
  const isFile = FORM_DATA.test(value) && HAS_FILE_NAME.test(value);
  if (!isFile || names.length !== 1) return;
  const [[, quoted, plain]] = names;
  const [, file, plainFile] = FILE_NAME.exec(value) ?? [];
  const filename = file ?? (plainFile?.trim() || NO_FILE_NAME);
  return { name: quoted ?? plain, filename };
}

function explain(error: unknown, number: number): unknown {
  if (!(error instanceof EarlyEnd)) return error;
  return refuse(
    number,
    "the body ends too early, expected its headers or the closing boundary",
  );
}

function refuse(number: number, state: string): ApiError {
  return new ApiError(
    "unknown_parameter",
    `Cannot read part ${number} of the form: ${state}`,
  );
}
