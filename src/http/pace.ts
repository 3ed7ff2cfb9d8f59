import { STATUS_CODE } from "@std/http/status";
import { HttpError } from "../errors.ts";

const SECOND = 1000;

/** How fast a body has to come. */
export interface Pace {
  /** Bytes a second; 0 for any pace. */
  readonly bytesPerS: number;
  /** For how long it may be slower, in milliseconds. */
  readonly graceMs: number;
}

/**
 * Passes a body on, as long as whoever sends it does not take too long.
 *
 * The grace is used up by waiting and won back by bytes, so that neither a fast beginning nor a slow reader of ours
 * makes a difference. The stream fails with an {@linkcode HttpError} `request_canceled` of status 408.
 */
export function requirePace(
  body: ReadableStream<Uint8Array<ArrayBuffer>>,
  pace: Pace = { bytesPerS: 0, graceMs: 0 },
): ReadableStream<Uint8Array<ArrayBuffer>> {
  const { bytesPerS, graceMs } = pace;
  if (bytesPerS === 0) return body;
  const reader = body.getReader();
  let left = graceMs;
  return new ReadableStream({
    async pull(controller) {
      const began = performance.now();
      const late = Promise.withResolvers<never>();
      const timer = setTimeout(() => late.reject(tooSlow(bytesPerS)), left);
      try {
        const next = await Promise.race([reader.read(), late.promise]);
        if (next.done) return controller.close();
        const waited = performance.now() - began;
        const earned = next.value.length * SECOND / bytesPerS;
        left = Math.max(0, Math.min(graceMs, left - waited + earned));
        controller.enqueue(next.value);
      } catch (error) {
        // Nobody waits for whoever may never send another byte.
        reader.cancel(error).catch(() => {});
        throw error;
      } finally {
        clearTimeout(timer);
      }
    },
    cancel: (reason) => reader.cancel(reason),
  }, { highWaterMark: 0 });
}

function tooSlow(bytesPerS: number): HttpError {
  return new HttpError(
    "request_canceled",
    `Cannot wait for the rest of the body: expected ${bytesPerS} bytes a second`,
    { status: STATUS_CODE.RequestTimeout },
  );
}
