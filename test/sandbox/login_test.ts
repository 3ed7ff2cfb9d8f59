import { assert, assertEquals } from "@std/assert";
import { join } from "@std/path";
import { sandboxTokens, writeSandboxLogin } from "../../src/sandbox/login.ts";

function claimsOf(token: string) {
  const bytes = Uint8Array.fromBase64(token.split(".")[1], {
    alphabet: "base64url",
  });
  return JSON.parse(new TextDecoder().decode(bytes));
}

Deno.test("sandboxTokens() are good for ten days", () => {
  const { exp } = claimsOf(sandboxTokens().access_token);
  const days = (exp - Date.now() / 1000) / 86_400;
  assert(days > 9.99 && days <= 10, `${days}`);
});

Deno.test("sandboxTokens() end when they are told to", () => {
  const { access_token, id_token, refresh_token } = sandboxTokens({
    expiresAt: 1_000,
    refreshToken: "other",
  });
  assertEquals([access_token, id_token].map((t) => claimsOf(t).exp), [
    1_000,
    1_000,
  ]);
  assertEquals(refresh_token, "other");
});

Deno.test("writeSandboxLogin() writes a login for its owner alone, over an old one", async () => {
  const root = await Deno.makeTempDir();
  const directory = join(root, "login");
  await writeSandboxLogin(directory, { refreshToken: "old" });
  const path = await writeSandboxLogin(directory);
  assertEquals(path, join(directory, "auth.json"));
  assertEquals(((await Deno.stat(path)).mode ?? 0) & 0o777, 0o600);
  assertEquals(((await Deno.stat(directory)).mode ?? 0) & 0o777, 0o700);
  const { auth_mode, tokens } = JSON.parse(await Deno.readTextFile(path));
  assertEquals(auth_mode, "chatgpt");
  assertEquals(tokens.refresh_token, "sandbox-refresh-token");
  await Deno.remove(root, { recursive: true });
});
