/**
 * Follows the caller of a request, to be ended by whoever knows better: once an answer streams, its own end tells that the
 * caller is gone, and not the request's signal.
 *
 * @param signal The request's, touched before anything is awaited, or a disconnect would go unnoticed.
 */
export function leaving(signal: AbortSignal): AbortController {
  const gone = new AbortController();
  if (signal.aborted) gone.abort(signal.reason);
  signal.addEventListener("abort", () => gone.abort(signal.reason), {
    once: true,
  });
  return gone;
}
