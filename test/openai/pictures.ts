import sharp from "sharp";

/** Decodes what a client was given as `b64_json`, and looks at it. */
export async function inspectBase64(
  base64: string | null | undefined,
): Promise<string> {
  const bytes = Uint8Array.fromBase64(base64 ?? "");
  const { format, height, width } = await sharp(bytes).metadata();
  return `${format} ${width}x${height}`;
}

/** Makes a picture of one colour. */
export async function paint(
  options: {
    readonly width?: number;
    readonly height?: number;
    readonly alpha?: number;
    readonly format?: "png" | "webp";
  } = {},
): Promise<Uint8Array<ArrayBuffer>> {
  const { alpha, format = "png", height = 96, width = 128 } = options;
  const background = { r: 200, g: 60, b: 20, alpha: alpha ?? 1 };
  const channels = alpha === undefined ? 3 : 4;
  return new Uint8Array(
    await sharp({ create: { width, height, channels, background } })
      .toFormat(format).toBuffer(),
  );
}
