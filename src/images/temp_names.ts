const INSTANCE = /^[A-Za-z0-9._-]{1,64}$/;
const UUID = /^[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$/;
const EXTENSION = ".tmp";

/** The names of the temporary files of one server among those that share a folder. */
export class TempNames {
  readonly #prefix: string;

  /** @param instance The name of the server, the same after a restart: letters, digits, `.`, `_` and `-`, at most 64 */
  constructor(instance: string) {
    if (!INSTANCE.test(instance)) {
      throw new TypeError(
        `Cannot name temporary files: instance "${instance}" is not 1 to 64 letters, digits, ".", "_" or "-"`,
      );
    }
    this.#prefix = `.codex-image-server-${instance}-`;
  }

  /** Makes a name that was never used. */
  next(): string {
    return `${this.#prefix}${crypto.randomUUID()}${EXTENSION}`;
  }

  /** Tells whether a name was made for this server. */
  owns(name: string): boolean {
    if (!name.startsWith(this.#prefix) || !name.endsWith(EXTENSION)) {
      return false;
    }
    // The whole of the rest, because another instance may be called "<this one>-something".
    return UUID.test(name.slice(this.#prefix.length, -EXTENSION.length));
  }
}
