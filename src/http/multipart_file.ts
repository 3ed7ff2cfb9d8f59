import { createHash } from "node:crypto";
import { join } from "@std/path";

/** A file that was written while it came in. */
export interface WrittenFile {
  /** Where it lies. */
  readonly path: string;
  /** Its size. */
  readonly bytes: number;
  /** Its digest, in lower-case hexadecimal. */
  readonly sha256: string;
}

/**
 * Writes a file of the caller to a directory as it comes in, under a name of ours, and hashes it on the way.
 *
 * Where it fails a part of the file stays behind.
 *
 * @param directory Where to write; made if it is missing.
 */
export async function writeUpload(
  content: AsyncIterable<Uint8Array<ArrayBuffer>>,
  directory: string,
): Promise<WrittenFile> {
  await Deno.mkdir(directory, { recursive: true, mode: 0o700 });
  const path = join(directory, crypto.randomUUID());
  const hash = createHash("sha256");
  let bytes = 0;
  const hashing = async function* () {
    for await (const chunk of content) {
      hash.update(chunk);
      bytes += chunk.length;
      yield chunk;
    }
  };
  await Deno.writeFile(path, ReadableStream.from(hashing()), {
    createNew: true,
    mode: 0o600,
  });
  return { path, bytes, sha256: hash.digest("hex") };
}
