/** What {@linkcode watchEventLoop} has seen. */
export interface EventLoopUse {
  /** The longest time for which the event loop has worked without a pause, in milliseconds. */
  readonly busyMs: number;
  /** The most memory of this process, in bytes. */
  readonly rss: number;
}

/**
 * Watches the event loop of this thread until it is told to stop.
 *
 * What counts is for how long the thread has run: by the clock, other processes would count, too.
 */
export function watchEventLoop(): { stop(): EventLoopUse } {
  let last = workedMs();
  let busyMs = 0;
  let rss = 0;
  const tick = () => {
    const now = workedMs();
    busyMs = Math.max(busyMs, now - last);
    last = now;
    rss = Math.max(rss, Deno.memoryUsage().rss);
  };
  const timer = setInterval(tick, 1);
  return {
    stop() {
      clearInterval(timer);
      tick();
      return { busyMs, rss };
    },
  };
}

function workedMs(): number {
  const [ns] = Deno.readTextFileSync("/proc/thread-self/schedstat").split(" ");
  return Number(ns) / 1e6;
}
