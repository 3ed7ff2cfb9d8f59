import { join } from "@std/path";
import type { Options } from "./options.ts";
import { ask, Trouble } from "./server.ts";

const MAX_WORDS = 40;
const EXTENSIONS: Readonly<Record<string, string>> = {
  "image/jpeg": "jpg",
  "image/png": "png",
  "image/webp": "webp",
};

/** An image that the server has stored. */
export interface ServedImage {
  readonly id: string;
  readonly mime_type: string;
  /** Which of the candidates, from 0. */
  readonly index: number;
}

/** How {@linkcode saveImage} names a file and how it is ended. */
export interface SaveOptions {
  /** Whether it is the only one. */
  readonly single: boolean;
  readonly signal: AbortSignal;
}

/**
 * Fetches an image and saves it under a name made of the prompt; no file is ever replaced.
 *
 * @returns The path of the file.
 * @throws {Trouble} It cannot be fetched or written.
 */
export async function saveImage(
  image: ServedImage,
  options: Options,
  { signal, single }: SaveOptions,
): Promise<string> {
  const path = `/v1/images/${image.id}/file`;
  const response = await ask(options, path, { signal });
  const bytes = new Uint8Array(await response.arrayBuffer());
  const number = single ? "" : `-${image.index + 1}`;
  const name = `${nameOf(options.fields.prompt ?? "")}${number}`;
  const extension = EXTENSIONS[image.mime_type] ?? "bin";
  try {
    await Deno.mkdir(options.out, { recursive: true });
    return await writeNew(join(options.out, name), extension, bytes);
  } catch (error) {
    if (!(error instanceof Error)) throw error;
    throw new Trouble(
      `Cannot save in "${options.out}": ${error.message}; the image is still at ${options.server}${path}`,
    );
  }
}

/**
 * Makes the beginning of a file name of a prompt: its first words, in any script.
 *
 * @example
 * ```ts
 * import { nameOf } from "./save_image.ts";
 *
 * nameOf("A red fox, at dusk!"); // "a-red-fox-at-dusk"
 * ```
 */
export function nameOf(prompt: string): string {
  const words = prompt.normalize("NFC").toLowerCase()
    .match(/[\p{L}\p{M}\p{N}]+/gu) ?? [];
  const name = Array.from(words.join("-"));
  if (name.length <= MAX_WORDS) return name.join("") || "image";
  // Not in the middle of a word, where the script has words.
  const cut = name.slice(0, MAX_WORDS).join("");
  return cut.replace(/-[^-]*$/, "");
}

async function writeNew(
  start: string,
  extension: string,
  bytes: Uint8Array,
): Promise<string> {
  for (let copy = 1; true; copy++) {
    const path = `${start}${copy === 1 ? "" : `_${copy}`}.${extension}`;
    try {
      await Deno.writeFile(path, bytes, { createNew: true });
      return path;
    } catch (error) {
      if (!(error instanceof Deno.errors.AlreadyExists)) throw error;
    }
  }
}
