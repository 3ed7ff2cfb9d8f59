import { Failure } from "../failure.ts";
import { fileResponse } from "../http/file.ts";
import { quote } from "../http/quote.ts";
import type { RouteContext } from "../http/router.ts";
import type { OpenedFile } from "../images/regular_file.ts";
import type { ImageStore, StoredImage } from "../images/store.ts";
import type { Thumbnails } from "../library/thumbnails.ts";
import { imageNotFound } from "./image_not_found.ts";

const VARIANTS = ["delivered", "original", "thumbnail"] as const;

/** What the route works with. */
export interface ImageFileParts {
  readonly store: ImageStore;
  readonly thumbnails: Thumbnails;
}

type Variant = typeof VARIANTS[number];

/** An open file, and what is to be said of it. */
interface Shown extends OpenedFile {
  readonly etag: string;
  readonly contentType: string;
  readonly fileName: string;
}

/** Makes `GET /v1/images/:id/file`: the bytes of a stored image, or of its thumbnail. */
export function imageFile({ store, thumbnails }: ImageFileParts) {
  return async (
    request: Request,
    { params }: RouteContext<object>,
  ): Promise<Response> => {
    const variant = readVariant(request);
    const image = await store.find(params.id);
    const shown = image &&
      (variant === "thumbnail"
        ? await openThumbnail(thumbnails, image)
        : await openImage(store, image, variant));
    if (shown === undefined) throw imageNotFound(params.id);
    return fileResponse(request, shown.file, {
      ...shown,
      size: shown.info.size,
      lastModified: shown.info.mtime ?? undefined,
    });
  };
}

async function openImage(
  store: ImageStore,
  image: StoredImage,
  variant: Exclude<Variant, "thumbnail">,
): Promise<Shown | undefined> {
  const { sidecar } = image;
  // A picture that was not converted is its own original.
  const original = variant === "original" ? sidecar.original : null;
  const opened = await store.openFile(
    image,
    original === null ? "delivered" : "original",
  );
  const stored = original ?? sidecar;
  return opened && {
    ...opened,
    etag: stored.sha256,
    contentType: stored.mime_type,
    fileName: stored.file,
  };
}

async function openThumbnail(
  thumbnails: Thumbnails,
  image: StoredImage,
): Promise<Shown | undefined> {
  const opened = await thumbnails.openFile(image);
  const { id, sha256 } = image.sidecar;
  return opened && {
    ...opened,
    // Another version of the encoder may make other bytes of the same image, but not at the same time.
    etag: `${sha256}-${opened.info.mtime?.getTime()}-${opened.info.size}`,
    contentType: "image/webp",
    fileName: `${id}.thumbnail.webp`,
  };
}

function readVariant(request: Request): Variant {
  const name = new URL(request.url).searchParams.get("variant") ?? "delivered";
  const variant = VARIANTS.find((variant) => variant === name);
  if (variant !== undefined) return variant;
  const expected = VARIANTS.map((variant) => `"${variant}"`).join(", ");
  throw new Failure(
    "unknown_parameter",
    `Cannot use variant ${quote(name)}: expected one of ${expected}`,
    { param: "variant" },
  );
}
