import { deadline } from "@std/async/deadline";

/** A signal that comes late, until it is disposed of. */
export interface HeldAbort extends Disposable {
  readonly signal: AbortSignal;
}

/**
 * Passes an abort on, but not before something is over.
 *
 * @param signal What is passed on, with its reason.
 * @param until What an abort waits for.
 * @param ms How long it waits at most, in milliseconds.
 */
export function holdAbort(
  signal: AbortSignal,
  until: Promise<unknown>,
  ms: number,
): HeldAbort {
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
