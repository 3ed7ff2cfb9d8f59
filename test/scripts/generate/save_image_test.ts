import { assertEquals } from "@std/assert";
import { nameOf } from "../../../scripts/generate/save_image.ts";

Deno.test("nameOf() keeps letters and numbers of any script", () => {
  assertEquals(nameOf('  A red fox, "50%" at dusk!\n'), "a-red-fox-50-at-dusk");
  assertEquals(nameOf("一只 红狐狸"), "一只-红狐狸");
});

Deno.test("nameOf() ends a long name with a whole word", () => {
  const name = nameOf("a very red fox that runs across the whole of the field");
  assertEquals(name, "a-very-red-fox-that-runs-across-the");
});

Deno.test("nameOf() cuts a long word", () => {
  assertEquals(nameOf("狐".repeat(100)), "狐".repeat(40));
});

Deno.test("nameOf() leaves nothing of what could be a path", () => {
  assertEquals(nameOf("../../etc/passwd"), "etc-passwd");
  assertEquals(nameOf("../.."), "image");
});
