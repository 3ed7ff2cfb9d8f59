import type { ApiError } from "../errors.ts";

/** A file of the caller that lies on disk, under a name of ours. */
export class Upload {
  /** Where it lies. */
  readonly path: string;
  /** Its size. */
  readonly bytes: number;
  /** Its digest, in lower-case hexadecimal. */
  readonly sha256: string;

  constructor({ path, bytes, sha256 }: Omit<Upload, "toJSON">) {
    this.path = path;
    this.bytes = bytes;
    this.sha256 = sha256;
  }

  /** Hides where it lies from messages that show a value of the caller. */
  toJSON(): string {
    return "a data URL";
  }
}

/** Where the files of a body are written, and how many of what size. */
export interface UploadOptions {
  /** A directory for this body alone, made with the first file. */
  readonly directory: string;
  /** The largest file, in bytes. */
  readonly maxFileBytes: number;
  /** The most files; in a form the most of fields that take many, and as many of the others. */
  readonly maxFiles: number;
}

/** What becomes of the data URLs of a body. */
export interface DataUrlOptions extends UploadOptions {
  /** The names of the members that hold data URLs. */
  readonly names: readonly string[];
  /** Makes the failure for a data URL at fault; the state completes a sentence about it, such as `it holds no data`. */
  refuse(param: string, state: string): ApiError;
}
