import { encodeHex } from "@std/encoding/hex";
import { z } from "zod";
import { requestSummarySchema } from "../api/request_summary.ts";
import { tryParseJson } from "../util.ts";
import type { ImageMimeType } from "./format.ts";

const IMAGE_ID =
  /^codex-[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}(?:-[1-4])?$/;

const EXTENSIONS: Readonly<Record<ImageMimeType, string>> = {
  "image/png": "png",
  "image/jpeg": "jpg",
  "image/webp": "webp",
};

const MIME_TYPE = z.enum(["image/png", "image/jpeg", "image/webp"]);
const SHA256 = z.string().regex(/^[0-9a-f]{64}$/);
const COUNT = z.int().nonnegative();

const REFERENCE = z.object({
  label: z.string(),
  /** The id of the stored picture that it was. */
  id: z.string().optional(),
  sha256: SHA256,
  bytes: COUNT,
  width: COUNT,
  height: COUNT,
  /** In what form the model got it, such as `original`. */
  delivered: z.string(),
}).readonly();

const ORIGINAL = z.object({
  file: z.string(),
  mime_type: MIME_TYPE,
  bytes: COUNT,
  sha256: SHA256,
}).readonly();

/**
 * The form of the JSON file beside an image.
 *
 * Fields that it does not know are ignored, so that a later version of the service can add some and an earlier one still
 * finds the image.
 */
export const SIDECAR = z.object({
  version: z.literal(1),
  id: z.string().refine(isImageId),
  generation_id: z.string(),
  created_at: z.iso.datetime(),
  /** Base name of the delivered file. */
  file: z.string(),
  mime_type: MIME_TYPE,
  bytes: COUNT,
  /** Digest of the delivered file, in lower-case hexadecimal. */
  sha256: SHA256,
  width: COUNT,
  height: COUNT,
  label: z.string(),
  model: z.string(),
  /** What the caller asked for, in the caller's words. */
  requested_size: z.string(),
  /** Pixel size of the delivered file. */
  resolved_size: z.string(),
  /** Pixel size of the image that Codex made. */
  native_size: z.string(),
  /** How the one became the other, or `null` where nothing had to be done. */
  resize: z.object({
    fit: z.enum(["cover", "contain", "none"]),
    scale: z.number(),
    /** How pixels were made out of others; older sidecars do not say it. */
    method: z.enum(["lanczos3", "bicubic", "none"]).optional(),
  }).readonly().nullable(),
  quality: z.string(),
  /** What was asked for; earlier versions did not keep it, and what a later one keeps may not be understood. */
  request: requestSummarySchema.readonly().optional().catch(undefined),
  /** The words of the caller, where the store keeps words. */
  prompt: z.string().optional(),
  /** What the chat model made of them, where the store keeps words. */
  revised_prompt: z.string().nullable(),
  transparent: z.boolean(),
  /** Name of the variation direction that set this candidate apart. */
  variation: z.string(),
  duration_ms: z.number().nonnegative(),
  codex_version: z.string(),
  references: z.array(REFERENCE).readonly(),
  /** The file as Codex wrote it, where the delivered one was converted. */
  original: ORIGINAL.nullable(),
}).readonly();

/** What is known of a stored image, as its JSON file says it. */
export type Sidecar = z.infer<typeof SIDECAR>;

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
 * Tells whether a text is the id of an image: `codex-`, a UUID in lower case, and for one of several candidates its number
 * from `-1` to `-4`. Such a text is safe as the name of a file.
 *
 * @example
 * ```ts
 * import { isImageId } from "./sidecar.ts";
 *
 * isImageId("codex-0b8f6f0e-2f5c-4f0e-9a0e-6a6f3d1c2b4a-2"); // true
 * isImageId("codex-../../etc/passwd"); // false
 * ```
 */
export function isImageId(text: string): boolean {
  return IMAGE_ID.test(text);
}

/** Names the file that holds an image as it is delivered. */
export function imageFileName(id: string, mimeType: ImageMimeType): string {
  return `${id}.${EXTENSIONS[mimeType]}`;
}

/** Names the file that holds an image as Codex wrote it, where another one is delivered. */
export function originalFileName(id: string, mimeType: ImageMimeType): string {
  return `${id}.original.${EXTENSIONS[mimeType]}`;
}

/** Names the file that describes an image. */
export function sidecarFileName(id: string): string {
  return `${id}.json`;
}

/** Names every file that an image can have, the sidecar first. */
export function allFileNames(id: string): readonly string[] {
  const mimeTypes = Object.keys(EXTENSIONS) as ImageMimeType[];
  return [
    sidecarFileName(id),
    ...mimeTypes.map((mimeType) => imageFileName(id, mimeType)),
    ...mimeTypes.map((mimeType) => originalFileName(id, mimeType)),
  ];
}

/** Tells to which image a file belongs by its name; nothing if no image can have a file of that name. */
export function imageIdOf(fileName: string): string | undefined {
  const [id] = fileName.split(".", 1);
  if (isImageId(id) && allFileNames(id).includes(fileName)) return id;
}

/**
 * Reads the text of the sidecar of an image.
 *
 * @returns Nothing if the text is not a sidecar, belongs to another image, or names a file that is not the image's own
 */
export function parseSidecar(text: string, id: string): Sidecar | undefined {
  const { success, data: sidecar } = SIDECAR.safeParse(tryParseJson(text));
  if (!success || sidecar.id !== id) return;
  if (sidecar.file !== imageFileName(id, sidecar.mime_type)) return;
  const { original } = sidecar;
  if (
    original !== null &&
    original.file !== originalFileName(id, original.mime_type)
  ) return;
  return sidecar;
}

/** Copies what is said of an image without the prompt and without what the chat model made of it. */
export function redactPrompts<
  Said extends Pick<Sidecar, "prompt" | "request" | "revised_prompt">,
>(said: Said): Omit<Said, "prompt"> & { readonly revised_prompt: null } {
  const { prompt: _, ...rest } = said;
  if (rest.request === undefined) return { ...rest, revised_prompt: null };
  const { prompt: __, ...request } = rest.request;
  return { ...rest, request, revised_prompt: null };
}

/**
 * Lays an image out as files, the sidecar last.
 *
 * @param options `keepPrompts`: whether the file of the sidecar holds the prompt; the returned sidecar does
 */
export async function layOutImage(
  image: NewImage,
  options: { readonly keepPrompts: boolean },
): Promise<{ readonly sidecar: Sidecar; readonly files: readonly NewFile[] }> {
  const sidecar = await describe(image);
  const kept = options.keepPrompts ? sidecar : redactPrompts(sidecar);
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
