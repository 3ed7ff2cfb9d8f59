/**
 * Starts to measure time, and tells how much has passed, in whole milliseconds.
 *
 * It goes on evenly while somebody sets the clock.
 */
export function startStopwatch(): () => number {
  const started = performance.now();
  return () => Math.round(performance.now() - started);
}
