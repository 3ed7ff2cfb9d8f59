import { basename } from "@std/path";
import type { StoredImage } from "../images/store.ts";
import { joinAnywhere } from "../util.ts";

/** Where callers find images. */
export interface Addresses {
  /** The URL of an image's file. */
  url(image: StoredImage): string;
  /** The path of an image's file, as the caller sees it. */
  path(image: StoredImage): string;
}

/** What {@linkcode Addresses} depend on. */
export interface AddressOptions {
  /** The address of the server, such as `http://127.0.0.1:17341`; asked anew for every URL. */
  readonly baseUrl: () => string;
  /** The output directory as callers see it; the server's own path when undefined. */
  readonly publicDir: string | undefined;
}

/**
 * Makes the addresses of images.
 *
 * They never come from a request: a `Host` header is the caller's claim.
 */
export function createAddresses(options: AddressOptions): Addresses {
  const { baseUrl, publicDir } = options;
  return {
    url: ({ sidecar }) => `${baseUrl()}/v1/images/${sidecar.id}/file`,
    path: ({ path, waiting }) =>
      publicDir === undefined || waiting
        ? path
        : joinAnywhere(publicDir, basename(path)),
  };
}
