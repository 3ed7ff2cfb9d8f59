import { assertEquals, assertNotEquals, assertThrows } from "@std/assert";
import { TempNames } from "../../src/images/atomic_write.ts";

Deno.test("TempNames.next() makes a new name each time, hidden and marked", () => {
  const names = new TempNames("a.b_c-1");
  const name = names.next();
  assertEquals(name.startsWith(".codex-image-server-a.b_c-1-"), true);
  assertEquals(name.endsWith(".tmp"), true);
  assertNotEquals(names.next(), name);
});

Deno.test("TempNames.owns() knows the names of its instance alone", () => {
  const names = new TempNames("one");
  const name = names.next();
  assertEquals(names.owns(name), true);
  assertEquals(new TempNames("one").owns(name), true);
  assertEquals(new TempNames("on").owns(name), false);
  assertEquals(names.owns(new TempNames("one-two").next()), false);
  assertEquals(names.owns(new TempNames("two").next()), false);
});

Deno.test("TempNames.owns() does not take similar names for its own", () => {
  const names = new TempNames("one");
  const name = names.next();
  const others = [
    ".codex-image-server-one-.tmp",
    ".codex-image-server-one-notes.tmp",
    name.slice(1),
    name.slice(0, -4),
    `${name}.tmp`,
    `${name}~`,
  ];
  for (const other of others) assertEquals(names.owns(other), false, other);
});

Deno.test("TempNames refuses an instance that is not a part of a file name", () => {
  for (const instance of ["", "a/b", "a b", "a\0", "é", "a".repeat(65)]) {
    assertThrows(
      () => new TempNames(instance),
      TypeError,
      "Cannot name temporary files: instance",
    );
  }
});
