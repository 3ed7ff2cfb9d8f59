import { parseMediaType } from "@std/media-types/parse-media-type";
import { ApiError } from "../errors.ts";
import { removeIfExists, truncateAndQuote } from "../util.ts";
import type { ReadBodyOptions } from "./body.ts";
import { readChunks } from "./multipart_chunks.ts";
import {
  type FormField,
  type FormFile,
  type FormShape,
  readForm,
  type ReadFormOptions,
} from "./multipart_form.ts";
import { readParts } from "./multipart_parts.ts";

const FORM_TYPE = "multipart/form-data";

export type { FormField, FormFile, FormShape };

/** How {@linkcode readMultipart} reads. */
export interface ReadMultipartOptions extends ReadBodyOptions, ReadFormOptions {
  /** Where files are written: a directory for this form alone, made with the first file. */
  readonly directory: string;
}

/** A form that was read; its disposal removes its directory, with all files that nobody has moved elsewhere. */
export interface MultipartForm extends AsyncDisposable {
  /** The fields of text, in their order. */
  readonly fields: readonly FormField[];
  /** The files, in their order. */
  readonly files: readonly FormFile[];
}

/** Tells whether the body of a request is a form that may hold files. */
export function isMultipart(request: Request): boolean {
  const [type] = (request.headers.get("content-type") ?? "").split(";", 1);
  return type.trim().toLowerCase() === FORM_TYPE;
}

/**
 * Reads a `multipart/form-data` body, its files straight to disk and hashed on the way.
 *
 * Of a file no more than a few chunks are in memory at a time. Where the reading fails, nothing stays on disk.
 *
 * @throws {ApiError} `unsupported_media_type` where the boundary is not told or not in the body; `body_too_large`;
 * `unknown_parameter` where a part has no name that can be read; `request_canceled` where the caller does not send all of
 * it; what `shape` makes where a field is at fault. Where `signal` ends the reading, its reason is thrown.
 */
export async function readMultipart(
  request: Request,
  options: ReadMultipartOptions,
): Promise<MultipartForm> {
  const { directory, signal } = options;
  signal?.throwIfAborted();
  const boundary = readBoundary(request.headers.get("content-type"));
  const remove = () => removeIfExists(directory);
  await using undo = new AsyncDisposableStack();
  undo.defer(remove);
  const chunks = readChunks(request, options);
  try {
    const form = await readForm(readParts(chunks, boundary), options);
    // Nothing counts behind the last part, and a caller may still be sending it.
    for await (const _ of chunks);
    undo.move();
    return { ...form, [Symbol.asyncDispose]: remove };
  } catch (error) {
    signal?.throwIfAborted();
    throw error;
  } finally {
    await chunks.return(undefined);
  }
}

function readBoundary(type: string | null): string {
  try {
    const [essence, params] = parseMediaType(type ?? "");
    if (essence === FORM_TYPE && params?.boundary) return params.boundary;
  } catch (error) {
    // A URIError comes from percent signs in an encoded parameter.
    if (!(error instanceof TypeError || error instanceof URIError)) throw error;
  }
  const what = type === null
    ? "without a type"
    : `of type ${truncateAndQuote(type)}`;
  throw new ApiError(
    "unsupported_media_type",
    `Cannot read a body ${what}: expected Content-Type "${FORM_TYPE}" with its boundary`,
  );
}
