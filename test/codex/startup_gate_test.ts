import { assertEquals, assertRejects } from "@std/assert";
import { join } from "@std/path";
import { type Backend, startBackend } from "../../scripts/container/backend.ts";
import { loginLock } from "../../src/codex/login.ts";
import { writeSandboxLogin } from "../../src/sandbox/login.ts";
import { openCodex, type SandboxedCodex } from "../support/codex.ts";

const NEVER = new AbortController().signal;

async function expireLogin(
  { authHome }: SandboxedCodex,
  { refreshToken }: Backend,
): Promise<void> {
  await writeSandboxLogin(authHome, { expiresAt: 1, refreshToken });
}

async function savedToken({ authHome }: SandboxedCodex): Promise<string> {
  const login = await Deno.readTextFile(join(authHome, "auth.json"));
  return JSON.parse(login).tokens.refresh_token;
}

Deno.test("StartupGate lets four workers refresh an expired login once", async () => {
  const refreshes: string[] = [];
  await using backend = startBackend({
    onRefresh: (token) => refreshes.push(token),
  });
  await using opened = await openCodex({ upstreamUrl: backend.url });
  const { codex, task } = opened;
  // The first start of all goes ahead anyway.
  await codex.start(task("a fox"), NEVER).ended;
  await expireLogin(opened, backend);
  const workers = [1, 2, 3, 4].map(() => codex.start(task("a fox"), NEVER));
  const pictures = await Promise.all(workers.map(({ picture }) => picture));
  await Promise.all(workers.map(({ ended }) => ended));
  assertEquals(pictures.length, 4);
  assertEquals(refreshes, ["token-0"]);
  assertEquals(await savedToken(opened), "token-1");
});

Deno.test("StartupGate lets two servers with one login refresh it once", async () => {
  const refreshes: string[] = [];
  await using backend = startBackend({
    onRefresh: (token) => refreshes.push(token),
  });
  const { url: upstreamUrl } = backend;
  await using first = await openCodex({ upstreamUrl });
  const { authHome } = first;
  await using second = await openCodex({ upstreamUrl, authHome });
  await expireLogin(first, backend);
  const workers = [first, second]
    .map(({ codex, task }) => codex.start(task("a fox"), NEVER));
  await Promise.all(workers.map(({ picture }) => picture));
  await Promise.all(workers.map(({ ended }) => ended));
  assertEquals(refreshes, ["token-0"]);
  assertEquals(await savedToken(first), "token-1");
});

Deno.test("StartupGate waits for a server that refreshes the login, and no longer than its caller", async () => {
  await using opened = await openCodex({ login: { expiresAt: 1 } });
  const unlock = await loginLock(opened.authHome)(NEVER);
  const signal = AbortSignal.timeout(500);
  const worker = opened.codex.start(opened.task("a fox"), signal);
  await assertRejects(() => worker.picture, DOMException);
  await worker.ended;
  assertEquals(opened.sandbox.record.all, []);
  unlock();
  const next = opened.codex.start(opened.task("a fox"), NEVER);
  await next.picture;
  await next.ended;
});

Deno.test("Codex.start() ends no worker before its refreshed login is saved", async () => {
  const canceling = new AbortController();
  const reason = new Error("the caller is gone");
  await using backend = startBackend({
    onRefresh: () => canceling.abort(reason),
  });
  await using opened = await openCodex({ upstreamUrl: backend.url });
  await expireLogin(opened, backend);
  const worker = opened.codex.start(opened.task("a fox"), canceling.signal);
  await assertRejects(() => worker.picture, Error, reason.message);
  await worker.ended;
  assertEquals(await savedToken(opened), "token-1");
});

Deno.test("Codex.checkImageTool() leaves an expired login alone", async () => {
  const refreshes: string[] = [];
  await using backend = startBackend({
    onRefresh: (token) => refreshes.push(token),
  });
  await using opened = await openCodex({ upstreamUrl: backend.url });
  await expireLogin(opened, backend);
  const { ok } = await opened.codex.checkImageTool();
  assertEquals(ok, true);
  assertEquals(refreshes, []);
});
