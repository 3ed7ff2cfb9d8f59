/** How many images of one millisecond have places of that millisecond; further ones get those of the next. */
const PER_MILLISECOND = 1024;
/** The last millisecond whose places are exact numbers: in the year 2248. */
const LAST_MILLISECOND = 2 ** 43 - 1;
const TEXT = /^[0-9a-z]{1,11}$/;

/**
 * The first place of a time. A place is a whole number that an image keeps as long as it is listed: later images have higher
 * ones, so that one number is the order, the key and where a page ends.
 *
 * @param createdAt As a sidecar has it: an ISO 8601 date
 */
export function firstPlace(createdAt: string): number {
  const time = Math.floor(Date.parse(createdAt));
  return Math.min(Math.max(time, 0), LAST_MILLISECOND) * PER_MILLISECOND;
}

/** The first place of the following millisecond. */
export function nextFirstPlace(place: number): number {
  return (Math.floor(place / PER_MILLISECOND) + 1) * PER_MILLISECOND;
}

/** Tells the time of a place, in milliseconds since 1970. */
export function timeOf(place: number): number {
  return Math.floor(place / PER_MILLISECOND);
}

/** Writes a place as a cursor for callers. */
export function formatCursor(place: number): string {
  return place.toString(36);
}

/** Reads a cursor; nothing if it is not one. */
export function parseCursor(text: string): number | undefined {
  const place = TEXT.test(text) ? Number.parseInt(text, 36) : NaN;
  return Number.isSafeInteger(place) ? place : undefined;
}
