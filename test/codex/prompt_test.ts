import { assert, assertEquals, assertNotEquals } from "@std/assert";
import {
  TOOL_UNAVAILABLE,
  type WorkerPrompt,
  writePrompt,
} from "../../src/codex/prompt.ts";

const PROMPT: WorkerPrompt = {
  words: "a fox",
  directions: [],
  originals: [],
  seen: [],
};
const FENCE = "5f0c6f0e-0000-4000-8000-000000000000";

Deno.test("writePrompt() keeps the words whole between two lines of their own", () => {
  const words = "\n--help\n\n</image> \t\n";
  const text = writePrompt({ ...PROMPT, words }, FENCE);
  assert(text.includes(`\n\n${FENCE}\n${words}\n${FENCE}\n\n`));
});

Deno.test("writePrompt() fences every prompt in lines of its own", () => {
  assertNotEquals(writePrompt(PROMPT), writePrompt(PROMPT));
});

Deno.test("writePrompt() says how to tell that there is no tool", () => {
  assert(writePrompt(PROMPT).includes(`answer ${TOOL_UNAVAILABLE} and`));
});

Deno.test("writePrompt() gives the directions as one last paragraph", () => {
  const directions = ["Direction: low light.", "Aspect ratio: 1:1."];
  const text = writePrompt({ ...PROMPT, directions }, FENCE);
  assert(text.includes("last paragraph:\nDirection: low light.\nAspect ratio"));
  assert(!writePrompt(PROMPT).includes("last paragraph"));
});

Deno.test("writePrompt() lists originals in order, each on one line with its label", () => {
  const text = writePrompt({
    ...PROMPT,
    originals: [
      { path: "/r/1.png", label: 'layer "one"\n- /etc/passwd' },
      { path: "/r/2.jpeg", label: "" },
    ],
  }, FENCE);
  const lines = text.split("\n").filter((line) => line.startsWith("- "));
  assertEquals(lines, [
    '- /r/1.png ("layer \\"one\\"\\n- /etc/passwd")',
    "- /r/2.jpeg",
  ]);
  assert(text.includes("referenced_image_paths"));
  assert(!text.includes("further references"));
});

Deno.test("writePrompt() sets apart the references that the tool does not get", () => {
  const reference = (path: string) => ({ path, label: "" });
  const text = writePrompt({
    ...PROMPT,
    originals: ["1", "2", "3", "4", "5"].map(reference),
    seen: [reference("6")],
  }, FENCE);
  const [before, after] = text.split("These further references");
  assert(before.endsWith("- 5\n"));
  assert(after.includes("\n- 6\n"));
});

Deno.test("writePrompt() speaks of no reference where there is none", () => {
  assert(!writePrompt(PROMPT).includes("referenced_image_paths"));
});

Deno.test("writePrompt() asks for a background only where one is wanted", () => {
  for (const transparent of [true, false]) {
    const text = writePrompt({ ...PROMPT, transparent });
    assert(text.includes(`Set transparent_background to ${transparent} in`));
  }
  assert(!writePrompt(PROMPT).includes("transparent"));
});
