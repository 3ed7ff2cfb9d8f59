import {
  assert,
  assertEquals,
  assertMatch,
  assertObjectMatch,
} from "@std/assert";
import manifest from "../../deno.json" with { type: "json" };
import { startTestService } from "../support/service.ts";

Deno.test("GET /healthz tells what the server is and how busy", async () => {
  await using server = await startTestService({ LOG_FILE: "log.jsonl" });
  const response = await fetch(`${server.url}/healthz`);
  const { codex_version, uptime_s, ...rest } = await response.json();
  assertEquals(response.status, 200);
  assertObjectMatch(rest, {
    status: "ok",
    auth_required: false,
    backend: "codex-exec",
    generation_timeout_ms: 600_000,
    log_file: `${server.place.directory}/log.jsonl`,
    model: "gpt-image-2",
    output_dir: server.place.outputDir,
    version: manifest.version,
    workers: { active: 0, max: 4, queued: 0, queue_max: 32 },
    sandbox: false,
  });
  assertEquals(
    manifest.imports["@openai/codex"],
    `npm:@openai/codex@${codex_version}`,
  );
  assert(Number.isInteger(uptime_s) && uptime_s >= 0);
});

Deno.test("GET /healthz tells of the sandbox and of settings that are set", async () => {
  await using server = await startTestService({
    SANDBOX: "1",
    TIMEOUT_MS: "5000",
    MAX_WORKERS: "2",
    MAX_QUEUE: "3",
  });
  const health = await (await fetch(`${server.url}/healthz`)).json();
  assertEquals(health.sandbox, true);
  assertEquals(health.generation_timeout_ms, 5000);
  assertEquals(health.log_file, null);
  assertObjectMatch(health.workers, {
    active: 0,
    max: 2,
    queued: 0,
    queue_max: 3,
  });
});

for (const [path, status] of [["healthz", "ok"], ["readyz", "ready"]]) {
  Deno.test(`GET /${path} tells callers without the key no more than that it is ${status}`, async () => {
    await using server = await startTestService({ API_KEY: "k" });
    const url = `${server.url}/${path}`;
    const ask = async (headers: HeadersInit) =>
      await (await fetch(url, { headers })).json();
    const open = { status, auth_required: true, version: manifest.version };
    assertEquals(await ask({}), open);
    assertEquals(await ask({ "x-api-key": "wrong" }), open);
    const { checks, output_dir, ...known } = await ask({ "x-api-key": "k" });
    assertObjectMatch(known, open);
    assert((checks ?? output_dir).length > 0);
  });
}

Deno.test("GET /healthz counts the workers and the queue", async () => {
  await using server = await startTestService({ MAX_WORKERS: "1" });
  const caller = new AbortController();
  const answer = server.generate({ prompt: "sandbox:hang", count: 3 }, {
    signal: caller.signal,
  }).catch((error) => error.name);
  await server.untilDrawing(1);
  const workers = await server.workers();
  caller.abort();
  assertObjectMatch({ ...workers }, {
    active: 1,
    max: 1,
    queued: 2,
    queue_max: 32,
  });
  assertEquals(await answer, "AbortError");
  await server.untilIdle();
});

Deno.test("GET /readyz is 200 when a generation has what it needs", async () => {
  await using server = await startTestService();
  const response = await fetch(`${server.url}/readyz`);
  const { checks } = await response.json();
  assertEquals(response.status, 200);
  const names = checks.map(({ name }: Check) => name);
  for (
    const name of [
      "codex",
      "login",
      "login_writable",
      "output_writable",
      "free_disk",
      "image_tool",
    ]
  ) assert(names.includes(name), name);
  assert(checks.every(({ ok }: Check) => ok), JSON.stringify(checks));
  for (const { detail } of checks) assert(detail.length > 0);
});

Deno.test("GET /readyz is 503 and names what is missing", async () => {
  await using server = await startTestService({
    CODEX_AUTH_HOME: "nowhere",
    CODEX_BIN: "no-codex",
  });
  const response = await fetch(`${server.url}/readyz`);
  const { checks } = await response.json();
  assertEquals(response.status, 503);
  assertEquals(
    checks.filter(({ ok }: Check) => !ok).map(({ name }: Check) => name),
    ["codex", "login", "login_writable", "image_tool"],
  );
  assertMatch(checks[0].detail, /no-codex/);
  assertMatch(checks[1].detail, /codex login/);
});

Deno.test("GET /readyz remembers its answer", async () => {
  await using server = await startTestService();
  const first = await (await fetch(`${server.url}/readyz`)).json();
  await Deno.remove(`${server.place.authHome}/auth.json`);
  const second = await fetch(`${server.url}/readyz`);
  assertEquals(second.status, 200);
  assertEquals(await second.json(), first);
});

Deno.test("GET /v1/capabilities tells what the contract says", async () => {
  await using server = await startTestService({ TIMEOUT_MS: "5000" });
  const response = await fetch(`${server.url}/v1/capabilities`);
  assertEquals(response.status, 200);
  // The table of the contract, with the time limit that is set.
  assertObjectMatch(await response.json(), {
    auth_required: false,
    backend: "codex-exec",
    model: "gpt-image-2",
    generation_timeout_ms: 5000,
    max_images: 4,
    output_formats: ["png", "jpeg", "webp"],
    qualities: ["auto", "high", "medium", "low"],
    // deno-fmt-ignore
    ratio_options: ["参考图比例", "画布比例", "1:1", "16:9", "9:16", "3:2", "2:3", "4:3", "3:4", "4:5", "5:4", "21:9"],
    // deno-fmt-ignore
    size_options: ["auto", "1K", "2K", "4K", "1024x1024", "1536x1024", "1024x1536", "2048x2048", "2048x1152", "1152x2048", "3840x2160", "2160x3840", "2880x2880"],
    size_constraints: {
      custom_size: true,
      max_edge: 3840,
      max_pixels: 8_294_400,
      min_pixels: 655_360,
      multiple_of: 16,
      max_ratio: "3:1",
    },
    high_resolution_presets: {
      landscape: "3840x2160",
      portrait: "2160x3840",
      square: "2880x2880",
    },
    references: {
      mode: "original_image",
      max_images: 16,
      max_originals: 5,
      max_bytes: 52_428_800,
      max_pixels: 100_000_000,
      formats: ["image/png", "image/jpeg", "image/webp"],
    },
  });
});

interface Check {
  readonly name: string;
  readonly ok: boolean;
}
