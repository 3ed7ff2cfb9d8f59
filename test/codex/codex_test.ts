import {
  assert,
  assertEquals,
  assertNotEquals,
  assertRejects,
} from "@std/assert";
import { deadline } from "@std/async/deadline";
import { join } from "@std/path";
import { TESTED_VERSION } from "../../src/codex/cli.ts";
import { WORKER_TAG_VARIABLE } from "../../src/codex/process_tree.ts";
import { ApiError } from "../../src/errors.ts";
import { writeSandboxLogin } from "../../src/sandbox/login.ts";
import { openCodex } from "../support/codex.ts";
import { until } from "../support/until.ts";
import { cliVariables } from "../support/variables.ts";
import { assertNoTraces } from "./traces.ts";

const WORD = "quokkaphone";
const FOUR = [1, 2, 3, 4];

class Enough extends Error {}

/** Writes a script that answers for the CLI. */
async function writeScript(script: string): Promise<string> {
  const path = await Deno.makeTempFile({ prefix: "codex-image-server-" });
  await Deno.writeTextFile(
    path,
    `#!/bin/sh
case "$1" in
  --version) echo codex-cli 1.2.3-beta.4; exit ;;
  sandbox | app-server) exit 1 ;;
esac
${script}
`,
  );
  await Deno.chmod(path, 0o755);
  return path;
}

function signal(): AbortSignal {
  return AbortSignal.timeout(30_000);
}

Deno.test("Codex.start() makes four different pictures at once on a fresh home", async () => {
  await using opened = await openCodex();
  const { codex, task } = opened;
  const workers = FOUR.map(() => codex.start(task(WORD), signal()));
  const pictures = await Promise.all(workers.map(({ picture }) => picture));
  await Promise.all(workers.map(({ ended }) => ended));
  const digests = pictures.map(({ bytes }) => bytes.toBase64());
  assertEquals(new Set(digests).size, FOUR.length);
  await assertNoTraces(opened, WORD);
});

Deno.test("Codex.start() lets nobody start before the first has begun its thread", async () => {
  const codexBin = await writeScript(`
echo start >> "$CODEX_HOME/log"
sleep 0.2
echo thread >> "$CODEX_HOME/log"
echo '{"type":"thread.started","thread_id":"01a2051f-e2fa-70a0-92af-cd63a768510e"}'
sleep 0.5`);
  await using opened = await openCodex({ codexBin });
  const { codex, dataDir, task } = opened;
  const workers = FOUR.map(() => codex.start(task(WORD), signal()));
  await Promise.all(workers.map(({ ended }) => ended));
  const log = await Deno.readTextFile(join(dataDir, "codex-home", "log"));
  const [first, second, ...rest] = log.trim().split("\n");
  assertEquals([first, second], ["start", "thread"]);
  assertEquals(rest.filter((line) => line === "start").length, 3);
  await Deno.remove(codexBin);
});

Deno.test("Codex.start() lets the others start when the first cannot", async () => {
  const codexBin = await writeScript("exit 3");
  await using opened = await openCodex({ codexBin });
  const { codex, task } = opened;
  const workers = FOUR.map(() => codex.start(task(WORD), signal()));
  for (const { picture, ended } of workers) {
    const failure = await assertRejects(() => picture, ApiError);
    assertEquals(failure.code, "codex_exec_failed");
    await ended;
  }
  await Deno.remove(codexBin);
});

Deno.test("Codex.start() does not make an aborted worker wait for the first", async () => {
  const codexBin = await writeScript("sleep 300");
  await using opened = await openCodex({ codexBin });
  const { codex, task } = opened;
  const first = new AbortController();
  const second = new AbortController();
  const hanging = codex.start(task(WORD), first.signal);
  const waiting = codex.start(task(WORD), second.signal);
  let settled = false;
  hanging.picture.catch(() => settled = true);
  second.abort(new Enough());
  await assertRejects(() => deadline(waiting.picture, 5_000), Enough);
  await waiting.ended;
  assertEquals(settled, false);
  first.abort(new Enough());
  await hanging.ended;
  await Deno.remove(codexBin);
});

Deno.test("four workers at once refresh an expired login once, in its own place", async () => {
  await using opened = await openCodex();
  const { authHome, codex, dataDir, sandbox, task } = opened;
  // The first start is alone; it is over when the four begin.
  const first = codex.start(task(WORD), signal());
  await first.picture;
  await first.ended;
  assertEquals(sandbox.record.to("/oauth/token"), []);
  const login = await writeSandboxLogin(authHome, {
    expiresAt: Math.floor(Date.now() / 1000) - 3600,
  });
  const expired = JSON.parse(await Deno.readTextFile(login));

  const workers = FOUR.map(() => codex.start(task(WORD), signal()));
  for (const { picture } of workers) {
    assert((await picture).bytes.length > 0);
  }
  await Promise.all(workers.map(({ ended }) => ended));

  assertEquals(sandbox.record.to("/oauth/token").length, 1);
  const { isFile } = await Deno.lstat(login);
  assert(isFile);
  const refreshed = JSON.parse(await Deno.readTextFile(login));
  assertNotEquals(refreshed.tokens.access_token, expired.tokens.access_token);
  assert(expiryOf(refreshed.tokens.access_token) > Date.now() / 1000 + 3600);
  const link = join(dataDir, "codex-home", "auth.json");
  assertEquals(await Deno.readLink(link), login);
});

