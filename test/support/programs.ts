import { join } from "@std/path";

/** A directory for `PATH`. */
export interface LinkedPrograms extends AsyncDisposable {
  readonly directory: string;
  /** Takes a program away. */
  remove(name: string): Promise<void>;
}

/** Makes a directory with nothing but links to some programs of this machine. */
export async function linkPrograms(
  names: readonly string[],
): Promise<LinkedPrograms> {
  const directory = await Deno.makeTempDir({ prefix: "codex-image-programs-" });
  for (const name of names) {
    await Deno.symlink(await find(name), join(directory, name));
  }
  return {
    directory,
    remove: (name) => Deno.remove(join(directory, name)),
    [Symbol.asyncDispose]: () => Deno.remove(directory, { recursive: true }),
  };
}

async function find(name: string): Promise<string> {
  for (const directory of (Deno.env.get("PATH") ?? "").split(":")) {
    const path = join(directory, name);
    try {
      if ((await Deno.stat(path)).isFile) return path;
    } catch (error) {
      if (!(error instanceof Deno.errors.NotFound)) throw error;
    }
  }
  throw new Error(`Cannot find ${name} in PATH`);
}
