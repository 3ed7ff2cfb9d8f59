import { z } from "zod";
import { imageFileName, isImageId, originalFileName } from "./names.ts";

const MIME_TYPE = z.enum(["image/png", "image/jpeg", "image/webp"]);
const SHA256 = z.string().regex(/^[0-9a-f]{64}$/);
const COUNT = z.int().nonnegative();

const REFERENCE = z.object({
  label: z.string(),
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
  }).readonly().nullable(),
  quality: z.string(),
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

/**
 * Reads the text of the sidecar of an image.
 *
 * @returns Nothing if the text is not a sidecar, belongs to another image, or names a file that is not the image's own
 */
export function parseSidecar(text: string, id: string): Sidecar | undefined {
  const { success, data: sidecar } = SIDECAR.safeParse(parseJson(text));
  if (!success || sidecar.id !== id) return;
  if (sidecar.file !== imageFileName(id, sidecar.mime_type)) return;
  const { original } = sidecar;
  if (
    original !== null &&
    original.file !== originalFileName(id, original.mime_type)
  ) return;
  return sidecar;
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (error) {
    if (error instanceof SyntaxError) return;
    throw error;
  }
}
