import { encodeHex } from "@std/encoding/hex";
import { join } from "@std/path";
import sharp from "sharp";
import { decodeDataUrl } from "../contract/data_url.ts";
import { REFERENCE_LIMITS } from "../contract/reference_limits.ts";
import type {
  FileReference,
  InlineReference,
  ReferenceSource,
} from "../contract/reference_schema.ts";
import { Failure } from "../failure.ts";
import { ImageError, type ImageInfo, inspectImage } from "../images/inspect.ts";
import { type ByteSource, bytesSource, fileSource } from "../images/source.ts";

const { maxBytes, maxPixels } = REFERENCE_LIMITS;
const EXPECTED = `expected a whole PNG, JPEG or WebP image of at most ${
  maxBytes.toLocaleString("en-US")
} bytes and ${maxPixels.toLocaleString("en-US")} pixels`;

/** A reference that is checked and lies on disk. */
export interface Reference {
  /** The file with the caller's very bytes. */
  readonly path: string;
  /** The caller's name for it, or an empty string. */
  readonly label: string;
  /** The digest of the file, in lower-case hexadecimal. */
  readonly sha256: string;
  /** The size of the file. */
  readonly bytes: number;
  /** The width as it is shown, in pixels: a photo's orientation is taken into account. */
  readonly width: number;
  /** The height as it is shown, in pixels. */
  readonly height: number;
}

/** What is found out about a file on the way to its place. */
type Placed = Omit<Reference, "label">;

/** Names the place of a file, once its format is known. */
type PlaceOf = (info: ImageInfo) => Promise<string>;

/**
 * Checks references by their bytes and brings them to a directory, byte for byte: those of a body are written, those that
 * were uploaded are moved.
 *
 * All are checked: the CLI would drop a bad one in silence and go on without it.
 *
 * @param directory Where to bring them, on the file system of the uploads; made if it is missing and there is something
 * to bring.
 * @throws {Failure} `invalid_reference` that names the field.
 */
export async function writeReferences(
  references: readonly ReferenceSource[],
  directory: string,
): Promise<Reference[]> {
  const written: Reference[] = [];
  // One after the other: sixteen references in memory at once would be 800 MB.
  for (const [index, source] of references.entries()) {
    const placeOf: PlaceOf = async ({ format }) => {
      await Deno.mkdir(directory, { recursive: true, mode: 0o700 });
      // A name that stands in no text by chance, so that a tool call that holds it passes the file.
      const name = `reference-${index + 1}-${crypto.randomUUID().slice(0, 8)}`;
      return join(directory, `${name}.${format}`);
    };
    try {
      const placed = source.kind === "inline"
        ? await writeInline(source, placeOf)
        : await moveFile(source, placeOf);
      written.push({ label: source.label ?? "", ...placed });
    } catch (error) {
      if (!(error instanceof ImageError)) throw error;
      throw refuse(source.param, error.message);
    }
  }
  return written;
}

async function writeInline(
  { dataUrl, param }: InlineReference,
  placeOf: PlaceOf,
): Promise<Placed> {
  const bytes = decodeDataUrl(dataUrl, param);
  const path = await placeOf(await inspect(bytesSource(bytes)));
  const size = await uprightSize(bytes);
  await Deno.writeFile(path, bytes, { createNew: true, mode: 0o400 });
  const sha256 = encodeHex(await crypto.subtle.digest("SHA-256", bytes));
  return { path, sha256, bytes: bytes.length, ...size };
}

async function moveFile(
  { path: from, bytes, sha256 }: FileReference,
  placeOf: PlaceOf,
): Promise<Placed> {
  using file = await Deno.open(from);
  const path = await placeOf(await inspect(fileSource(file, bytes)));
  const size = await uprightSize(from);
  await Deno.chmod(from, 0o400);
  await Deno.rename(from, path);
  return { path, sha256, bytes, ...size };
}

async function inspect(source: ByteSource): Promise<ImageInfo> {
  const info = await inspectImage(source, { maxPixels });
  if (info.animated) {
    throw new ImageError("is an animation, and not one still picture");
  }
  return info;
}

async function uprightSize(
  image: Uint8Array<ArrayBuffer> | string,
): Promise<{ readonly width: number; readonly height: number }> {
  try {
    const picture = sharp(image, { limitInputPixels: maxPixels });
    const { width, height } = (await picture.metadata()).autoOrient;
    return { width, height };
  } catch (error) {
    if (!(error instanceof Error)) throw error;
    throw new ImageError(`cannot be read: ${error.message}`);
  }
}

function refuse(param: string, state: string): Failure {
  return new Failure(
    "invalid_reference",
    `Cannot use ${param}: it ${state}; ${EXPECTED}`,
    { param },
  );
}
