/** The sizes of buffers, in bytes: of a request or an answer of JSON, and of a picture. */
const BUFFER_BYTES = { small: 16_384, large: 262_144 } as const;
/** How many small buffers are kept for the next connections. */
const MAX_SPARE = 128;
/** How long the handler may leave bytes unread before the gate reads on without it, in milliseconds. */
const STALL_MS = 250;
/** What is kept of all callers whose bytes the handler leaves unread, in bytes: more than one whole request may have. */
const MAX_UNREAD_BYTES = 134_217_728;
/** How long a caller who sends no more is answered, and one who is answered may send on, in milliseconds. */
const LINGER_MS = { gone: 1_000, served: 5_000 } as const;
/** How long a connection that is asked nothing stays open while the server stops, in milliseconds. */
const FINISH_MS = 250;
const LATE = new TextEncoder().encode(
  "HTTP/1.1 408 Request Timeout\r\ncontent-length: 0\r\nconnection: close\r\n\r\n",
);

/** How long a connection may be waited for, and what it shares with the others. */
export interface GateConnectionOptions {
  /** How long the head of a request may take, in milliseconds. */
  readonly headerTimeoutMs: number;
  /** How long the next request may be waited for, or a reader that takes nothing of its answer, in milliseconds. */
  readonly idleTimeoutMs: number;
  /** What all callers together have sent that the handler leaves unread. */
  readonly unread: { bytes: number };
}

/** The connection of a caller, and the one to the server that belongs to it. */
export class GateConnection {
  readonly #caller: Deno.TcpConn;
  readonly #inner: Deno.TcpConn;
  readonly #options: GateConnectionOptions;
  /** Requests that are in the handler. */
  readonly #requests = new Set<AbortController>();
  /** What the caller has sent and the server does not take. */
  readonly #queue: (Uint8Array | null)[] = [];
  /** The next piece of it, while that is awaited. */
  #reading: Promise<void> | undefined;
  /** Since when the caller is waited for, in milliseconds. */
  #waitingSince = performance.now();
  /** Whether there was a request; before that, the time for a head is all that a caller has. */
  #wasAsked = false;
  /** Whether bytes came that have not become a request. */
  #hasHead = false;
  /** Since when the server has not taken what it was sent; 0 while it takes all. */
  #stalledSince = 0;
  /** Whether a request has had no byte of its answer. */
  #isOwed = false;
  /** Since when the caller has not taken what it was sent; 0 while it takes all. */
  #answeringSince = 0;
  /** Since when one side has ended; 0 while both are there. */
  #endedSince = 0;
  /** Whether the server has ended its side: the caller has all that there is. */
  #isServed = false;
  /** Whether the caller has left. */
  #isGone = false;
  /** Whether the server is sent nothing more. */
  #isDropping = false;
  /** Whether there is to be no further request. */
  #isFinishing = false;
  #isClosed = false;
  /** Resolves when both connections are closed and nothing waits for either. */
  readonly closed: Promise<void>;

  /**
   * @param caller The connection of the caller.
   * @param inner The one to the server.
   */
  constructor(
    caller: Deno.TcpConn,
    inner: Deno.TcpConn,
    options: GateConnectionOptions,
  ) {
    this.#caller = caller;
    this.#inner = inner;
    this.#options = options;
    // What is written is a whole piece; to wait for more of it would cost 40 ms.
    caller.setNoDelay();
    inner.setNoDelay();
    this.closed = this.#pass();
  }

