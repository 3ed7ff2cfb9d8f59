import { assertEquals } from "@std/assert";
import { TESTED_VERSION } from "../../src/codex/cli.ts";
import { findCodexBinary } from "../../src/codex/command.ts";

Deno.test("findCodexBinary() takes the configured path without a look", () => {
  assertEquals(findCodexBinary("/no/such/codex"), "/no/such/codex");
});

Deno.test("findCodexBinary() finds the native program of the pinned package", async () => {
  const path = findCodexBinary();
  const { isFile, mode, size } = await Deno.stat(path);
  assertEquals([isFile, (mode ?? 0) & 0o111], [true, 0o111]);
  // The launcher, a script, has some kilobytes.
  assertEquals(size > 100_000_000, true);
  const { stdout } = await new Deno.Command(path, { args: ["--version"] })
    .output();
  assertEquals(
    new TextDecoder().decode(stdout).trim(),
    `codex-cli ${TESTED_VERSION}`,
  );
});
