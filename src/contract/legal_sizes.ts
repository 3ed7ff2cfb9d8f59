import { checkSize, MAX_EDGE, MULTIPLE_OF, type Size } from "./size.ts";

let found: readonly Size[] | undefined;

/** Lists every size that the image model can be asked for, narrow ones first; the list is made once, when first needed. */
export function legalSizes(): readonly Size[] {
  return found ??= findLegalSizes();
}

/**
 * Finds the legal size that changes a wanted size the least.
 *
 * Both edges count by their relative change: it is the distance between the points (ln width, ln height) of the two sizes.
 *
 * @param wanted Edges of at least one pixel
 */
export function nearestLegalSize(wanted: Size): Size {
  const width = Math.log(wanted.width);
  const height = Math.log(wanted.height);
  let [nearest] = legalSizes();
  let least = Infinity;
  for (const size of legalSizes()) {
    const change = (Math.log(size.width) - width) ** 2 +
      (Math.log(size.height) - height) ** 2;
    if (change < least) {
      nearest = size;
      least = change;
    }
  }
  return nearest;
}

function findLegalSizes(): Size[] {
  const sizes: Size[] = [];
  for (let width = MULTIPLE_OF; width <= MAX_EDGE; width += MULTIPLE_OF) {
    for (let height = MULTIPLE_OF; height <= MAX_EDGE; height += MULTIPLE_OF) {
      const size = { width, height };
      if (checkSize(size) === undefined) sizes.push(size);
    }
  }
  return sizes;
}
