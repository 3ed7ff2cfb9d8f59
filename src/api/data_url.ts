import { REFERENCE_LIMITS } from "./generate_request.ts";
import { ValidationError } from "./validation_error.ts";

const SCHEME = "data:";
const MARK = ";base64,";

/** How far into a data URL its data may start, so that no search runs through megabytes of it. */
const MAX_HEADER = 256;

/**
 * Tells where the data of a base64 data URL starts, without reading the data.
 *
 * @returns The index of the first character of the data, or `undefined` for text that is no base64 data URL
 */
export function dataStart(text: string): number | undefined {
  const start = text.slice(0, MAX_HEADER).indexOf(",") + 1;
  const header = text.slice(0, start);
  const isBase64 = header.startsWith(SCHEME) && header.endsWith(MARK);
  return isBase64 ? start : undefined;
}

/**
 * Decodes the image of a base64 data URL.
 *
 * Padding may be missing and lines may be broken, as in `fetch`; other alphabets and percent-encoding are refused. The
 * limit of 52,428,800 bytes is checked by the length of the text, so nothing too large is ever decoded. 60 MB of base64
 * take about 0.2 s.
 *
 * @param param The field that holds the data URL, such as `references[2].image`
 * @throws {ValidationError} `invalid_reference` that names `param`
 */
export function decodeDataUrl(
  dataUrl: string,
  param: string,
): Uint8Array<ArrayBuffer> {
  const start = dataStart(dataUrl);
  if (start === undefined) throw refuse(param, "it is no base64 data URL");
  const data = dataUrl.slice(start);
  if (decodedLength(data) > REFERENCE_LIMITS.maxBytes) {
    const limit = REFERENCE_LIMITS.maxBytes.toLocaleString("en-US");
    throw refuse(param, `it is over ${limit} bytes`);
  }
  const bytes = decode(data, param);
  if (bytes.length === 0) throw refuse(param, "it holds no data");
  return bytes;
}

function decode(data: string, param: string): Uint8Array<ArrayBuffer> {
  try {
    return Uint8Array.fromBase64(data);
  } catch (error) {
    if (!(error instanceof SyntaxError)) throw error;
    throw refuse(param, "its data is not valid base64");
  }
}

function decodedLength(data: string): number {
  const padding = data.endsWith("==") ? 2 : data.endsWith("=") ? 1 : 0;
  return Math.floor((data.length - padding) * 3 / 4);
}

function refuse(param: string, state: string): ValidationError {
  return new ValidationError(`Cannot decode ${param}: ${state}`, {
    code: "invalid_reference",
    param,
  });
}
