import { assertEquals } from "@std/assert";
import { withoutWords } from "../../src/images/words.ts";

Deno.test("withoutWords() drops the prompt and what was made of it, and nothing else", () => {
  const said = { id: "1", prompt: "a fox", revised_prompt: "a red fox" };
  assertEquals(withoutWords(said), { id: "1", revised_prompt: null });
});