  /**
   * Begins a request; its signal is aborted when the caller leaves before the answer is complete.
   *
   * @param completed Settles when the answer is complete, and rejects where it is not to be.
   */
  begin(completed: Promise<void>): AbortSignal {
    const request = new AbortController();
    if (this.#isGone) request.abort();
    this.#requests.add(request);
    this.#wasAsked = true;
    this.#isOwed = true;
    this.#hasHead = false;
    const end = () => {
      this.#requests.delete(request);
      this.#waitingSince = performance.now();
    };
    completed.then(end, () => {
      request.abort();
      end();
    });
    return request.signal;
  }

  /** Ends what the server is sent of the caller, so that it waits for no further part of a body. */
  async endRequests(): Promise<void> {
    this.#isDropping = true;
    await endWriting(this.#inner);
  }

  /** Holds the connection against its time limits. */
  check(): void {
    const now = performance.now();
    const linger = this.#isServed ? LINGER_MS.served : LINGER_MS.gone;
    if (this.#endedSince > 0 && now - this.#endedSince > linger) {
      return this.close();
    }
    if (this.#stalledSince > 0 && now - this.#stalledSince > STALL_MS) {
      this.#reading ??= this.#readAhead();
    }
    const { idleTimeoutMs } = this.#options;
    // Whoever reads nothing would keep a file or a place for a stream for ever.
    if (this.#isAnswering && now - this.#answeringSince > idleTimeoutMs) {
      return this.close();
    }
    if (this.#requests.size > 0 || this.#isAnswering) return;
    if (now - this.#waitingSince > this.#limit) this.#giveUp();
  }

  /** Closes the connection as soon as nothing is asked over it. */
  finish(): void {
    this.#isFinishing = true;
    if (this.#isIdle) this.close();
  }

  /** Closes the connection, whatever goes on. */
  close(): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    this.#abort();
    for (const piece of this.#queue.splice(0)) {
      this.#options.unread.bytes -= piece?.length ?? 0;
    }
    this.#caller.close();
    this.#inner.close();
  }

  /** How long the caller is waited for, in milliseconds. */
  get #limit(): number {
    const { headerTimeoutMs, idleTimeoutMs } = this.#options;
    if (this.#hasHead || !this.#wasAsked) return headerTimeoutMs;
    return this.#isFinishing ? FINISH_MS : idleTimeoutMs;
  }

  get #isAnswering(): boolean {
    return this.#answeringSince > 0;
  }

  get #isIdle(): boolean {
    const isAsked = this.#requests.size > 0 || this.#hasHead;
    return !isAsked && !this.#isOwed && !this.#isAnswering;
  }

  async #pass(): Promise<void> {
    await Promise.all([this.#passRequests(), this.#passAnswers()]);
  }

  async #passRequests(): Promise<void> {
    using reader = new Reader(this.#caller);
    for (let piece; (piece = await this.#next(reader)) !== null;) {
      if (this.#isDropping) continue;
      if (this.#requests.size === 0 && !this.#hasHead) {
        this.#hasHead = true;
        if (this.#wasAsked) this.#waitingSince = performance.now();
      }
      this.#stalledSince = performance.now();
      // A server that has ended the connection may still be read; what comes for it is dropped.
      await write(this.#inner, piece);
      this.#stalledSince = 0;
    }
  }

  async #passAnswers(): Promise<void> {
    using reader = new Reader(this.#inner);
    for (let piece; (piece = (await reader.read()).piece) !== null;) {
      this.#isOwed = false;
      this.#answeringSince = performance.now();
      if (!await write(this.#caller, piece)) {
        this.#leave();
        this.close();
      }
      this.#answeringSince = 0;
      this.#waitingSince = performance.now();
    }
    if (this.#isGone) return this.close();
    this.#endedSince = performance.now();
    this.#isServed = true;
    await endWriting(this.#caller);
  }

  /** Takes the next piece from the caller; null when there is none. */
  async #next(reader: Reader): Promise<Uint8Array | null> {
    if (this.#queue.length === 0) await this.#reading;
    const piece = this.#queue.shift();
    if (piece === undefined) return await this.#read(reader);
    this.#options.unread.bytes -= piece?.length ?? 0;
    return piece;
  }

  /** Reads on while the server takes nothing: behind what it leaves may stand the end of the caller. */
  async #readAhead(): Promise<void> {
    const { unread } = this.#options;
    using reader = new Reader(this.#caller);
    while (this.#stalledSince > 0 && unread.bytes < MAX_UNREAD_BYTES) {
      const piece = (await this.#read(reader))?.slice() ?? null;
      if (this.#isClosed) break;
      this.#queue.push(piece);
      unread.bytes += piece?.length ?? 0;
      if (piece === null) return;
    }
    this.#reading = undefined;
  }

  async #read(reader: Reader): Promise<Uint8Array | null> {
    const { piece, isBroken } = await reader.read();
    if (piece === null) this.#leave();
    if (isBroken) this.close();
    return piece;
  }

  /** Tells the handler that the caller has left; one that only writes no more may still read what is ready. */
  #leave(): void {
    if (this.#isGone) return;
    this.#isGone = true;
    this.#abort();
    if (this.#isServed || this.#isIdle) return this.close();
    this.#endedSince = performance.now();
  }

  #abort(): void {
    for (const request of this.#requests) request.abort();
  }

  #giveUp(): void {
    if (this.#wasAsked || !this.#hasHead) return this.close();
    this.#endedSince = performance.now();
    void write(this.#caller, LATE).then(() => this.close());
  }
}

/** Small buffers that no reader uses: thousands of them would be there until garbage is collected. */
const spare: Uint8Array<ArrayBuffer>[] = [];

/** Reads a connection piece by piece; its buffer grows where much comes at once. */
class Reader implements Disposable {
  readonly #connection: Deno.TcpConn;
  #buffer = spare.pop() ?? new Uint8Array(BUFFER_BYTES.small);

  constructor(connection: Deno.TcpConn) {
    this.#connection = connection;
  }

  /** Reads the next piece, which is overwritten by the one after it. */
  async read(): Promise<
    { readonly piece: Uint8Array | null; readonly isBroken: boolean }
  > {
    const buffer = this.#buffer;
    try {
      const length = await this.#connection.read(buffer);
      if (length === null) return { piece: null, isBroken: false };
      if (length === buffer.length && length < BUFFER_BYTES.large) {
        this.#buffer = new Uint8Array(BUFFER_BYTES.large);
      }
      return { piece: buffer.subarray(0, length), isBroken: false };
    } catch {
      // Reset, or closed by us: either way it is over.
      return { piece: null, isBroken: true };
    }
  }

  /** Gives the buffer to the next reader. */
  [Symbol.dispose](): void {
    const isSmall = this.#buffer.length === BUFFER_BYTES.small;
    if (isSmall && spare.length < MAX_SPARE) spare.push(this.#buffer);
  }
}

/** Writes all of some bytes, and tells whether that went well. */
async function write(
  connection: Deno.TcpConn,
  bytes: Uint8Array,
): Promise<boolean> {
  try {
    let sent = await connection.write(bytes);
    while (sent < bytes.length) {
      sent += await connection.write(bytes.subarray(sent));
    }
    return true;
  } catch {
    // Whoever should read is gone; the reading side tells the rest.
    return false;
  }
}

async function endWriting(connection: Deno.TcpConn): Promise<void> {
  try {
    await connection.closeWrite();
  } catch {
    // It is closed altogether.
  }
}
