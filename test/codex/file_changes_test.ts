import { assertLess } from "@std/assert";
import { waitForChange, watchChanges } from "../../src/codex/file_changes.ts";

const SOON_MS = 2_000;

Deno.test("watchChanges() tells that a file was written", async () => {
  const path = await Deno.makeTempFile();
  {
    using changes = watchChanges(path);
    const change = changes.next();
    await Deno.writeTextFile(path, "more", { append: true });
    const started = performance.now();
    await waitForChange(change, 2 * SOON_MS, new AbortController().signal);
    assertLess(performance.now() - started, SOON_MS);
  }
  await Deno.remove(path);
});

Deno.test("waitForChange() waits no longer than it may where no file can be watched", async () => {
  using changes = watchChanges("/nowhere/at/all");
  const { signal } = new AbortController();
  const started = performance.now();
  await waitForChange(changes.next(), 20, signal);
  assertLess(performance.now() - started, SOON_MS);
});
