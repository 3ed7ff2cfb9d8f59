import { assertEquals, assertMatch } from "@std/assert";
import { ProgressLines } from "../../../scripts/generate/progress_lines.ts";

/** Collects what is written. */
function openScreen(terminal: boolean) {
  const written: string[] = [];
  return {
    terminal,
    written,
    write: (text: string) => void written.push(text),
  };
}

Deno.test("ProgressLines writes one plain line for each change where there is no terminal", () => {
  const screen = openScreen(false);
  using lines = new ProgressLines(screen);
  const clock = { elapsed: 5_000, left: 20_000 };
  lines.set(0, { text: "drawing", clock });
  lines.set(1, { text: "waits" });
  lines.set(0, { text: "drawing", clock: { ...clock, elapsed: 6_000 } });
  lines.set(0, { text: "saved" });
  assertEquals(screen.written, ["1  drawing\n", "2  waits\n", "1  saved\n"]);
});

Deno.test("ProgressLines writes over its lines on a terminal", () => {
  const screen = openScreen(true);
  using lines = new ProgressLines(screen);
  lines.set(1, { text: "waits" });
  lines.set(0, { text: "drawing" });
  const [first, second] = screen.written;
  assertEquals(first, "\x1b[?7l\x1b[2K2  waits\n\x1b[?7h");
  assertEquals(
    second,
    "\x1b[?7l\x1b[1A\x1b[2K1  drawing\n\x1b[2K2  waits\n\x1b[?7h",
  );
});

Deno.test("ProgressLines tells how long it took and may take yet", () => {
  const screen = openScreen(true);
  using lines = new ProgressLines(screen);
  lines.set(0, { text: "drawing", clock: { elapsed: 5_000, left: 20_000 } });
  lines.set(0, { text: "drawing", clock: { elapsed: 25_000, left: 0 } });
  lines.set(0, { text: "drawing", clock: { elapsed: 25_000, left: null } });
  const [first, ...others] = screen.written;
  assertMatch(first, /drawing, 5 s, about 20 s left\n/);
  for (const text of others) assertMatch(text, /drawing, 25 s\n/);
});

Deno.test("ProgressLines does not write over what is said beside the lines", () => {
  const screen = openScreen(true);
  using lines = new ProgressLines(screen);
  lines.set(0, { text: "saved" });
  lines.say("Canceled");
  lines.set(0, { text: "saved" });
  assertEquals(screen.written.slice(1), [
    "Canceled\n",
    "\x1b[?7l\x1b[2K1  saved\n\x1b[?7h",
  ]);
});
