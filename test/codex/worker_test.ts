import { assert, assertEquals, assertMatch, assertRejects } from "@std/assert";
import { encodeHex } from "@std/encoding/hex";
import { ApiError, type ErrorCode } from "../../src/errors.ts";
import { probe } from "../images/samples.ts";
import { openCodex, type SandboxedCodex } from "../support/codex.ts";
import { cliVariables } from "../support/variables.ts";
import { assertNoTraces } from "./traces.ts";

/** A word that no file of the CLI holds by itself. */
const WORD = "quokkaphone";
/** How long the sandbox's usage limit lasts, in seconds, and how exactly the CLI says so. */
const LIMIT = { seconds: 5400, toTheMinute: 60 + 10 };
/** Makes a picture of a usual size. */
const USUAL = "sandbox:bytes=4700000";
/** How often of so many times the CLI has to be ended before its closing call: a busy machine may be too slow for once. */
const ENDED_IN_TIME = { times: 5, least: 3 };
const NO_TOOL =
  "Codex offers no image tool: it needs a ChatGPT login whose plan includes images, and a model that takes images";

interface Expected {
  readonly code: ErrorCode;
  readonly message: string | RegExp;
  /** The least and the most that `retryAfter` may be, in seconds. */
  readonly retryAfter?: readonly [number, number];
}

const FAILURES: Readonly<Record<string, Expected>> = {
  "moderation": {
    code: "moderation_blocked",
    message: "Your request was rejected by the safety system.",
  },
  "refuse": {
    code: "model_refused",
    message: "I can't help with making that picture.",
  },
  "refuse sandbox:drop": {
    code: "model_refused",
    message: "I can't help with making that picture.",
  },
  "usage-limit": {
    code: "usage_limit_reached",
    message: /^You’ve hit your usage limit\..* try again at .*[AP]M\.$/,
    retryAfter: [LIMIT.seconds - LIMIT.toTheMinute, LIMIT.seconds],
  },
  "image-usage-limit": {
    code: "usage_limit_reached",
    message: "The usage limit has been reached",
    retryAfter: [LIMIT.seconds - 10, LIMIT.seconds],
  },
  "rate-limit": {
    code: "rate_limit_exceeded",
    message: "Rate limit reached for gpt-image-2. Please try again in 12s.",
    retryAfter: [12, 12],
  },
  "no-image": {
    code: "codex_no_image",
    message: "Codex ended without a picture and without a reason",
  },
  "truncated": {
    code: "codex_no_image",
    message:
      /^Codex left a picture that cannot be used: it is truncated: the IDAT /,
  },
  "no-tool": { code: "image_tool_unavailable", message: NO_TOOL },
  "error": {
    code: "codex_exec_failed",
    message:
      "The image service answered 500: The server had an error while processing your request.",
  },
};

async function digestOf(bytes: Uint8Array<ArrayBuffer>): Promise<string> {
  return encodeHex(await crypto.subtle.digest("SHA-256", bytes));
}

function signal(): AbortSignal {
  return AbortSignal.timeout(30_000);
}

function modelCalls({ sandbox }: SandboxedCodex) {
  return sandbox.record.to("/v1/responses")
    .filter(({ method }) => method === "POST");
}

async function assertFails(
  opened: SandboxedCodex,
  words: string,
  expected: Expected,
): Promise<void> {
  const { codex, task } = opened;
  const worker = codex.start(task(words), signal());
  const failure = await assertRejects(() => worker.picture, ApiError);
  assertEquals(failure.code, expected.code, failure.message);
  if (typeof expected.message === "string") {
    assertEquals(failure.message, expected.message);
  } else {
    assertMatch(failure.message, expected.message);
  }
  if (expected.retryAfter === undefined) {
    assertEquals(failure.retryAfter, undefined);
  } else {
    const [least, most] = expected.retryAfter;
    const seconds = failure.retryAfter ?? 0;
    assert(seconds >= least && seconds <= most, `${seconds} s`);
  }
  await worker.ended;
}

Deno.test("Codex.start() fails with the one reason, and leaves nothing", async (t) => {
  await using opened = await openCodex();
  for (const [directive, expected] of Object.entries(FAILURES)) {
    await t.step(`${expected.code} at sandbox:${directive}`, async () => {
      await assertFails(opened, `${WORD} sandbox:${directive}`, expected);
      await assertNoTraces(opened, WORD);
    });
  }
  await t.step(
    "codex_login_required when the login cannot be refreshed",
    async () => {
      opened.sandbox.refreshable = false;
      await assertFails(opened, `${WORD} sandbox:expired-login`, {
        code: "codex_login_required",
        message: /^Codex is not logged in: .*; log in with "codex login", or/,
      });
      await assertNoTraces(opened, WORD);
    },
  );
});

