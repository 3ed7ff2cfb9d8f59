import { deadline } from "@std/async/deadline";

/**
 * Starts to measure time, and tells how much has passed, in whole milliseconds.
 *
 * It goes on evenly while somebody sets the clock.
 */
export function startStopwatch(): () => number {
  const started = performance.now();
  return () => Math.round(performance.now() - started);
}

/** Removes a file, or a directory with all that is in it; it is well if nothing is there. */
export async function removeIfExists(path: string): Promise<void> {
  try {
    await Deno.remove(path, { recursive: true });
  } catch (error) {
    if (!(error instanceof Deno.errors.NotFound)) throw error;
  }
}

const MAX_LENGTH = 100;

/** Quotes text of the caller for a message: cut after 100 UTF-16 code units, control characters escaped. */
export function truncateAndQuote(text: string): string {
  const isLong = text.length > MAX_LENGTH;
  return JSON.stringify(isLong ? `${text.slice(0, MAX_LENGTH)}…` : text);
}

/**
 * Follows the caller of a request, to be ended by whoever knows better: once an answer streams, its own end tells that the
 * caller is gone, and not the request's signal.
 *
 * @param signal The request's, touched before anything is awaited, or a disconnect would go unnoticed.
 */
export function linkAbortController(signal: AbortSignal): AbortController {
  const gone = new AbortController();
  if (signal.aborted) gone.abort(signal.reason);
  signal.addEventListener("abort", () => gone.abort(signal.reason), {
    once: true,
  });
  return gone;
}

/** A signal that comes late, until it is disposed of. */
export interface DelayedAbort extends Disposable {
  readonly signal: AbortSignal;
}

/**
 * Passes an abort on, but not before something is over.
 *
 * @param signal What is passed on, with its reason.
 * @param until What an abort waits for.
 * @param ms How long it waits at most, in milliseconds.
 */
export function delayAbort(
  signal: AbortSignal,
  until: Promise<unknown>,
  ms: number,
): DelayedAbort {
  const held = new AbortController();
  const pass = async () => {
    try {
      await deadline(until, ms);
    } catch (error) {
      if (!(error instanceof DOMException)) throw error;
    }
    held.abort(signal.reason);
  };
  signal.addEventListener("abort", pass, { once: true });
  if (signal.aborted) held.abort(signal.reason);
  return {
    signal: held.signal,
    [Symbol.dispose]: () => signal.removeEventListener("abort", pass),
  };
}

const WINDOWS_PATH = /^(?:[a-z]:[\\/]|\\\\[^\\/]+[\\/])/i;

/** Tells whether a path is absolute on the system of whoever reads it: `/a`, `C:\a`, `\\wsl.localhost\a`. */
export function isAbsoluteAnywhere(path: string): boolean {
  return path.startsWith("/") || WINDOWS_PATH.test(path);
}

/** Names a file in a directory, in the way in which the directory is written: with `\` where it is one of Windows. */
export function joinAnywhere(directory: string, name: string): string {
  const separator = WINDOWS_PATH.test(directory) ? "\\" : "/";
  return directory.replace(/[\\/]+$/, "") + separator + name;
}

/** Reads JSON; text that is none, such as a torn line or file, is as good as nothing: `undefined`. */
export function tryParseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (error) {
    if (error instanceof SyntaxError) return undefined;
    throw error;
  }
}
