import { assertEquals } from "@std/assert";

/**
 * Runs a program of this repository without the capabilities by which root reads and writes everything.
 *
 * @returns What it printed, read as JSON.
 */
export async function runAsAnyUser(
  program: string,
  ...args: readonly string[]
): Promise<unknown> {
  const deno = [Deno.execPath(), "run", "--quiet", "--allow-all", program];
  const [first, ...rest] = Deno.uid() === 0
    ? ["setpriv", "--inh-caps=-all", "--bounding-set=-all", ...deno]
    : deno;
  const { stdout, stderr } = await new Deno.Command(first, {
    args: [...rest, ...args],
  }).output();
  const decoder = new TextDecoder();
  assertEquals(decoder.decode(stderr), "");
  return JSON.parse(decoder.decode(stdout));
}
