import type { ImageStore, StoredImage } from "../images/store.ts";
import type { ImageIndex, IndexQuery } from "./index.ts";
import { readAll } from "./reconcile.ts";

/** A part of a list of images. */
export interface Page {
  readonly images: readonly StoredImage[];
  /** Before which sort key the list goes on; nothing at its end. */
  readonly next: number | undefined;
}

/** What {@linkcode readPage} reads from. */
export interface PageSources {
  readonly index: ImageIndex;
  /** Called for an image that the index lists and that is not found in the store. */
  readonly onGone: (id: string) => Promise<void>;
  readonly store: ImageStore;
}

/** Reads the images that an index lists from the store, as many as are asked for even if some are gone. */
export async function readPage(
  query: IndexQuery,
  { index, onGone, store }: PageSources,
): Promise<Page> {
  const found: { readonly image: StoredImage; readonly sortKey: number }[] = [];
  let { before } = query;
  while (true) {
    // One more than asked for tells whether there are more.
    const limit = query.limit + 1 - found.length;
    const listed = index.list({ ...query, before, limit });
    const images = await readAll(store, listed.map(({ id }) => id));
    for (const [i, { id, sortKey }] of listed.entries()) {
      const image = images[i];
      if (image === undefined) await onGone(id);
      else found.push({ image, sortKey });
    }
    before = listed.at(-1)?.sortKey;
    if (listed.length < limit || found.length > query.limit) break;
  }
  const shown = found.slice(0, query.limit);
  const next = found.length > shown.length ? shown.at(-1)?.sortKey : undefined;
  return { images: shown.map(({ image }) => image), next };
}
