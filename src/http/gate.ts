/**
 * A gate in front of `Deno.serve`: it listens on the public addresses and passes bytes to the server behind it, and back.
 *
 * It is there because `Deno.serve` does not notice a caller who leaves. Since Deno 2.8.3 (denoland/deno pull request 34446,
 * which reads HTTP/1 without hyper; 2.9.5 still) it looks at the socket of a working handler only where the body of the
 * request was absent or came with the first 1,024 bytes. For every other request `request.signal` never fires, and the
 * Codex processes of a caller who is gone would draw on. The gate sees each end of a socket: FIN, RST and half-close.
 *
 * It also keeps the limits for which `Deno.serve` has no options: how many connections there are, how long a head may take
 * and how long a connection may idle. And it survives that the system has no file left for a connection, of which
 * `Deno.serve` ends for good.
 *
 * When Deno asks the socket again, `request.signal` needs no help and the gate stays for its limits alone; once Deno has
 * those too, it may go.
 *
 * @module
 */
import { delay } from "@std/async/delay";
import type { Log } from "../log.ts";
import { GateConnection } from "./gate_connection.ts";

/** How often connections are held against their time limits at least, in milliseconds. */
const CHECK_MS = 250;
/** When to accept again where the system refused it, in milliseconds. */
const RETRY_MS = 100;

/** What a {@linkcode Gate} keeps to. */
export interface GateOptions {
  /** How many connections there may be at once; more are closed. */
  readonly maxConnections: number;
  /** How long the head of a request may take, in milliseconds. */
  readonly headerTimeoutMs: number;
  /** How long a connection may wait for its next request, in milliseconds. */
  readonly idleTimeoutMs: number;
  readonly log: Log;
  /** Tells the port of the server behind the gate, on 127.0.0.1; undefined while there is none. */
  readonly innerPort: () => number | undefined;
}

/** Lets callers in, and knows them by the port from which the server behind the gate sees them come. */
export class Gate {
  readonly #options: GateOptions;
  readonly #connections = new Map<number, GateConnection>();
  readonly #listeners: Deno.TcpListener[] = [];
  /** What has to end before the gate is closed. */
  readonly #pending = new Set<Promise<void>>();
  readonly #unread = { bytes: 0 };
  readonly #timer: ReturnType<typeof setInterval>;
  /** How many callers there are, from their acceptance on. */
  #open = 0;
  #isClosing = false;

  /** Opens a gate that nobody comes to yet. */
  constructor(options: GateOptions) {
    this.#options = options;
    const { headerTimeoutMs, idleTimeoutMs } = options;
    this.#timer = setInterval(
      () => {
        for (const connection of this.#connections.values()) connection.check();
      },
      Math.min(CHECK_MS, headerTimeoutMs, idleTimeoutMs),
    );
  }

  /** Lets those in who come to an address. */
  listen(listener: Deno.TcpListener): void {
    this.#listeners.push(listener);
    void this.#track(this.#accept(listener));
  }

  /** Finds the connection of a request by the port that the server sees; nothing where it came past the gate. */
  find(port: number): GateConnection | undefined {
    return this.#connections.get(port);
  }

  /** Lets nobody in any more, and resolves when every connection is closed: each is once nothing is asked over it. */
  async close(): Promise<void> {
    this.#isClosing = true;
    for (const listener of this.#listeners) listener.close();
    for (const connection of this.#connections.values()) connection.finish();
    await Promise.all(this.#pending);
    clearInterval(this.#timer);
  }

  /** Closes every connection, whatever goes on. */
  cut(): void {
    for (const connection of this.#connections.values()) connection.close();
  }

  async #accept(listener: Deno.TcpListener): Promise<void> {
    const { hostname: host, port } = listener.addr;
    let isRefused = false;
    while (!this.#isClosing) {
      try {
        void this.#track(this.#admit(await listener.accept()));
        isRefused = false;
      } catch (error) {
        if (this.#isClosing) return;
        // Too many files are open. Whoever waits is let in when there are fewer.
        const reason = String(error);
        if (!isRefused) {
          this.#options.log("error", "server.listen_again", {
            host,
            port,
            reason,
          });
        }
        isRefused = true;
        await delay(RETRY_MS);
      }
    }
  }

  async #track(promise: Promise<void>): Promise<void> {
    this.#pending.add(promise);
    await promise;
    this.#pending.delete(promise);
  }

  async #admit(caller: Deno.TcpConn): Promise<void> {
    if (this.#open >= this.#options.maxConnections) return caller.close();
    this.#open++;
    const inner = await this.#connect();
    if (inner === undefined) {
      caller.close();
    } else {
      await this.#pass(caller, inner);
    }
    this.#open--;
  }

  async #connect(): Promise<Deno.TcpConn | undefined> {
    const port = this.#options.innerPort();
    if (port === undefined) return;
    try {
      return await Deno.connect({ hostname: "127.0.0.1", port });
    } catch (error) {
      // No file is left for it, or the server has ended just now.
      if (!(error instanceof Error)) throw error;
    }
  }

  async #pass(caller: Deno.TcpConn, inner: Deno.TcpConn): Promise<void> {
    const { port } = inner.localAddr;
    const connection = new GateConnection(caller, inner, {
      ...this.#options,
      unread: this.#unread,
    });
    this.#connections.set(port, connection);
    if (this.#isClosing) connection.close();
    await connection.closed;
    this.#connections.delete(port);
  }
}
