import { abortable } from "@std/async/abortable";
import { isRefreshDue } from "./refresh_due.ts";

/**
 * Lets workers start side by side, except where one must go ahead: the first on a fresh home, which
 * unpacks files there, and one that will refresh the login.
 */
export class StartTurns {
  readonly #authFile: string;
  #next: Promise<void> = Promise.resolve();
  #isUnpacked = false;

  /** @param authFile The login file. */
  constructor(authFile: string) {
    this.#authFile = authFile;
  }

  /**
   * Waits until a worker may start.
   *
   * @param started Tells whether it has begun its thread, as soon as it has or has ended without one.
   * @param signal Gives the turn up.
   * @returns Whether it will refresh the login.
   */
  take(started: Promise<boolean>, signal: AbortSignal): Promise<boolean> {
    const before = this.#next;
    const turn = abortable(before, signal).then(async () => {
      const refreshes = await isRefreshDue(this.#authFile);
      signal.throwIfAborted();
      return refreshes;
    });
    this.#next = turn.then(async (refreshes) => {
      if (!refreshes && this.#isUnpacked) return;
      // One that ended before it began may have left the files half unpacked.
      if (await started) this.#isUnpacked = true;
    }, () => before);
    return turn;
  }
}
