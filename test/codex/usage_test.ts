import { assert, assertEquals, assertRejects } from "@std/assert";
import { delay } from "@std/async/delay";
import { join } from "@std/path";
import { readQuota, type Usage, UsageReader } from "../../src/codex/usage.ts";
import { findProcesses } from "../../src/codex/process_tree.ts";
import { ApiError } from "../../src/errors.ts";
import { startStopwatch } from "../../src/util.ts";
import { openCodex } from "../support/codex.ts";

const RESET = 1_800_000_000;
const NONE = () => Promise.resolve("");

/** What the CLI answers, with so much of the window used. */
function answer(usedPercent: number, resetsAt = RESET): unknown {
  const primary = { usedPercent, windowDurationMins: 300, resetsAt };
  return {
    rateLimits: {
      limitId: "codex",
      primary,
      secondary: null,
      credits: { balance: "12" },
      planType: "plus",
      rateLimitReachedType: null,
    },
  };
}

/** What the CLI keeps in its session file. */
function told(used_percent: number): unknown {
  const primary = { used_percent, window_minutes: 300, resets_at: RESET };
  return { limit_id: "codex", primary, secondary: null, plan_type: "plus" };
}

Deno.test("readQuota() reads all limits and nothing of the account", () => {
  const { rateLimits } = answer(42.5) as { rateLimits: object };
  const premium = {
    limitId: "imagegen_premium",
    primary: { usedPercent: 100, windowDurationMins: 10_080, resetsAt: null },
    planType: "plus",
  };
  const rateLimitsByLimitId = { codex: rateLimits, imagegen_premium: premium };
  assertEquals(readQuota({ rateLimits, rateLimitsByLimitId }), {
    limitReached: false,
    windows: [
      { limit: "codex", minutes: 300, usedPercent: 42.5, resetsAt: RESET },
      {
        limit: "imagegen_premium",
        minutes: 10_080,
        usedPercent: 100,
        resetsAt: undefined,
      },
    ],
  });
});

for (const odd of [undefined, null, 5, "x", [], {}, { rateLimits: null }]) {
  Deno.test(`readQuota() finds nothing in ${JSON.stringify(odd)}`, () => {
    assertEquals(readQuota(odd), undefined);
  });
}

Deno.test("readQuota() says that a limit is reached", () => {
  assertEquals(readQuota(answer(100))?.limitReached, true);
  const reached = { rateLimits: { rateLimitReachedType: "workspace" } };
  assertEquals(readQuota(reached)?.limitReached, true);
});

Deno.test("UsageReader.read() asks once for all who ask, and then not for a minute", async () => {
  let asked = 0;
  const reader = new UsageReader(async () => {
    asked++;
    await delay(20);
    return answer(1);
  }, NONE);
  const all = await Promise.all([1, 2, 3].map(() => reader.read()));
  await reader.read();
  assertEquals([asked, new Set(all).size], [1, 1]);
});

Deno.test("UsageReader.read() asks again for another account", async () => {
  let account = "a";
  let used = 0;
  const reader = new UsageReader(
    () => Promise.resolve(answer(++used)),
    () => Promise.resolve(account),
  );
  await reader.read();
  account = "b";
  assertEquals((await reader.read()).windows[0].usedPercent, 2);
});

Deno.test("UsageReader.read() falls back on what the last image told", async () => {
  const reader = new UsageReader(() => Promise.resolve("garbage"), NONE);
  const failure = await assertRejects(() => reader.read(), ApiError);
  assertEquals(failure.code, "codex_exec_failed");
  const other = new UsageReader(() => Promise.resolve("garbage"), NONE);
  other.note(told(7));
  const { images: _, asOf: __, ...usage } = await other.read();
  assertEquals<Omit<Usage, "asOf" | "images">>(usage, {
    source: "last_run",
    limitReached: false,
    windows: [
      { limit: "codex", minutes: 300, usedPercent: 7, resetsAt: RESET },
    ],
  });
});

Deno.test("UsageReader.note() estimates what an image takes from ten images of one window", () => {
  const reader = new UsageReader(NONE, NONE);
  const costs = Array.from({ length: 12 }, (_, image) => {
    reader.countImage();
    reader.note(told(image * 0.5));
    return reader.last?.images;
  });
  assertEquals(costs[9], undefined);
  assertEquals(costs[10], { count: 10, percentPerImage: 0.5 });
  assertEquals(costs[11], { count: 11, percentPerImage: 0.5 });
  reader.countImage();
  reader.note(told(0));
  assertEquals(reader.last?.images, undefined);
});

interface Case {
  readonly name: string;
  readonly usage: (request: Request) => Response | Promise<Response>;
  /** What is to be seen: the code, or how many windows there are. */
  readonly seen: string | number;
}

