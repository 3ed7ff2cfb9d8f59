/** What the reference images of one request must keep to. */
export const REFERENCE_LIMITS = {
  /** Images in one request. */
  maxImages: 16,
  /** Images that reach the model as the caller's own bytes. */
  maxOriginals: 5,
  /** Bytes of one image. */
  maxBytes: 52_428_800,
  /** Pixels of one image. */
  maxPixels: 100_000_000,
  /** Media types, told by the bytes of an image. */
  formats: ["image/png", "image/jpeg", "image/webp"],
} as const;