Deno.test("a login that is still good is not refreshed", async () => {
  await using opened = await openCodex();
  const { authHome, codex, sandbox, task } = opened;
  const login = join(authHome, "auth.json");
  const before = await Deno.readTextFile(login);
  const worker = codex.start(task(WORD), signal());
  await worker.picture;
  await worker.ended;
  assertEquals(sandbox.record.to("/oauth/token"), []);
  assertEquals(await Deno.readTextFile(login), before);
});

Deno.test("Codex.start() takes up a login that was made anew", async () => {
  await using opened = await openCodex();
  const { authHome, codex, sandbox, task } = opened;
  sandbox.refreshable = false;
  const expired = codex.start(task(`${WORD} sandbox:expired-login`), signal());
  const failure = await assertRejects(() => expired.picture, ApiError);
  assertEquals(failure.code, "codex_login_required");
  await expired.ended;
  await writeSandboxLogin(authHome);
  const worker = codex.start(task(WORD), signal());
  assert((await worker.picture).bytes.length > 0);
  await worker.ended;
});

Deno.test("Codex.open() ends what a former life left running, and says so", async () => {
  const instance = crypto.randomUUID().replaceAll("-", "");
  const orphan = new Deno.Command("sleep", {
    args: ["300"],
    env: { [WORKER_TAG_VARIABLE]: `${instance}.gen_1.1-1` },
    detached: true,
  }).spawn();
  await using opened = await openCodex({ instance });
  assertEquals((await orphan.status).signal, "SIGKILL");
  assertEquals(opened.events, ["codex.orphans.killed"]);
});

Deno.test("Codex.open() says nothing where nothing was left", async () => {
  await using opened = await openCodex();
  assertEquals(opened.events, []);
  assertEquals(opened.codex.version, TESTED_VERSION);
});

Deno.test("Codex.open() reads the version of another CLI", async () => {
  const codexBin = await writeScript("exit 1");
  await using opened = await openCodex({ codexBin });
  assertEquals(opened.codex.version, "1.2.3-beta.4");
  await Deno.remove(codexBin);
});

Deno.test("Codex.open() gets over a CLI that is missing", async () => {
  const codexBin = "/no/such/codex";
  await using opened = await openCodex({ codexBin });
  assertEquals(opened.codex.version, undefined);
  const { ok, detail } = await opened.codex.checkVersion();
  assertEquals(ok, false);
  assert(detail.startsWith(`Cannot start Codex "${codexBin}": `), detail);
});

Deno.test("Codex.checkLogin() and Codex.requireLogin() want a login of ChatGPT", async () => {
  await using opened = await openCodex();
  const { authHome, codex } = opened;
  assertEquals(await codex.checkLogin(), {
    ok: true,
    detail: "Logged in using ChatGPT",
  });
  await codex.requireLogin();
  await Deno.remove(join(authHome, "auth.json"));
  assertEquals((await codex.checkLogin()).ok, false);
  const failure = await assertRejects(() => codex.requireLogin(), ApiError);
  assertEquals(failure.code, "codex_login_required");
});

Deno.test("Codex.checkLogin() is not content with an API key", async () => {
  await using opened = await openCodex();
  const login = { auth_mode: "apikey", OPENAI_API_KEY: "sk-none" };
  await Deno.writeTextFile(
    join(opened.authHome, "auth.json"),
    JSON.stringify(login),
  );
  const { ok, detail } = await opened.codex.checkLogin();
  assertEquals(ok, false);
  assert(!detail.includes("sk-none"), detail);
});

Deno.test("Codex.checkImageTool() tells whether the tool is switched on", async () => {
  await using opened = await openCodex();
  const { ok, detail } = await opened.codex.checkImageTool();
  assertEquals(ok, true);
  assert(detail.startsWith("image_generation "), detail);
});

Deno.test("Codex.checkImageTool() misses a tool that is off or unknown", async () => {
  for (
    const [row, ok] of [
      ["image_generation stable true", true],
      ["image_generation   under development   false", false],
      ["image_generation_v2 stable true", false],
      ["", false],
    ] as const
  ) {
    const codexBin = await writeScript(`echo 'other stable true\n${row}'`);
    await using opened = await openCodex({ codexBin });
    assertEquals((await opened.codex.checkImageTool()).ok, ok, row);
    await Deno.remove(codexBin);
  }
});

Deno.test("workers get no key from the server's environment", async () => {
  const keys = {
    OPENAI_API_KEY: "secret-1",
    CODEX_API_KEY: "secret-2",
    CODEX_IMAGE_SERVER_API_KEY: "secret-3",
  };
  const codexBin = await writeScript('env > "$CODEX_HOME/log"');
  const env = { ...cliVariables(), ...keys };
  await using opened = await openCodex({ codexBin, env });
  const { codex, dataDir, task } = opened;
  const worker = codex.start(task(WORD), signal());
  await worker.ended;
  const log = await until(() =>
    Deno.readTextFile(join(dataDir, "codex-home", "log"))
  );
  assert(log.includes(`${WORKER_TAG_VARIABLE}=`));
  assert(!/secret-|API_KEY/.test(log));
  await Deno.remove(codexBin);
});

/** When an access token ends, in seconds since 1970. */
function expiryOf(token: string): number {
  const payload = token.split(".")[1];
  const bytes = Uint8Array.fromBase64(payload, { alphabet: "base64url" });
  return JSON.parse(new TextDecoder().decode(bytes)).exp;
}
