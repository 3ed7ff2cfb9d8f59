import { assert, assertEquals, assertRejects } from "@std/assert";
import type { Worker } from "../../src/codex/worker.ts";
import { openCodex, type SandboxedCodex } from "../support/codex.ts";
import { until } from "../support/until.ts";
import { assertNoTraces, processesIn } from "./traces.ts";

const WORD = "quokkaphone";
/** How soon every process of a worker must be gone, in milliseconds. */
const END_MS = 2_000;

class Enough extends Error {}

/** Aborts workers, and makes sure that nothing of them is left two seconds later. */
async function assertEnd(
  opened: SandboxedCodex,
  workers: readonly Worker[],
  stop: AbortController,
): Promise<void> {
  const begun = performance.now();
  stop.abort(new Enough());
  // All of them, before anybody looks: what one still clears away is no trace of another.
  await Promise.all(workers.map(({ ended }) => ended));
  const took = performance.now() - begun;
  await assertNoTraces(opened, WORD);
  assert(took < END_MS, `the end took ${took} ms`);
}

function drawings({ sandbox }: SandboxedCodex): number {
  return sandbox.record.to("/v1/images/generations").length;
}

Deno.test("Codex.start() starts nothing once it is aborted", async () => {
  await using opened = await openCodex();
  const { codex, sandbox, task } = opened;
  const worker = codex.start(task(WORD), AbortSignal.abort(new Enough()));
  await assertRejects(() => worker.picture, Enough);
  await Promise.all([worker.started, worker.ended]);
  await assertNoTraces(opened, WORD);
  assertEquals(sandbox.record.all, []);
});

Deno.test("Codex.start() ends a worker that has only just begun to start", async () => {
  await using opened = await openCodex();
  const { codex, sandbox, task } = opened;
  const stop = new AbortController();
  const worker = codex.start(task(WORD), stop.signal);
  await assertEnd(opened, [worker], stop);
  await assertRejects(() => worker.picture, Enough);
  assertEquals(sandbox.record.all, []);
});

Deno.test("Codex.start() ends a worker whose process has only just begun", async () => {
  await using opened = await openCodex();
  const { codex, dataDir, task } = opened;
  const stop = new AbortController();
  const worker = codex.start(task(`${WORD} sandbox:hang`), stop.signal);
  await until(async () => (await processesIn(dataDir)).includes("codex"));
  await assertEnd(opened, [worker], stop);
  await assertRejects(() => worker.picture, Enough);
});

Deno.test("Codex.start() ends a worker whose thread has just begun", async () => {
  await using opened = await openCodex();
  const { codex, task } = opened;
  const stop = new AbortController();
  const worker = codex.start(task(`${WORD} sandbox:hang`), stop.signal);
  await worker.started;
  await assertEnd(opened, [worker], stop);
  await assertRejects(() => worker.picture, Enough);
});

Deno.test("Codex.start() ends workers that wait for their pictures", async () => {
  await using opened = await openCodex();
  const { codex, dataDir, task } = opened;
  const stop = new AbortController();
  const workers = [1, 2].map(() =>
    codex.start(task(`${WORD} sandbox:hang`), stop.signal)
  );
  await until(() => drawings(opened) === workers.length);
  assertEquals(await processesIn(dataDir), [
    "codex",
    "codex",
    "codex-code-mode-host",
    "codex-code-mode-host",
  ]);
  await assertEnd(opened, workers, stop);
  for (const { picture } of workers) await assertRejects(() => picture, Enough);
});

Deno.test("Codex.start() ends one worker and lets the other draw", async () => {
  await using opened = await openCodex();
  const { codex, task } = opened;
  const stop = new AbortController();
  const ended = codex.start(task(`${WORD} sandbox:hang`), stop.signal);
  const kept = codex.start(
    task(`${WORD} sandbox:slow=700`),
    AbortSignal.timeout(30_000),
  );
  await until(() => drawings(opened) === 2);
  stop.abort(new Enough());
  await ended.ended;
  await assertRejects(() => ended.picture, Enough);
  assert((await kept.picture).bytes.length > 0);
  await kept.ended;
  await assertNoTraces(opened, WORD);
});

Deno.test("Codex.start() keeps a picture that was there before the end", async () => {
  await using opened = await openCodex();
  const { codex, task } = opened;
  const stop = new AbortController();
  const worker = codex.start(task(WORD), stop.signal);
  const { bytes } = await worker.picture;
  await assertEnd(opened, [worker], stop);
  assertEquals((await worker.picture).bytes, bytes);
});

Deno.test("Codex.start() ends what a command of the model has set free", async () => {
  await using opened = await openCodex({ minimalInstructions: false });
  const { codex, task } = opened;
  const stop = new AbortController();
  const words = `${WORD} sandbox:spawn-escapee sandbox:hang`;
  const worker = codex.start(task(words), stop.signal);
  await until(() => drawings(opened) === 1);
  await assertEnd(opened, [worker], stop);
});
