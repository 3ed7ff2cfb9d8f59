import type { ImageMetadata, NewImage } from "../../src/images/sidecar.ts";

/** An id that is always the same. */
export const ID = "codex-0b8f6f0e-2f5c-4f0e-9a0e-6a6f3d1c2b4a";

/** Makes an image to store; its bytes are those of a text. */
export function newImage(
  text: string,
  options: {
    readonly id?: string;
    readonly original?: string;
    /** What differs from the usual. */
    readonly metadata?: Partial<ImageMetadata>;
  } = {},
): NewImage {
  const { id = ID, original } = options;
  return {
    metadata: {
      id,
      generation_id: "gen_1",
      created_at: "2026-01-02T03:04:05.678Z",
      mime_type: original === undefined ? "image/png" : "image/webp",
      width: 1024,
      height: 1536,
      label: "生成图",
      model: "gpt-image-2",
      requested_size: "auto",
      resolved_size: "1024x1536",
      native_size: "1024x1536",
      resize: original === undefined ? null : {
        fit: "cover",
        scale: 1.5,
        method: "bicubic",
      },
      quality: "high",
      revised_prompt: null,
      transparent: false,
      variation: "plain",
      duration_ms: 12_345.6,
      codex_version: "0.171.0",
      references: [{
        label: "layer",
        sha256: "a".repeat(64),
        bytes: 12,
        width: 3,
        height: 4,
        delivered: "original",
      }],
      ...options.metadata,
    },
    bytes: new TextEncoder().encode(text),
    ...original !== undefined && {
      original: {
        bytes: new TextEncoder().encode(original),
        mimeType: "image/png",
      },
    },
  };
}
