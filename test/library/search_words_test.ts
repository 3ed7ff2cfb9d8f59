import { assertEquals } from "@std/assert";
import { toSearchable, toSearchQuery } from "../../src/library/index.ts";

Deno.test("toSearchable() parts the characters of scripts without spaces", () => {
  assertEquals(toSearchable("a red 狐狸"), "a red  狐  狸 ");
  assertEquals(toSearchable("ひカ한"), " ひ  カ  한 ");
});

Deno.test("toSearchQuery() asks for every word", () => {
  assertEquals(toSearchQuery("red  fox"), '"red" "fox"');
});

Deno.test("toSearchQuery() asks for characters of a script without spaces side by side", () => {
  assertEquals(toSearchQuery("狐狸"), '" 狐  狸 "');
});

Deno.test("toSearchQuery() takes operators and quotes of the query language for text", () => {
  assertEquals(
    toSearchQuery('fox" OR text:* NEAR(a\0b) ^-'),
    '"fox" "OR" "text" "NEAR" "a" "b"',
  );
});

Deno.test("toSearchQuery() finds no word in signs alone", () => {
  for (const text of ["", "  ", '"', "*-…", "🦊", "\0", "\ud800"]) {
    assertEquals(toSearchQuery(text), undefined, JSON.stringify(text));
  }
});
