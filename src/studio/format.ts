/** How times, numbers and sizes are written. */

const MEGABYTE = 1_000_000;

/** The page is in English, so that times are too, as the reader's English has them. */
const LOCALE = navigator.languages.find((one) => /^en\b/.test(one)) ?? "en-GB";

// Each takes longer to make than all of the page to be drawn, so none is made before it is needed.
const timeFormat = once({ hour: "numeric", minute: "2-digit" });
const dayFormat = once({ weekday: "long", day: "numeric", month: "long" });
const yearFormat = once({ day: "numeric", month: "long", year: "numeric" });

/** Writes the time of day. */
export function timeOf(date: Date): string {
  return timeFormat().format(date);
}

/** Names a day: "Today", "Yesterday", "tomorrow" as it stands in sentences, or its date. */
export function dayOf(date: Date): string {
  const today = new Date();
  const days = Math.round((midnight(today) - midnight(date)) / 86_400_000);
  if (days === 0) return "Today";
  if (days === 1) return "Yesterday";
  if (days === -1) return "tomorrow";
  const sameYear = date.getFullYear() === today.getFullYear();
  return (sameYear ? dayFormat : yearFormat)().format(date);
}

/** Writes when something will be, with the day where that is not today. */
export function whenOf(date: Date): string {
  const day = dayOf(date);
  return day === "Today" ? timeOf(date) : `${day}, ${timeOf(date)}`;
}

/** Writes a duration as a clock does: `0:24`. */
export function clockOf(ms: number): string {
  const seconds = Math.max(0, Math.round(ms / 1000));
  const rest = `${seconds % 60}`.padStart(2, "0");
  return `${Math.floor(seconds / 60)}:${rest}`;
}

/** Writes a number of bytes. */
export function bytesOf(bytes: number): string {
  return bytes < MEGABYTE
    ? `${Math.max(1, Math.round(bytes / 1000))} kB`
    : `${(bytes / MEGABYTE).toFixed(1)} MB`;
}

/** Writes a size for people: `1536 × 864`. */
export function sizeOf(size: string): string {
  return size.replace(/^(\d+)x(\d+)$/, "$1 × $2");
}

/** Writes a place in a queue: `1st`, `22nd`. */
export function placeOf(number: number): string {
  const lastTwo = number % 100;
  const ending = lastTwo >= 11 && lastTwo <= 13
    ? "th"
    : ["th", "st", "nd", "rd"][number % 10] ?? "th";
  return `${number}${ending}`;
}

/** Makes one line of text that is at most so long. */
export function shorten(text: string, length: number): string {
  const line = text.replace(/\s+/g, " ").trim();
  return line.length > length ? `${line.slice(0, length - 1)}…` : line;
}

/** Writes a number as people read it: `32,000`. */
export function numberOf(number: number): string {
  return `${number}`.replace(/\B(?=(?:\d{3})+$)/g, ",");
}

/** Writes a number of things: `1 picture`, `3 pictures`. */
export function countOf(count: number, thing: string): string {
  return `${count} ${thing}${count === 1 ? "" : "s"}`;
}

function once(
  options: Intl.DateTimeFormatOptions,
): () => Intl.DateTimeFormat {
  let made: Intl.DateTimeFormat | undefined;
  return () => made ??= new Intl.DateTimeFormat(LOCALE, options);
}

function midnight(date: Date): number {
  return new Date(date.getFullYear(), date.getMonth(), date.getDate())
    .getTime();
}
