import { assertEquals } from "@std/assert";
import {
  DIRECTIVE_NAMES,
  readDirectives,
} from "../../src/sandbox/directives.ts";

function read(prompt: string, candidate = 1): Record<string, string> {
  return Object.fromEntries(readDirectives(prompt, candidate));
}

Deno.test("readDirectives() knows every name", () => {
  for (const name of DIRECTIVE_NAMES) {
    assertEquals(read(`a fox sandbox:${name} in snow`), { [name]: "" });
  }
});

Deno.test("readDirectives() reads values up to white space", () => {
  assertEquals(
    read("sandbox:slow=500 sandbox:native=1254x1254, sandbox:bytes=1.5"),
    { slow: "500", native: "1254x1254", bytes: "1.5" },
  );
});

Deno.test("readDirectives() leaves out what concerns another candidate", () => {
  const prompt = "sandbox:refuse@2 sandbox:slow=5@3 sandbox:error";
  assertEquals(read(prompt, 1), { error: "" });
  assertEquals(read(prompt, 2), { error: "", refuse: "" });
  assertEquals(read(prompt, 3), { error: "", slow: "5" });
});

Deno.test("readDirectives() takes the last of equal names", () => {
  assertEquals(read("sandbox:slow=1 sandbox:slow=2"), { slow: "2" });
});

for (
  const words of [
    "",
    "a sandbox: a place to play",
    "sandbox:unknown",
    "mysandbox:refuse",
    "sandbox refuse",
    "sandbox:refuses",
    "SANDBOX:REFUSE",
  ]
) {
  Deno.test(`readDirectives() leaves the words "${words}" alone`, () => {
    assertEquals(read(words), {});
  });
}
