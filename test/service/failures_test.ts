import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { join } from "@std/path";
import { openPlace } from "../support/place.ts";
import { startTestService } from "../support/service.ts";

const USER_ERROR = "image_generation_user_error";
const REQUEST_ERROR = "invalid_request_error";
const SERVER_ERROR = "server_error";

interface Expected {
  readonly directive: string;
  readonly status: number;
  readonly code: string;
  readonly type: string;
  /** The bounds of Retry-After, in seconds. */
  readonly retryAfter?: readonly [number, number];
  readonly shouldRetry?: "false";
  /** What the message holds. */
  readonly message: string;
}

/** One of every status, and what `test/codex/worker_test.ts` does not try with the CLI. */
const FAILURES: readonly Expected[] = [
  {
    directive: "moderation",
    status: 400,
    code: "moderation_blocked",
    type: USER_ERROR,
    message: "Your request was rejected by the safety system.",
  },
  {
    directive: "refuse",
    status: 422,
    code: "model_refused",
    type: REQUEST_ERROR,
    message: "I can't help with making that picture.",
  },
  {
    directive: "usage-limit",
    status: 429,
    code: "usage_limit_reached",
    type: REQUEST_ERROR,
    // The CLI tells the minute of the end.
    retryAfter: [5_300, 5_400],
    shouldRetry: "false",
    message: "usage limit",
  },
  {
    directive: "rate-limit",
    status: 429,
    code: "rate_limit_exceeded",
    type: REQUEST_ERROR,
    retryAfter: [12, 12],
    message: "Rate limit reached",
  },
  {
    directive: "capacity",
    status: 502,
    code: "codex_exec_failed",
    type: SERVER_ERROR,
    retryAfter: [60, 60],
    message: "at capacity",
  },
  {
    directive: "image-capacity",
    status: 502,
    code: "codex_exec_failed",
    type: SERVER_ERROR,
    retryAfter: [60, 60],
    message: "503",
  },
  {
    directive: "proxy-page",
    status: 502,
    code: "codex_exec_failed",
    type: SERVER_ERROR,
    message: "a web page",
  },
  {
    directive: "image-proxy-page",
    status: 502,
    code: "codex_exec_failed",
    type: SERVER_ERROR,
    message: "a web page",
  },
  {
    directive: "no-tool",
    status: 503,
    code: "image_tool_unavailable",
    type: SERVER_ERROR,
    shouldRetry: "false",
    message: "image tool",
  },
];

Deno.test("a failure of the backend has its status, code, type and headers", async (test) => {
  await using server = await startTestService({
    MAX_WORKERS: "16",
    PAUSE_ON_USAGE_LIMIT: "0",
  });
  // Some take the CLI seconds of retries, so all run at once.
  const answers = await Promise.all(FAILURES.map(async ({ directive }) => {
    const response = await server.generate({
      prompt: `a fox sandbox:${directive}`,
    }, { headers: { "x-request-id": directive } });
    return { response, body: await response.json() };
  }));
  for (const [index, expected] of FAILURES.entries()) {
    const { directive, status, code, type, retryAfter, shouldRetry, message } =
      expected;
    await test.step(`sandbox:${directive} is ${status} ${code}`, () => {
      const { response, body: { error } } = answers[index];
      assertEquals(response.status, status, JSON.stringify(error));
      assertStringIncludes(error.message, message);
      assertEquals({ ...error, message }, {
        message,
        type,
        code,
        param: null,
        request_id: directive,
      });
      const seconds = response.headers.get("retry-after");
      if (retryAfter === undefined) assertEquals(seconds, null);
      else {
        const [least, most] = retryAfter;
        assert(
          Number(seconds) >= least && Number(seconds) <= most,
          `${seconds}`,
        );
      }
      assertEquals(
        response.headers.get("x-should-retry"),
        shouldRetry ?? null,
      );
    });
  }
  await test.step("a failure is logged with its code and leaves nothing", async () => {
    await server.untilIdle();
    const codes = server.logLines("generate.error").map((line) => line.code);
    assertEquals(
      codes.toSorted(),
      FAILURES.map(({ code }) => code).toSorted(),
    );
    assertEquals([...Deno.readDirSync(server.place.outputDir)], []);
  });

  await test.step("without a login the answer is 503 and nothing is started, and one that comes later is found without a restart", async () => {
    await server.forget();
    const { authHome, sandbox } = server.place;
    await Deno.rename(authHome, `${authHome}-away`);
    const response = await server.generate({ prompt: "a fox" });
    const { error } = await response.json();
    assertEquals([response.status, error.code], [503, "codex_login_required"]);
    assertStringIncludes(error.message, authHome);
    assertStringIncludes(error.message, "codex login");
    assertEquals(response.headers.get("x-should-retry"), "false");
    assertEquals(server.logLines("codex.exec.start"), []);
    assertEquals(sandbox.record.all, []);
    await Deno.rename(`${authHome}-away`, authHome);
    const withLogin = await server.generate({ prompt: "a fox" });
    await withLogin.body?.cancel();
    assertEquals(withLogin.status, 200);
  });
});

Deno.test("a missing Codex binary is 502 codex_spawn_failed", async () => {
  await using server = await startTestService({ CODEX_BIN: "no-codex" });
  const response = await server.generate({ prompt: "a fox" });
  const { error } = await response.json();
  assertEquals([response.status, error.code], [502, "codex_spawn_failed"]);
  assertStringIncludes(error.message, "no-codex");
  await server.untilIdle();
});

Deno.test("with an API key for a login the answer is 503, nothing is started and /readyz says what to type", async () => {
  await using place = await openPlace();
  await Deno.writeTextFile(
    join(place.authHome, "auth.json"),
    '{"auth_mode":"apikey","OPENAI_API_KEY":"sk-test"}',
  );
  await using server = await startTestService({}, place);
  const response = await server.generate({ prompt: "a fox" });
  const { error } = await response.json();
  assertEquals([response.status, error.code], [503, "codex_login_required"]);
  assertStringIncludes(error.message, "API key");
  assertEquals(place.sandbox.record.all, []);
  assertEquals(server.logLines("codex.login.trouble")[0].kind, "api_key");
  const ready = await fetch(`${server.url}/readyz`);
  const { checks } = await ready.json();
  assertEquals(ready.status, 503);
  const { detail } = checks.find(({ name }: { name: string }) =>
    name === "login"
  );
  assertStringIncludes(detail, "codex login");
});
