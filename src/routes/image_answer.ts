import type { StoredImage } from "../images/store.ts";
import type { Addresses } from "./addresses.ts";

/** Writes all that is known of a stored image, in the words of the contract. */
export function imageAnswer(image: StoredImage, addresses: Addresses) {
  const { sidecar } = image;
  const { original } = sidecar;
  const url = addresses.url(image);
  return {
    id: sidecar.id,
    generation_id: sidecar.generation_id,
    created_at: sidecar.created_at,
    label: sidecar.label,
    model: sidecar.model,
    mime_type: sidecar.mime_type,
    path: addresses.path(image),
    url,
    thumbnail_url: `${url}?variant=thumbnail`,
    requested_size: sidecar.requested_size,
    resolved_size: sidecar.resolved_size,
    native_size: sidecar.native_size,
    resize: sidecar.resize,
    width: sidecar.width,
    height: sidecar.height,
    quality: sidecar.quality,
    prompt: sidecar.prompt ?? null,
    revised_prompt: sidecar.revised_prompt,
    sha256: sidecar.sha256,
    bytes: sidecar.bytes,
    transparent: sidecar.transparent,
    variation: sidecar.variation,
    duration_ms: sidecar.duration_ms,
    codex_version: sidecar.codex_version,
    references: sidecar.references,
    original: original && {
      mime_type: original.mime_type,
      sha256: original.sha256,
      bytes: original.bytes,
      url: `${url}?variant=original`,
    },
  };
}
