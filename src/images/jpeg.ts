import { checkPixels, ImageError, type ImageInfo } from "./info.ts";
import {
  type JpegSegment,
  readJpegSegments,
  START_OF_SCAN,
} from "./jpeg_segments.ts";
import { type ByteSource, readView } from "./source.ts";

/** The codes from 0xc0 to 0xcf that do not begin a frame: DHT, JPG and DAC. */
const NOT_A_FRAME: readonly number[] = [0xc4, 0xc8, 0xcc];

interface Frame {
  readonly width: number;
  readonly height: number;
}

/**
 * Inspects a file that begins with the JPEG signature: every segment, the frame's dimensions, and all scans up to the real
 * end-of-image marker. Bytes after that marker, such as the further pictures of a phone's file, are not looked at.
 *
 * @throws {ImageError} If the file is damaged, truncated, or larger than `maxPixels`
 */
export async function inspectJpeg(
  source: ByteSource,
  maxPixels: number,
): Promise<ImageInfo> {
  let frame: Frame | undefined;
  let scanned = false;
  for await (const segment of readJpegSegments(source)) {
    if (isFrame(segment.marker)) {
      if (frame !== undefined) throw new ImageError("has two frame headers");
      frame = await readFrame(source, segment);
      checkPixels(frame, maxPixels);
    } else if (segment.marker === START_OF_SCAN) {
      if (frame === undefined) {
        throw new ImageError("has a scan before its frame header");
      }
      scanned = true;
    }
  }
  if (frame === undefined || !scanned) {
    throw new ImageError("has no picture between its first and last marker");
  }
  return {
    format: "jpeg",
    mimeType: "image/jpeg",
    width: frame.width,
    height: frame.height,
    alpha: false,
    animated: false,
  };
}

async function readFrame(
  source: ByteSource,
  segment: JpegSegment,
): Promise<Frame> {
  if (segment.length < 6) throw new ImageError("has a damaged frame header");
  const view = await readView(source, { offset: segment.offset, length: 6 });
  if (segment.length !== 6 + 3 * view.getUint8(5)) {
    throw new ImageError("has a damaged frame header");
  }
  return { width: view.getUint16(3), height: view.getUint16(1) };
}

function isFrame(marker: number): boolean {
  return marker >= 0xc0 && marker <= 0xcf && !NOT_A_FRAME.includes(marker);
}