for (
  const { model, most } of [
    { model: undefined, most: 16_500 },
    { model: "gpt-5.5", most: 7_200 },
  ]
) {
  const name = model ?? "the default model";
  Deno.test(`Codex.start() gets the very picture with a small call of ${name}`, async () => {
    await using opened = await openCodex({ model });
    const { codex, sandbox, task } = opened;
    const worker = codex.start(task(WORD), signal());
    const picture = await worker.picture;
    const facts = await picture.facts;
    await worker.ended;
    assertEquals(
      (await probe(picture.bytes)).format,
      "png",
    );
    const [request] = sandbox.record.to("/v1/images/generations");
    assertEquals(await digestOf(picture.bytes), request.picture);
    assertEquals(facts.revisedPrompt, WORD);
    const { inputTokens, outputTokens } = facts.usage;
    assert(inputTokens >= 1200 && outputTokens >= 60);
    assertEquals(facts.toolCalls.length, 1);
    assert(facts.toolCalls[0].includes(WORD));
    const [call] = modelCalls(opened);
    assert(call.bytes <= most, `${call.bytes} bytes`);
    await assertNoTraces(opened, WORD);
  });
}

for (const model of [undefined, "gpt-5.5"]) {
  const name = model ?? "the default model";
  Deno.test(`Codex.start() ends ${name} before it sees 4.7 MB of picture again`, async () => {
    await using opened = await openCodex({ model });
    const { codex, sandbox, task } = opened;
    const words = `${WORD} ${USUAL}`;
    const calls: number[] = [];
    const inTime = () => calls.filter((number) => number === 1).length;
    while (
      calls.length < ENDED_IN_TIME.times && inTime() < ENDED_IN_TIME.least
    ) {
      sandbox.record.clear();
      const worker = codex.start(task(words), signal());
      const { bytes } = await worker.picture;
      await worker.ended;
      assert(bytes.length >= 4_700_000);
      const [request] = sandbox.record.to("/v1/images/generations");
      assertEquals(await digestOf(bytes), request.picture);
      calls.push(modelCalls(opened).length);
    }
    assert(inTime() >= ENDED_IN_TIME.least, `${calls}`);
    await assertNoTraces(opened, WORD);
  });
}

Deno.test("Codex.start() asks the model once for a drawing of more than 30 s", async () => {
  await using opened = await openCodex();
  const { codex, task } = opened;
  const words = `${WORD} ${USUAL} sandbox:slow=32000`;
  const worker = codex.start(task(words), AbortSignal.timeout(90_000));
  await worker.picture;
  await worker.ended;
  const [first, ...others] = modelCalls(opened);
  assert(first !== undefined);
  // The closing call, at most, where the machine is too busy to end the worker in time.
  assert(others.every(({ bytes }) => bytes > 1_000_000), "the model waited");
});

Deno.test("Codex.start() gets a picture after a connection that broke off", async () => {
  await using opened = await openCodex();
  const { codex, task } = opened;
  const worker = codex.start(task(`${WORD} sandbox:drop`), signal());
  assert((await worker.picture).bytes.length > 0);
  await worker.ended;
  assert(modelCalls(opened).length >= 2);
});

Deno.test("Codex.start() tries again with the CLI's own instructions where ours are refused", async () => {
  await using opened = await openCodex();
  const { codex, events, task } = opened;
  const words = `${WORD} sandbox:refuse-instructions`;
  const worker = codex.start(task(words), signal());
  assert((await worker.picture).bytes.length > 0);
  await worker.ended;
  assertEquals(events, ["codex.lean.refused"]);
  await assertNoTraces(opened, WORD);

  const next = codex.start(task(words), signal());
  assert((await next.picture).bytes.length > 0);
  await next.ended;
  assertEquals(events, ["codex.lean.refused"]);
  const [lean, ...stock] = modelCalls(opened).map(({ bytes }) => bytes);
  assert(lean < 16_500);
  assert(stock.length >= 2 && stock.every((bytes) => bytes > 60_000));
});

Deno.test("Codex.start() shows the chat model everything when it is not lean", async () => {
  await using opened = await openCodex({ minimalInstructions: false });
  const { codex, task } = opened;
  const worker = codex.start(task(WORD), signal());
  await worker.picture;
  await worker.ended;
  assert(modelCalls(opened)[0].bytes > 60_000);
  await assertNoTraces(opened, WORD);
});

Deno.test("Codex.start() works in a directory whose name is full of signs", async () => {
  await using opened = await openCodex({ name: `-co"d'e\\x =#$[a] ü🦊 ` });
  const { codex, task } = opened;
  const worker = codex.start(task(WORD), signal());
  assert((await worker.picture).bytes.length > 0);
  await worker.ended;
  const [call] = modelCalls(opened);
  assert(call.bytes <= 16_500, "our instructions were not found");
  await assertNoTraces(opened, WORD);
});

Deno.test("Codex.start() reaches the sandbox past a proxy", async () => {
  const proxy = "http://127.0.0.1:9";
  const env = { ...cliVariables(), HTTP_PROXY: proxy, ALL_PROXY: proxy };
  await using opened = await openCodex({ env });
  const { codex, task } = opened;
  const worker = codex.start(task(WORD), signal());
  assert((await worker.picture).bytes.length > 0);
  await worker.ended;
});
