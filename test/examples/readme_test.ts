import { assert, assertEquals } from "@std/assert";
import { filesIn } from "../support/test_server.ts";
import { example } from "./programs.ts";

const readme = await Deno.readTextFile(example("README.md"));

Deno.test("README of the examples names every example, and no other", () => {
  const named = [...readme.matchAll(/^\| `([^`]+)`/gm)].map(([, name]) => name);
  const there = filesIn(example(".")).filter((name) => name !== "README.md");
  assertEquals(named.toSorted(), there);
});

Deno.test("README of the examples and this run have one version of Deno", () => {
  const versions = [...readme.matchAll(/\bdeno@([\d.]+)/g)];
  assert(versions.length > 0);
  assertEquals(
    new Set(versions.map(([, version]) => version)),
    new Set([Deno.version.deno]),
  );
});
