import { once } from "node:events";
import type { Server } from "node:http";
import { connect } from "node:net";
import { delay } from "@std/async/delay";
import type { Log } from "../log.ts";

/** How often a server is tried, in milliseconds. */
const CHECK_MS = 5_000;
/** How long it may take to take a connection, in milliseconds. */
const ACCEPT_MS = 2_000;

/** What to watch. */
export interface AcceptWatchOptions {
  /** The host that the server listens on. */
  readonly host: string;
  /** The port that it listens on. */
  readonly port: number;
  /** Where to say that it had stopped. */
  readonly log: Log;
}

/**
 * Lets a server listen anew where it takes no connections any more.
 *
 * That happens for good, and without a word, once the system refuses to accept one, as it does when too many files are
 * open: Deno 2.9 does not try again.
 */
export function watchAccept(
  server: Server,
  { host, log, port }: AcceptWatchOptions,
): AsyncDisposable {
  const end = new AbortController();
  // Somebody else may have the port by now; the next check tries again.
  server.on("error", (error) => {
    log("error", "server.listen_failed", { host, port, reason: error.message });
  });
  const watching = watch();
  return {
    [Symbol.asyncDispose]: () => {
      end.abort();
      return watching;
    },
  };

  async function watch(): Promise<void> {
    const { signal } = end;
    while (await isOver(CHECK_MS, signal)) {
      if (await accepts(server, { host, port, signal })) continue;
      if (signal.aborted) return;
      log("error", "server.listen_again", { host, port });
      server.close();
      server.listen(port, host);
    }
  }
}

/** Waits, and tells whether that was not aborted. */
async function isOver(ms: number, signal: AbortSignal): Promise<boolean> {
  try {
    await delay(ms, { signal });
    return true;
  } catch (error) {
    if (signal.aborted) return false;
    throw error;
  }
}

/** Knocks, and tells whether anybody was let in: it need not be us. */
async function accepts(
  server: Server,
  { host, port, signal }: {
    readonly host: string;
    readonly port: number;
    readonly signal: AbortSignal;
  },
): Promise<boolean> {
  const late = AbortSignal.timeout(ACCEPT_MS);
  const accepted = once(server, "connection", {
    signal: AbortSignal.any([signal, late]),
  });
  const knock = connect(port, host);
  const closed = new Promise((resolve) => knock.once("close", resolve));
  // Refused or not, what counts is what the server sees.
  knock.on("error", () => {});
  try {
    await accepted;
    return true;
  } catch {
    // It is late, or the server has said what is wrong with it.
    return false;
  } finally {
    knock.destroy();
    await closed;
  }
}
