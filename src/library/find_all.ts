import type { ImageStore, StoredImage } from "../images/store.ts";

/** How many images are read at once: more do not make it faster, and every one needs an open file. */
const AT_ONCE = 8;

/** Finds images in the order of their ids; nothing in the place of one that is not there, or not whole. */
export async function findAll(
  store: ImageStore,
  ids: readonly string[],
): Promise<(StoredImage | undefined)[]> {
  const images: (StoredImage | undefined)[] = [];
  for (let start = 0; start < ids.length; start += AT_ONCE) {
    const group = ids.slice(start, start + AT_ONCE);
    images.push(...await Promise.all(group.map((id) => store.find(id))));
  }
  return images;
}
