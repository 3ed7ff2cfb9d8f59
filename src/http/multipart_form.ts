import { Buffer } from "node:buffer";
import type { ApiError } from "../errors.ts";
import { truncateAndQuote } from "../util.ts";
import { writeUpload, type WrittenFile } from "./multipart_file.ts";
import { limitBytes } from "./multipart_limit.ts";
import type { FormPart } from "./multipart_parts.ts";
import { EarlyEnd } from "./multipart_reader.ts";

/** Room for 32,000 characters of four bytes, and to spare. */
const MAX_TEXT_BYTES = 262_144;

/** A field of text. */
export interface FormField {
  /** The name of the field. */
  readonly name: string;
  /** What it says. */
  readonly value: string;
}

/** A file that came with a form and lies on disk. */
export interface FormFile extends WrittenFile {
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

/** How {@linkcode readForm} reads. */
export interface ReadFormOptions {
  /** What the form is expected to hold. */
  readonly shape: FormShape;
  /** The largest file, in bytes. */
  readonly maxFileBytes: number;
  /** The most files of fields that take many, and as many of the others. */
  readonly maxFiles: number;
  /** The most fields of text, each of 262,144 bytes at most. */
  readonly maxFields: number;
  /** Where files are written; made with the first one. */
  readonly directory: string;
}

/**
 * Sorts the parts of a form into fields of text and files, and writes the files to disk.
 *
 * Where it fails, the files so far stay behind.
 *
 * @throws {ApiError} What `shape` makes where a field is at fault.
 */
export async function readForm(
  parts: AsyncIterable<FormPart>,
  options: ReadFormOptions,
): Promise<{
  readonly fields: readonly FormField[];
  readonly files: readonly FormFile[];
}> {
  const { maxFields, maxFiles, shape } = options;
  const fields: FormField[] = [];
  const files: FormFile[] = [];
  let unchosen = 0;
  for await (const part of parts) {
    const { name } = part;
    try {
      if (shape.isFile(name)) {
        const single = shape.isSingle(name);
        const alike = files.filter(({ field }) =>
          shape.isSingle(field) === single
        );
        if (alike.length === maxFiles) {
          throw shape.refuse(name, `there are more than ${maxFiles} files`);
        }
        const file = await readFile(part, options);
        if (file !== undefined) files.push(file);
        // Each is written before it is known to be empty.
        else if (++unchosen > maxFields) {
          throw shape.refuse(name, `more than ${maxFields} files are empty`);
        }
      } else {
        if (fields.length === maxFields) {
          throw shape.refuse(name, `there are more than ${maxFields} fields`);
        }
        fields.push({ name, value: await readText(part, shape) });
      }
    } catch (error) {
      if (!(error instanceof EarlyEnd)) throw error;
      throw shape.refuse(name, "the body ends in the middle of it");
    }
  }
  return { fields, files };
}

async function readFile(
  { content, fileName, name }: FormPart,
  { directory, maxFileBytes, shape }: ReadFormOptions,
): Promise<FormFile | undefined> {
  const called = fileName === undefined
    ? "without a name"
    : truncateAndQuote(fileName);
  const limited = limitBytes(content, maxFileBytes, {
    tooLarge: () => {
      const limit = maxFileBytes.toLocaleString("en-US");
      return shape.refuse(name, `the file ${called} is over ${limit} bytes`);
    },
  });
  const file = await writeUpload(limited, directory);
  if (file.bytes > 0) return { field: name, fileName, ...file };
  // What a web page sends for a file input in which nothing is chosen.
  if (fileName === "") return undefined;
  throw shape.refuse(name, `the file ${called} holds no data`);
}

async function readText(
  { content, fileName, name }: FormPart,
  shape: FormShape,
): Promise<string> {
  if (fileName !== undefined) {
    throw shape.refuse(
      name,
      `it is a file, ${truncateAndQuote(fileName)}, expected text`,
    );
  }
  const limited = limitBytes(content, MAX_TEXT_BYTES, {
    tooLarge: () => shape.refuse(name, `it is over ${MAX_TEXT_BYTES} bytes`),
  });
  const bytes = Buffer.concat(await Array.fromAsync(limited));
  try {
    return new TextDecoder("utf-8", { fatal: true }).decode(bytes);
  } catch (error) {
    if (!(error instanceof TypeError)) throw error;
    throw shape.refuse(name, "it is not UTF-8");
  }
}
