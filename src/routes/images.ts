import { STATUS_CODE } from "@std/http/status";
import type { RouteContext } from "../http/router.ts";
import type { ImageStore } from "../images/store.ts";
import type { Library } from "../library/library.ts";
import { formatCursor } from "../library/place.ts";
import type { Addresses } from "./addresses.ts";
import { imageAnswer } from "./image_answer.ts";
import { imageNotFound } from "./image_not_found.ts";
import { parseImagesQuery } from "./images_query.ts";

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
