const DAY_SECONDS = 86_400;
const TIME =
  /try again at (?:([A-Z][a-z]{2}) (\d{1,2})(?:st|nd|rd|th), (\d{4}) )?(\d{1,2}):(\d{2}) (AM|PM)/;

/**
 * Reads the time out of the CLI's "try again at 8:19 PM" or "try again at Nov 25th, 2026 8:19 PM".
 *
 * The CLI writes local time; workers run in UTC.
 *
 * @param now What "today" means.
 * @returns Seconds from now, at least 1; undefined where the message names no time.
 */
export function readResetTime(message: string, now: Date): number | undefined {
  const match = TIME.exec(message);
  if (match === null) return undefined;
  const [, month, day, year, hour, minute, half] = match;
  const hours = Number(hour) % 12 + (half === "PM" ? 12 : 0);
  const date = month === undefined
    ? now.toISOString().slice(0, 10)
    : `${day} ${month} ${year}`;
  const time = new Date(`${date} ${hours}:${minute} UTC`);
  const seconds = Math.ceil((time.getTime() - now.getTime()) / 1000);
  if (!Number.isFinite(seconds)) return undefined;
  // A time of day without a date that has gone by is tomorrow's; the CLI drops the seconds.
  const tomorrow = month === undefined && seconds < -60;
  return Math.max(1, tomorrow ? seconds + DAY_SECONDS : seconds);
}
