import { delay } from "@std/async/delay";

const POLL_MS = 20;

/** How {@linkcode until} waits. */
export interface UntilOptions {
  /** For how long, in milliseconds; 20 seconds, for busy machines, when left out. */
  readonly ms?: number;
  /** Says in the error what was the case instead. */
  readonly state?: () => unknown;
}

/**
 * Waits until something is the case.
 *
 * @param look Tells what is the case; anything but undefined and false ends the waiting.
 * @throws {Error} It was not the case in time.
 */
export async function until<T>(
  look: () => T | Promise<T>,
  { ms = 20_000, state = () => "" }: UntilOptions = {},
): Promise<Exclude<T, undefined | false>> {
  const end = Date.now() + ms;
  while (true) {
    const found = await look();
    if (found !== undefined && found !== false) {
      return found as Exclude<T, undefined | false>;
    }
    if (Date.now() > end) {
      throw new Error(`Cannot wait longer than ${ms} ms: ${state()}`);
    }
    await delay(POLL_MS);
  }
}
