import type { ImageMimeType } from "./info.ts";

const IMAGE_ID =
  /^codex-[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}(?:-[1-4])?$/;

const EXTENSIONS: Readonly<Record<ImageMimeType, string>> = {
  "image/png": "png",
  "image/jpeg": "jpg",
  "image/webp": "webp",
};

/**
 * Tells whether a text is the id of an image: `codex-`, a UUID in lower case, and for one of several candidates its number
 * from `-1` to `-4`. Such a text is safe as the name of a file.
 *
 * @example
 * ```ts
 * import { isImageId } from "./names.ts";
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