const window = {
  used_percent: 12,
  limit_window_seconds: 18_000,
  reset_after_seconds: 60,
  reset_at: RESET,
};
const cases: readonly Case[] = [
  {
    name: "one window",
    usage: () =>
      Response.json({
        plan_type: "plus",
        rate_limit: {
          allowed: true,
          limit_reached: false,
          primary_window: window,
          secondary_window: null,
        },
        credits: { has_credits: true, unlimited: false, balance: "5" },
      }),
    seen: 1,
  },
  {
    name: "no window",
    usage: () => Response.json({ plan_type: "plus", rate_limit: null }),
    seen: 0,
  },
  {
    name: "garbage",
    usage: () => new Response("<html>Hello</html>"),
    seen: "codex_exec_failed",
  },
  {
    name: "a failure",
    usage: () => Response.json({ secret: "token" }, { status: 500 }),
    seen: "codex_exec_failed",
  },
  {
    name: "a minute of silence",
    usage: async ({ signal }) => {
      await delay(60_000, { signal }).catch(() => {});
      return new Response();
    },
    seen: "codex_exec_failed",
  },
];

for (const { name, seen, usage } of cases) {
  Deno.test(`Codex.usage comes to an end with ${name}, and leaves no process`, async () => {
    await using backend = Deno.serve(
      { hostname: "127.0.0.1", port: 0, onListen: () => {} },
      (request) =>
        new URL(request.url).pathname === "/backend-api/wham/usage"
          ? usage(request)
          : new Response("Not found", { status: 404 }),
    );
    const upstreamUrl = `http://127.0.0.1:${backend.addr.port}`;
    await using opened = await openCodex({ upstreamUrl });
    const elapsed = startStopwatch();
    const found = await opened.codex.usage.read().then(
      ({ windows }) => windows.length,
      ({ code, message }) => {
        assert(!/127\.0\.0\.1|token|Hello/.test(message), message);
        return code;
      },
    );
    assertEquals(found, seen);
    assert(elapsed() < 12_000, `${elapsed()} ms`);
    const left = await findProcesses(`${opened.instance}.*`);
    assertEquals(left, []);
  });
}

Deno.test("Codex.usage asks again when a worker was told that the limit is reached", async () => {
  await using opened = await openCodex();
  const { codex, task } = opened;
  const before = await codex.usage.read();
  const worker = codex.start(
    task("a fox sandbox:usage-limit"),
    AbortSignal.timeout(30_000),
  );
  const failure = await assertRejects(() => worker.picture, ApiError);
  await worker.ended;
  const after = await codex.usage.read();
  assertEquals(failure.code, "usage_limit_reached");
  assertEquals([before.limitReached, after.limitReached], [false, true]);
});

Deno.test("Codex.usage needs a login with ChatGPT, and starts nothing without", async () => {
  await using opened = await openCodex();
  await Deno.writeTextFile(
    join(opened.authHome, "auth.json"),
    '{"OPENAI_API_KEY":"sk-test"}',
  );
  const failure = await assertRejects(
    () => opened.codex.usage.read(),
    ApiError,
  );
  assertEquals(failure.code, "codex_login_required");
  assertEquals(opened.sandbox.record.all, []);
});

Deno.test("Codex.usage says that the service is not to be reached", async () => {
  await using opened = await openCodex({ upstreamUrl: "http://127.0.0.1:1" });
  const failure = await assertRejects(
    () => opened.codex.usage.read(),
    ApiError,
  );
  assertEquals(failure.code, "codex_unreachable");
});

for (
  const [name, script] of [
    ["prints garbage", "echo '{]'; echo 5; cat >/dev/null"],
    [
      "answers nonsense",
      'echo \'{"id":2,"result":{"rateLimits":7}}\'; sleep 60',
    ],
    ["is silent", "sleep 60"],
    ["ends at once", "exit 3"],
  ]
) {
  Deno.test(`Codex.usage tells of a CLI that ${name}`, async () => {
    const directory = await Deno.makeTempDir();
    const codexBin = join(directory, "codex");
    await Deno.writeTextFile(
      codexBin,
      `#!/bin/sh
[ "$1" = app-server ] || { echo codex-cli 0.171.0; exit; }
${script}
`,
      {
        mode: 0o755,
      },
    );
    await using opened = await openCodex({ codexBin });
    const elapsed = startStopwatch();
    const failure = await assertRejects(
      () => opened.codex.usage.read(),
      ApiError,
    );
    assertEquals(failure.code, "codex_exec_failed");
    assert(elapsed() < 12_000, `${elapsed()} ms`);
    const left = await findProcesses(`${opened.instance}.*`);
    assertEquals(left, []);
    await Deno.remove(directory, { recursive: true });
  });
}
