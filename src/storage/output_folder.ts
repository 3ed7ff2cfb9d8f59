import { join } from "@std/path";

/** What tells one directory from another that is mounted or made in its place. */
type Identity = Readonly<Pick<Deno.FileInfo, "dev" | "ino">>;

/** Where an {@linkcode OutputFolder} looks for what it is known by. */
export type KnownNames = () => readonly string[];

/**
 * The folder of pictures, which may lie on a disk that goes and comes back.
 *
 * What is mounted or made at its path meanwhile is not taken for it: nothing may be written into a bare mount point, and what
 * is missing there is not lost.
 */
export class OutputFolder {
  /** The absolute path. */
  readonly path: string;
  #identity: Identity;
  #knownNames: KnownNames = () => [];

  private constructor(path: string, identity: Identity) {
    this.path = path;
    this.#identity = identity;
  }

  /** Takes the directory at a path for the folder; made if it is not there. */
  static async open(path: string): Promise<OutputFolder> {
    await Deno.mkdir(path, { recursive: true });
    return new OutputFolder(path, await Deno.stat(path));
  }

  /** Changes when another directory is taken for the folder, as after a disk was mounted again. */
  get identity(): string {
    return `${this.#identity.dev}:${this.#identity.ino}`;
  }

  /** Says by which of its files the folder is known again. */
  recognizeBy(names: KnownNames): void {
    this.#knownNames = names;
  }

  /** Whether the folder is there, and not merely something at its path. */
  async isPresent(): Promise<boolean> {
    const found = await statDirectory(this.path);
    if (found === undefined) return false;
    if (!isSame(found, this.#identity)) {
      if (!await this.#isKnown(found)) return false;
      this.#identity = found;
    }
    return true;
  }

  /** Tells what is wrong with the folder, in the middle of a sentence. */
  async describeAbsence(): Promise<string> {
    const path = `"${this.path}"`;
    return await statDirectory(this.path) === undefined
      ? `${path} is missing`
      : `${path} is another directory than before: mount its disk again, or restart the server to go on with this one`;
  }

  /** Recognizes the folder where its disk got another number, or where it was made anew and had nothing to lose. */
  async #isKnown(found: Identity): Promise<boolean> {
    if (found.ino === this.#identity.ino) return true;
    const names = this.#knownNames();
    for (const name of names) {
      if (await exists(join(this.path, name))) return true;
    }
    if (names.length > 0) return false;
    return found.dev === this.#identity.dev || !await isEmpty(this.path);
  }
}

function isSame(one: Identity, other: Identity): boolean {
  return one.dev === other.dev && one.ino === other.ino;
}

async function statDirectory(path: string): Promise<Identity | undefined> {
  try {
    const info = await Deno.stat(path);
    return info.isDirectory ? info : undefined;
  } catch (error) {
    // A disk that fails or that is pulled out is as good as none.
    if (error instanceof Error && "code" in error) return undefined;
    throw error;
  }
}

async function exists(path: string): Promise<boolean> {
  try {
    await Deno.lstat(path);
    return true;
  } catch (error) {
    if (error instanceof Error && "code" in error) return false;
    throw error;
  }
}

async function isEmpty(path: string): Promise<boolean> {
  for await (const _ of Deno.readDir(path)) return false;
  return true;
}
