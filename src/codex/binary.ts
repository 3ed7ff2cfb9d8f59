import { createRequire } from "node:module";
import { dirname, join } from "@std/path";

const TRIPLES: Readonly<Record<string, string>> = {
  "linux-x86_64": "x86_64-unknown-linux-musl",
  "linux-aarch64": "aarch64-unknown-linux-musl",
  "darwin-x86_64": "x86_64-apple-darwin",
  "darwin-aarch64": "aarch64-apple-darwin",
};

/**
 * Finds the native Codex binary: the one that is asked for, else that of the pinned npm package,
 * else `codex` on PATH.
 *
 * The launcher script of the package is passed over, because killing it orphans the real process.
 *
 * @param configured A path that settles the question.
 */
export function findCodexBinary(configured?: string): string {
  return configured ?? packagedBinary() ?? "codex";
}

function packagedBinary(): string | undefined {
  const { os, arch } = Deno.build;
  const triple = TRIPLES[`${os}-${arch}`];
  if (triple === undefined) return undefined;
  const cpu = arch === "x86_64" ? "x64" : "arm64";
  try {
    const launcher = import.meta.resolve("@openai/codex/package.json");
    const manifest = createRequire(launcher)
      .resolve(`@openai/codex-${os}-${cpu}/package.json`);
    return join(dirname(manifest), "vendor", triple, "bin", "codex");
  } catch (error) {
    // A container ships the binary on PATH and not as a package.
    if (error instanceof Error) return undefined;
    throw error;
  }
}
