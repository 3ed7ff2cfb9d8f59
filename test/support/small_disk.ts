/** A file system of its own that is soon full. */
export interface SmallDisk extends AsyncDisposable {
  /** Where it is mounted. */
  readonly path: string;
  /** Lets nobody write to it any more. */
  makeReadOnly(): Promise<void>;
  /** Unmounts it, so that the bare directory is there instead. */
  takeAway(): Promise<{ bringBack(): Promise<void> }>;
}

/** Mounts a file system of so many bytes in memory; nothing where that is not allowed. */
export async function mountSmallDisk(
  bytes: number,
): Promise<SmallDisk | undefined> {
  const path = await Deno.makeTempDir({ prefix: "codex-image-server-disk-" });
  const size = `size=${bytes},mode=0700`;
  if (!await succeeds("mount", "-t", "tmpfs", "-o", size, "tmpfs", path)) {
    await Deno.remove(path);
    return undefined;
  }
  return {
    path,
    makeReadOnly: async () => {
      await succeeds("mount", "-o", "remount,ro", path);
    },
    takeAway: async () => {
      const elsewhere = await Deno.makeTempDir();
      // A mount of its own keeps the file system while the first one is away.
      await succeeds("mount", "--bind", path, elsewhere);
      await succeeds("umount", "--lazy", path);
      return {
        bringBack: async () => {
          await succeeds("mount", "--bind", elsewhere, path);
          await succeeds("umount", "--lazy", elsewhere);
          await Deno.remove(elsewhere);
        },
      };
    },
    [Symbol.asyncDispose]: async () => {
      // Whoever still looks at it must not keep it.
      await succeeds("umount", "--lazy", path);
      await Deno.remove(path);
    },
  };
}

/** Whether this machine lets tests mount file systems; says so where it does not. */
export async function canMount(): Promise<boolean> {
  await using disk = await mountSmallDisk(65_536);
  if (disk === undefined) {
    console.log(
      "Cannot mount a small disk: the tests that need one are left out",
    );
  }
  return disk !== undefined;
}

async function succeeds(program: string, ...args: string[]): Promise<boolean> {
  try {
    const { success } = await new Deno.Command(program, {
      args,
      stdin: "null",
      stdout: "null",
      stderr: "null",
    }).output();
    return success;
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return false;
    throw error;
  }
}
