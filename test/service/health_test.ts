import {
  assert,
  assertEquals,
  assertMatch,
  assertObjectMatch,
} from "@std/assert";
import { join } from "@std/path";
import manifest from "../../deno.json" with { type: "json" };
import { startTestService } from "../support/service.ts";
import { stepsOn } from "../support/test_server.ts";

Deno.test("GET /healthz, /readyz and /v1/usage", async (test) => {
  await using server = await startTestService({ LOG_FILE: "log.jsonl" });
  const step = stepsOn(server, test);

  await step("GET /healthz tells what the server is and how busy", async () => {
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

  await step(
    "GET /readyz is 200 when a generation has what it needs",
    async () => {
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
    },
  );

  await step("GET /readyz remembers what it has asked the CLI", async () => {
    const first = await askReadiness(server.url);
    const login = join(server.place.authHome, "auth.json");
    await Deno.rename(login, `${login}.away`);
    const second = await askReadiness(server.url);
    await Deno.rename(`${login}.away`, login);
    assertEquals(second.status, 200);
    assertEquals(second.asked, first.asked);
    assert(first.asked.some(({ name }) => name === "login"));
  });

  await step(
    "GET /v1/usage tells the windows, /metrics too, and neither tells of the account",
    async () => {
      const drawn = await server.generate({ prompt: "a fox" });
      await drawn.body?.cancel();
      const response = await fetch(`${server.url}/v1/usage`);
      const text = await response.text();
      assertEquals(response.status, 200, text);
      const { windows, source, limit_reached, paused } = JSON.parse(text);
      assertEquals([source, limit_reached, paused], ["codex", false, null]);
      assertEquals(
        windows.map(({ limit, minutes }: Record<string, unknown>) => [
          limit,
          minutes,
        ]),
        [["codex", 300], ["codex", 10_080]],
      );
      const metrics = await (await fetch(`${server.url}/metrics`)).text();
      assertMatch(
        metrics,
        /quota_used_percent\{limit="codex",minutes="300"\} \d/,
      );
      for (const told of [text, metrics]) {
        assert(!/sandbox-|@|plus|balance|plan|credit/.test(told), told);
      }
      const asked = server.place.sandbox.record.to("/backend-api/wham/usage");
      assertEquals(asked.length, 1);
    },
  );
});

Deno.test("what is set", async (test) => {
  await using server = await startTestService({
    SANDBOX: "1",
    TIMEOUT_MS: "5000",
    MAX_WORKERS: "2",
    MAX_QUEUE: "3",
  });
  const step = stepsOn(server, test);

  await step(
    "GET /healthz tells of the sandbox and of settings that are set",
    async () => {
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
    },
  );

  await step("GET /v1/capabilities tells what the contract says", async () => {
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
      output_size_constraints: {
        min_edge: 64,
        max_edge: 8192,
        max_pixels: 33_177_600,
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
});

Deno.test("callers without the key", async (test) => {
  await using server = await startTestService({ API_KEY: "k" });
  const step = stepsOn(server, test);
  for (const [path, status] of [["healthz", "ok"], ["readyz", "ready"]]) {
    await step(
      `GET /${path} tells callers without the key no more than that it is ${status}`,
      async () => {
        const url = `${server.url}/${path}`;
        const ask = async (headers: HeadersInit) =>
          await (await fetch(url, { headers })).json();
        const open = { status, auth_required: true, version: manifest.version };
        assertEquals(await ask({}), open);
        assertEquals(await ask({ "x-api-key": "wrong" }), open);
        const { checks, output_dir, ...known } = await ask({
          "x-api-key": "k",
        });
        assertObjectMatch(known, open);
        assert((checks ?? output_dir).length > 0);
      },
    );
  }
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

Deno.test("GET /v1/usage is 503 where Codex cannot tell", async () => {
  await using server = await startTestService();
  server.place.sandbox.usage.answers = "garbage";
  const response = await fetch(`${server.url}/v1/usage`);
  const { error } = await response.json();
  assertEquals([response.status, error.code], [503, "codex_exec_failed"]);
  assert(Number(response.headers.get("retry-after")) > 0);
});

/** Asks `GET /readyz`, and leaves out what it looks at every time. */
async function askReadiness(
  url: string,
): Promise<{ readonly status: number; readonly asked: readonly Check[] }> {
  const response = await fetch(`${url}/readyz`);
  const { checks }: { checks: Check[] } = await response.json();
  const fresh = ["output_writable", "free_disk", "usage_limit"];
  const asked = checks.filter(({ name }) => !fresh.includes(name));
  return { status: response.status, asked };
}

interface Check {
  readonly name: string;
  readonly ok: boolean;
}
