import { assertEquals } from "@std/assert";
import { join } from "@std/path";
import { isTokenRefreshDue } from "../../src/codex/login.ts";
import { writeSandboxLogin } from "../../src/sandbox/login.ts";

const MINUTE = 60;

for (
  const { minutes, due } of [
    { minutes: -1, due: true },
    { minutes: 4, due: true },
    { minutes: 7, due: false },
    { minutes: 24 * 60, due: false },
  ]
) {
  Deno.test(`isTokenRefreshDue() says ${due} of a token that ends in ${minutes} minutes`, async () => {
    const directory = await Deno.makeTempDir();
    const expiresAt = Math.floor(Date.now() / 1000) + minutes * MINUTE;
    const file = await writeSandboxLogin(directory, { expiresAt });
    assertEquals(await isTokenRefreshDue(file), due);
    await Deno.remove(directory, { recursive: true });
  });
}

for (
  const content of [
    "",
    "null",
    '{"OPENAI_API_KEY":"k","tokens":null}',
    '{"tokens":{"access_token":"opaque"}}',
    '{"tokens":{"access_token":"a.%%%.c"}}',
    '{"tokens":{"access_token":"a.e30.c"}}',
  ]
) {
  Deno.test(`isTokenRefreshDue() says true where it cannot tell: ${content}`, async () => {
    const file = await Deno.makeTempFile();
    await Deno.writeTextFile(file, content);
    assertEquals(await isTokenRefreshDue(file), true);
    await Deno.remove(file);
  });
}

Deno.test("isTokenRefreshDue() says true without a file", async () => {
  const directory = await Deno.makeTempDir();
  assertEquals(await isTokenRefreshDue(join(directory, "auth.json")), true);
  await Deno.remove(directory);
});
