import { STATUS_CODE } from "@std/http/status";
import { closestString } from "@std/text/closest-string";
import { ApiError } from "../errors.ts";
import { fileResponse } from "../http/file_response.ts";
import type { RouteContext } from "../http/router.ts";
import type { OpenedFile } from "../images/regular_file.ts";
import type { ImageStore, StoredImage } from "../images/store.ts";
import { type IndexQuery, toSearchQuery } from "../library/index.ts";
import { formatCursor, type Library, parseCursor } from "../library/library.ts";
import type { Thumbnails } from "../library/thumbnails.ts";
import { truncateAndQuote } from "../util.ts";
import type { Addresses } from "./links.ts";

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

/** Makes the failure of a request for an image that is not there. */
export function imageNotFound(id: string): ApiError {
  return new ApiError(
    "not_found",
    `Cannot find image ${
      truncateAndQuote(id)
    }: expected the id of a stored image`,
  );
}

const NAMES = ["limit", "cursor", "job", "q"];
const DEFAULT_LIMIT = 20;
const MAX_LIMIT = 100;
const MAX_TEXT = 200;

/** What {@linkcode parseImagesQuery} depends on. */
export interface ImagesQueryOptions {
  /** Whether prompts can be searched for. */
  readonly storePrompts: boolean;
}

/**
 * Reads the query of `GET /v1/images`.
 *
 * @throws {ApiError} `unknown_parameter`: one cannot be used; what is searched for does not stand in the message.
 */
export function parseImagesQuery(
  query: URLSearchParams,
  options: ImagesQueryOptions,
): IndexQuery {
  for (const name of query.keys()) {
    if (!NAMES.includes(name)) throw unknown(name);
  }
  const [limit, cursor, job, q] = NAMES.map((name) => query.get(name));
  return {
    limit: limit === null ? DEFAULT_LIMIT : readLimit(limit),
    before: cursor === null ? undefined : readCursor(cursor),
    job: job ?? undefined,
    words: q === null ? undefined : readWords(q, options),
  };
}

function readLimit(text: string): number {
  const limit = /^\d{1,3}$/.test(text) ? Number(text) : 0;
  if (limit >= 1 && limit <= MAX_LIMIT) return limit;
  throw refuse(
    "limit",
    ` ${
      truncateAndQuote(text)
    }: expected a whole number from 1 to ${MAX_LIMIT}`,
  );
}

function readCursor(text: string): number {
  const place = parseCursor(text);
  if (place !== undefined) return place;
  throw refuse(
    "cursor",
    ` ${
      truncateAndQuote(text)
    }: expected the "next_cursor" of an earlier answer`,
  );
}

function readWords(text: string, { storePrompts }: ImagesQueryOptions): string {
  if (!storePrompts) {
    throw refuse(
      "q",
      ": prompts are not stored, expected the setting CODEX_IMAGE_SERVER_STORE_PROMPTS=1",
    );
  }
  const words = text.length > MAX_TEXT ? undefined : toSearchQuery(text);
  if (words !== undefined) return words;
  throw refuse(
    "q",
    ` of length ${text.length}: expected words, at most ${MAX_TEXT} characters`,
  );
}

function unknown(name: string): ApiError {
  const nearest = closestString(name.slice(0, 60), NAMES);
  return new ApiError(
    "unknown_parameter",
    `Cannot use ${
      truncateAndQuote(name)
    }: there is no such parameter, the nearest is "${nearest}"`,
    { param: name.slice(0, 60) },
  );
}

function refuse(param: string, problem: string): ApiError {
  const message = `Cannot use ${param}${problem}`;
  return new ApiError("unknown_parameter", message, { param });
}

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
  throw new ApiError(
    "unknown_parameter",
    `Cannot use variant ${truncateAndQuote(name)}: expected one of ${expected}`,
    { param: "variant" },
  );
}

/** What the routes work with. */
export interface ImageRoutesParts {
  readonly addresses: Addresses;
  readonly library: Library;
  readonly store: ImageStore;
  /** Whether prompts are stored, so that they can be searched for. */
  readonly storePrompts: boolean;
}

type Handler = (
  request: Request,
  context: RouteContext<object>,
) => Promise<Response>;

/** Makes the routes of stored images: list, look, remove. */
export function imageRoutes(parts: ImageRoutesParts): {
  readonly [Name in "list" | "show" | "remove"]: Handler;
} {
  const { addresses, library, store } = parts;
  return {
    list: async (request) => {
      const { searchParams } = new URL(request.url);
      const query = parseImagesQuery(searchParams, parts);
      const { indexing } = library;
      const { images, next } = await library.list(query);
      return Response.json({
        object: "list",
        data: images.map((image) => imageAnswer(image, addresses)),
        next_cursor: next === undefined ? null : formatCursor(next),
        indexing,
      });
    },
    show: async (_request, { params }) => {
      const image = await store.find(params.id);
      if (image === undefined) throw imageNotFound(params.id);
      return Response.json(imageAnswer(image, addresses));
    },
    remove: async (_request, { params }) => {
      if (!await library.remove(params.id)) throw imageNotFound(params.id);
      return new Response(null, { status: STATUS_CODE.NoContent });
    },
  };
}
