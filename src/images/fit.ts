/** How a picture is brought to a size: scale and crop the centre, scale and pad, or leave it. */
export type Fit = "cover" | "contain" | "none";

/** A size in pixels. */
export interface PixelSize {
  /** Columns. */
  readonly width: number;
  /** Rows. */
  readonly height: number;
}

/** What is done to a picture whose size is not the wanted one. */
export interface Resize {
  /** How it is done. */
  readonly fit: Fit;
  /** The factor that both edges are scaled by before the crop or the padding; 1 where it is left as it is. */
  readonly scale: number;
}

/**
 * Decides what has to be done to a picture for it to have a size.
 *
 * @returns Null where nothing has to be done: no size is wanted, or the picture has it
 */
export function planResize(
  native: PixelSize,
  wish: { readonly size: PixelSize | undefined; readonly fit: Fit },
): Resize | null {
  const { size, fit } = wish;
  if (size === undefined) return null;
  if (size.width === native.width && size.height === native.height) return null;
  const across = size.width / native.width;
  const down = size.height / native.height;
  switch (fit) {
    case "cover":
      return { fit, scale: Math.max(across, down) };
    case "contain":
      return { fit, scale: Math.min(across, down) };
    case "none":
      return { fit, scale: 1 };
  }
}
