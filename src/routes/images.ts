import { STATUS_CODE } from "@std/http/status";
import { json, type Parameter, withoutSchema } from "../api/openapi.ts";
import type { StoredImageAnswer } from "../api/schemas.ts";
import { ApiError } from "../errors.ts";
import { fileResponse } from "../http/file_response.ts";
import type { OpenedFile } from "../images/regular_file.ts";
import type { ImageStore, StoredImage } from "../images/store.ts";
import { formatCursor } from "../library/index.ts";
import type { Thumbnails } from "../library/thumbnails.ts";
import { truncateAndQuote } from "../util.ts";
import { parseImagesQuery } from "./list_query.ts";
import type { Link, Links } from "./links.ts";
import type { ApiRoute, HandlerContext } from "./route.ts";

const VARIANTS = ["delivered", "original", "thumbnail"] as const;
const IMAGE_TYPES = ["image/png", "image/jpeg", "image/webp"];

const IMAGE_ID: Parameter = {
  in: "path",
  name: "id",
  description: "The id of a stored image",
};

/** The routes of stored images: list, look, remove, fetch. */
export const IMAGE_ROUTES: readonly ApiRoute<
  "config" | "library" | "links" | "store"
>[] = [
  {
    method: "GET",
    path: "/v1/images",
    handler: listImages,
    operation: {
      id: "listImages",
      tag: "Library",
      summary: "List stored images, the newest first",
      parameters: [
        { in: "query", name: "limit", description: "1 to 100, 20 if left out" },
        {
          in: "query",
          name: "cursor",
          description: "The `next_cursor` of the page before",
        },
        { in: "query", name: "job", description: "Those of one job" },
        {
          in: "query",
          name: "q",
          description: "Words of their prompts, where prompts are stored",
        },
      ],
      answers: { 200: json("ImageList", "A page of images") },
    },
  },
  {
    method: "GET",
    // Only what begins like an id: a GET of "/v1/images/generate" is a wrong method and not a missing image.
    path: "/v1/images/:id(codex-[^/]+)",
    handler: showImage,
    operation: {
      id: "showImage",
      tag: "Library",
      summary: "Look at what is known of an image",
      parameters: [IMAGE_ID],
      answers: { 200: json("StoredImage", "The image") },
    },
  },
  {
    method: "DELETE",
    path: "/v1/images/:id(codex-[^/]+)",
    handler: removeImage,
    operation: {
      id: "removeImage",
      tag: "Library",
      summary: "Remove an image and all its files",
      parameters: [IMAGE_ID],
      answers: { 204: { description: "It is removed" } },
    },
  },
  {
    method: "GET",
    path: "/v1/images/:id/file",
    handler: fetchImage,
    operation: {
      id: "fetchImage",
      tag: "Library",
      summary: "Fetch the file of an image",
      description:
        "Honours `Range`, `If-Match`, `If-None-Match`, the dates like them, and `HEAD`. A condition that does not hold is 412, a range behind the end 416.",
      parameters: [IMAGE_ID, {
        in: "query",
        name: "variant",
        description:
          "The file as it was delivered (default), as Codex wrote it, or small",
        values: VARIANTS,
      }],
      answers: {
        200: withoutSchema("The file", ...IMAGE_TYPES),
        206: withoutSchema("A range of it", ...IMAGE_TYPES),
        304: { description: "The caller has it already" },
      },
    },
  },
];

/** The path of the file under another name, for callers that want one with an ending. */
export const IMAGE_FILE_ALIAS: ApiRoute<"library" | "store"> = {
  method: "GET",
  path: "/v1/images/:id/:name(file\\.(?:png|jpe?g|webp))",
  handler: fetchImage,
};

/** How the answer about a stored image finds its files. */
export interface ImageAnswerOptions {
  readonly link: Link;
  readonly links: Links;
}

/** Writes all that is known of a stored image, in the words of the contract. */
export function imageAnswer(
  image: StoredImage,
  { link, links }: ImageAnswerOptions,
): StoredImageAnswer {
  const { sidecar } = image;
  const { id, original } = sidecar;
  // What a sidecar calls text was one of the words of a request or an answer when it was written.
  return {
    id,
    generation_id: sidecar.generation_id,
    created_at: sidecar.created_at,
    label: sidecar.label,
    model: sidecar.model,
    mime_type: sidecar.mime_type,
    path: links.path(image),
    url: link(id),
    thumbnail_url: link(id, { variant: "thumbnail" }),
    requested_size: sidecar.requested_size,
    resolved_size: sidecar.resolved_size,
    native_size: sidecar.native_size,
    resize: sidecar.resize,
    width: sidecar.width,
    height: sidecar.height,
    quality: sidecar.quality as StoredImageAnswer["quality"],
    prompt: sidecar.prompt ?? null,
    revised_prompt: sidecar.revised_prompt,
    sha256: sidecar.sha256,
    bytes: sidecar.bytes,
    transparent: sidecar.transparent,
    variation: sidecar.variation,
    duration_ms: sidecar.duration_ms,
    request: sidecar.request ?? null,
    codex_version: sidecar.codex_version,
    references: sidecar.references as StoredImageAnswer["references"],
    original: original && {
      mime_type: original.mime_type,
      sha256: original.sha256,
      bytes: original.bytes,
      url: link(id, { variant: "original" }),
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

type Variant = typeof VARIANTS[number];

/** An open file, and what is to be said of it. */
interface Shown extends OpenedFile {
  readonly etag: string;
  readonly contentType: string;
  readonly fileName: string;
}

async function fetchImage(
  request: Request,
  { params, service }: HandlerContext<"library" | "store">,
): Promise<Response> {
  const { library, store } = service;
  const variant = readVariant(request);
  const image = await store.find(params.id);
  const shown = image &&
    (variant === "thumbnail"
      ? await openThumbnail(library.thumbnails, image)
      : await openImage(store, image, variant));
  if (shown === undefined) throw imageNotFound(params.id);
  return fileResponse(request, shown.file, {
    ...shown,
    size: shown.info.size,
    lastModified: shown.info.mtime ?? undefined,
  });
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

async function listImages(
  request: Request,
  { service }: HandlerContext<"config" | "library" | "links">,
): Promise<Response> {
  const { config, library, links } = service;
  const link = links.for(request);
  const { searchParams } = new URL(request.url);
  const query = parseImagesQuery(searchParams, config);
  const { indexing } = library;
  const { images, next } = await library.list(query);
  return Response.json({
    object: "list",
    data: images.map((image) => imageAnswer(image, { link, links })),
    next_cursor: next === undefined ? null : formatCursor(next),
    indexing,
  });
}

async function showImage(
  request: Request,
  { params, service: { links, store } }: HandlerContext<"links" | "store">,
): Promise<Response> {
  const image = await store.find(params.id);
  if (image === undefined) throw imageNotFound(params.id);
  const link = links.for(request);
  return Response.json(imageAnswer(image, { link, links }));
}

async function removeImage(
  _request: Request,
  { params, service }: HandlerContext<"library">,
): Promise<Response> {
  if (!await service.library.remove(params.id)) throw imageNotFound(params.id);
  return new Response(null, { status: STATUS_CODE.NoContent });
}
