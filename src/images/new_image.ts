import { encodeHex } from "@std/encoding/hex";
import type { ImageMimeType } from "./info.ts";
import { imageFileName, originalFileName, sidecarFileName } from "./names.ts";
import { SIDECAR, type Sidecar } from "./sidecar.ts";
import { withoutWords } from "./words.ts";

/** What the caller knows of an image; the store finds out the rest. */
export type ImageMetadata = Omit<
  Sidecar,
  "version" | "file" | "bytes" | "sha256" | "original"
>;

/** An image to store. */
export interface NewImage {
  /** What the sidecar says of it, its id included. */
  readonly metadata: ImageMetadata;
  /** The delivered file, in the format of `metadata.mime_type`. */
  readonly bytes: Uint8Array<ArrayBuffer>;
  /** The file as Codex wrote it, where the delivered one was converted. */
  readonly original?: OriginalFile;
}

/** The file of an image as Codex wrote it. */
export interface OriginalFile {
  /** The whole file. */
  readonly bytes: Uint8Array<ArrayBuffer>;
  /** The format, told by the bytes. */
  readonly mimeType: ImageMimeType;
}

/** A file of an image. */
export interface NewFile {
  /** Its base name. */
  readonly name: string;
  /** All of it. */
  readonly bytes: Uint8Array<ArrayBuffer>;
}

/**
 * Lays an image out as files, the sidecar last.
 *
 * @param options `keepWords`: whether the file of the sidecar holds the prompt; the returned sidecar does
 */
export async function layOutImage(
  image: NewImage,
  options: { readonly keepWords: boolean },
): Promise<{ readonly sidecar: Sidecar; readonly files: readonly NewFile[] }> {
  const sidecar = await describe(image);
  const kept = options.keepWords ? sidecar : withoutWords(sidecar);
  return { sidecar, files: listFiles(image, kept) };
}

async function describe(image: NewImage): Promise<Sidecar> {
  const { metadata, bytes, original } = image;
  return SIDECAR.parse({
    version: 1,
    ...metadata,
    file: imageFileName(metadata.id, metadata.mime_type),
    bytes: bytes.length,
    sha256: await sha256(bytes),
    original: original === undefined ? null : {
      file: originalFileName(metadata.id, original.mimeType),
      mime_type: original.mimeType,
      bytes: original.bytes.length,
      sha256: await sha256(original.bytes),
    },
  });
}

function listFiles(image: NewImage, sidecar: Sidecar): NewFile[] {
  const text = `${JSON.stringify(sidecar, null, 2)}\n`;
  const files = [{ name: sidecar.file, bytes: image.bytes }];
  if (image.original !== undefined && sidecar.original !== null) {
    files.push({
      name: sidecar.original.file,
      bytes: image.original.bytes,
    });
  }
  files.push({
    name: sidecarFileName(sidecar.id),
    bytes: new TextEncoder().encode(text),
  });
  return files;
}

async function sha256(bytes: Uint8Array<ArrayBuffer>): Promise<string> {
  return encodeHex(await crypto.subtle.digest("SHA-256", bytes));
}
