import { assertEquals } from "@std/assert";
import { join } from "@std/path";
import { listProcesses } from "../../src/codex/process_tree.ts";
import type { SandboxedCodex } from "../support/codex.ts";

/**
 * Makes sure that workers left nothing: no process, no picture, no session, and no file with a text.
 *
 * @param words A text that only the workers were told.
 */
export async function assertNoTraces(
  { dataDir }: SandboxedCodex,
  words: string,
): Promise<void> {
  assertEquals(await processesIn(dataDir), []);
  const files: string[] = [];
  for await (const file of filesBelow(dataDir)) {
    const text = new TextDecoder().decode(await Deno.readFile(file));
    if (text.includes(words)) files.push(file);
  }
  assertEquals(files, [], "files with the words");
  assertEquals(await directoriesIn(join(dataDir, "work")), []);
  const home = join(dataDir, "codex-home");
  assertEquals(await directoriesIn(join(home, "generated_images")), []);
  for await (const file of filesBelow(join(home, "sessions"))) {
    assertEquals(file, undefined, "a session file");
  }
}

/** The programs whose command line or environment names a directory. */
export async function processesIn(directory: string): Promise<string[]> {
  const rows = await listProcesses();
  return rows.filter(({ command, environment, pid }) =>
    pid !== Deno.pid && `${command} ${environment}`.includes(directory)
  ).map(({ command }) => command.split(" ", 1)[0].replace(/^.*\//, "")).sort();
}

async function directoriesIn(directory: string): Promise<string[]> {
  try {
    const entries = await Array.fromAsync(Deno.readDir(directory));
    return entries.map(({ name }) => name);
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return [];
    throw error;
  }
}

async function* filesBelow(directory: string): AsyncGenerator<string> {
  for (const name of await directoriesIn(directory)) {
    const path = join(directory, name);
    const { isDirectory, isFile } = await Deno.lstat(path);
    if (isDirectory) yield* filesBelow(path);
    if (isFile) yield path;
  }
}
