/** How many images of one millisecond have places of that millisecond; further ones get those of the next. */
const PER_MILLISECOND = 1024;
/** The last millisecond whose places are exact numbers: in the year 2248. */
const LAST_MILLISECOND = 2 ** 43 - 1;
const TEXT = /^([0-9a-z]{1,11})-([0-9a-z]{2})$/;
/** What places are divided by for the digits at the end of a cursor: a prime that two of them hold. */
const CHECK = 1_291;

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

/** Writes a place as a cursor for callers, with two digits at its end by which a damaged one is known. */
export function formatCursor(place: number): string {
  const check = (place % CHECK).toString(36).padStart(2, "0");
  return `${place.toString(36)}-${check}`;
}

/** Reads a cursor; nothing if it is not one. */
export function parseCursor(text: string): number | undefined {
  const [, digits = ""] = TEXT.exec(text) ?? [];
  const place = Number.parseInt(digits, 36);
  const isOne = Number.isSafeInteger(place) && formatCursor(place) === text;
  return isOne ? place : undefined;
}
