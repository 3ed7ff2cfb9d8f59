import { Buffer } from "node:buffer";

/** The error for a body that ends before something that has to come. */
export class EarlyEnd extends Error {
  override name = "EarlyEnd";
}

/** Bytes that come in chunks of any length, read from mark to mark wherever the chunks are cut. */
export class MarkedReader {
  readonly #chunks: AsyncIterator<Uint8Array<ArrayBuffer>>;
  #held: Buffer<ArrayBuffer>;

  /**
   * @param chunks The bytes.
   * @param before Bytes to read before them.
   */
  constructor(
    chunks: AsyncIterator<Uint8Array<ArrayBuffer>>,
    before: Uint8Array<ArrayBuffer>,
  ) {
    this.#chunks = chunks;
    this.#held = Buffer.from(before);
  }

  /**
   * Gives the bytes before the next mark as they come, and skips the mark.
   *
   * It has to be read to its end before anything else is read.
   *
   * @throws {EarlyEnd} There is no such mark.
   */
  async *until(mark: Uint8Array): AsyncGenerator<Uint8Array<ArrayBuffer>> {
    for (;;) {
      const index = this.#held.indexOf(mark);
      if (index !== -1) {
        const bytes = this.#held.subarray(0, index);
        this.#held = this.#held.subarray(index + mark.length);
        if (index > 0) yield bytes;
        return;
      }
      // The mark may have begun in what is kept.
      const certain = Math.max(0, this.#held.length - mark.length + 1);
      const bytes = this.#held.subarray(0, certain);
      this.#held = this.#held.subarray(certain);
      if (certain > 0) yield bytes;
      await this.#fill();
    }
  }

  /**
   * Looks at the next bytes without skipping them.
   *
   * @throws {EarlyEnd} There are not so many.
   */
  async peek(length: number): Promise<Uint8Array<ArrayBuffer>> {
    while (this.#held.length < length) await this.#fill();
    return this.#held.subarray(0, length);
  }

  async #fill(): Promise<void> {
    const { done, value } = await this.#chunks.next();
    if (done) throw new EarlyEnd("The body ends too early");
    this.#held = Buffer.concat([this.#held, value]);
  }
}
