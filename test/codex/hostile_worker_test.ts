import { assert, assertEquals, assertRejects } from "@std/assert";
import { join } from "@std/path";
import { ApiError } from "../../src/errors.ts";
import { drawPicture } from "../../src/sandbox/picture.ts";
import { until } from "../support/until.ts";
import { assertEnds, openStandIn, type StandIn, THREAD } from "./stand_in.ts";

/** Memory that reading a flood of output may take, in bytes. */
const FLOOD_MEMORY = 120_000_000;
const OTHER_THREAD = THREAD.replace("01", "02");

class Enough extends Error {}

/** Ends a worker once its processes are there, and makes sure that all of them go. */
async function assertCancels(
  standIn: StandIn,
  { atLeast, ms }: { readonly atLeast: number; readonly ms?: number },
): Promise<void> {
  const stop = new AbortController();
  const worker = standIn.start(stop.signal);
  await worker.started;
  await until(async () => (await standIn.processes()).length >= atLeast);
  stop.abort(new Enough());
  await assertEnds(standIn, worker, ms);
  await assertRejects(() => worker.picture, Enough);
}

async function failureOf(
  standIn: StandIn,
  options: { readonly binary?: string; readonly input?: string } = {},
): Promise<ApiError> {
  const worker = standIn.start(AbortSignal.timeout(20_000), options);
  const failure = await assertRejects(() => worker.picture, ApiError);
  await assertEnds(standIn, worker);
  return failure;
}

/** The memory of this thread alone, in bytes: other tests run in the same process. */
function ownMemory(): number {
  const { external, heapUsed } = Deno.memoryUsage();
  return external + heapUsed;
}

async function writePicture(standIn: StandIn): Promise<Uint8Array> {
  const bytes = await drawPicture({
    prompt: "a fox",
    variation: "",
    width: 300,
    height: 200,
    references: 0,
    transparent: false,
    serial: 1,
  });
  await Deno.writeFile(join(standIn.home, "sample.png"), bytes);
  return bytes;
}

Deno.test("startWorker() ends a program that ignores SIGTERM", async () => {
  await using standIn = await openStandIn(`
    trap '' TERM INT HUP
    thread
    while :; do sleep 0.1; done`);
  await assertCancels(standIn, { atLeast: 1 });
});

Deno.test("startWorker() ends a child that took a session of its own", async () => {
  await using standIn = await openStandIn(`
    setsid sleep 300 &
    thread
    wait`);
  await assertCancels(standIn, { atLeast: 2 });
});

Deno.test("startWorker() ends a grandchild whose parent is gone", async () => {
  await using standIn = await openStandIn(`
    (setsid bash -c 'trap "" TERM; sleep 300 & exec sleep 300' >/dev/null 2>&1 &)
    thread
    sleep 300`);
  await assertCancels(standIn, { atLeast: 4 });
});

Deno.test("startWorker() ends processes that keep replacing themselves", async () => {
  // Every link of a chain lives 50 ms, in a session of its own; after 20 s they would end by themselves.
  await using standIn = await openStandIn(`
    if [ "$1" = again ]; then
      sleep 0.05
      [ $EPOCHSECONDS -lt $2 ] && setsid "$0" again $2 &
      exit
    fi
    for link in {1..8}; do setsid "$0" again $((EPOCHSECONDS + 20)) & done
    thread
    sleep 20`);
  // Each look at them competes with all that they start.
  await assertCancels(standIn, { atLeast: 4, ms: 8_000 });
});

Deno.test("startWorker() does not wait for a child that holds the output open", async () => {
  await using standIn = await openStandIn(`
    setsid sleep 300 &
    thread
    exit 0`);
  const failure = await failureOf(standIn);
  assertEquals(failure.code, "codex_no_image");
});

for (const stream of ["/dev/stdout", "/dev/stderr"]) {
  Deno.test(`startWorker() reads 100 MB from ${stream} in bounded memory`, async () => {
    await using standIn = await openStandIn(`
      thread
      line=$(printf 'x%.0s' {1..999})
      yes "$line" | head -c 50000000 > ${stream}
      head -c 50000000 /dev/zero > ${stream}
      exit 3`);
    const before = ownMemory();
    let most = before;
    const sampling = setInterval(() => {
      most = Math.max(most, ownMemory());
    }, 5);
    const failure = await failureOf(standIn).finally(() =>
      clearInterval(sampling)
    );
    assert(failure.message.startsWith("Codex ended with exit code 3: "));
    assert(failure.message.length < 400);
    assert(most - before < FLOOD_MEMORY, `${most - before} bytes`);
  });
}

Deno.test("startWorker() passes over lines that are not JSON and reads on", async () => {
  await using standIn = await openStandIn(`
    echo '{"type":'
    printf 'null\\n5\\n[]\\n\\xff\\xfe\\n\\n'
    thread
    head -c 5000000 /dev/zero | tr '\\0' '{'
    echo
    echo '{"type":"item.completed","item":{"type":"agent_message","text":"No, thanks"}}'`);
  const failure = await failureOf(standIn);
  assertEquals([failure.code, failure.message], [
    "model_refused",
    "No, thanks",
  ]);
});

Deno.test("startWorker() does not take exit code 0 for a picture", async () => {
  await using standIn = await openStandIn("exit 0");
  assertEquals((await failureOf(standIn)).code, "codex_no_image");
});

Deno.test("startWorker() gets over a program that reads none of its input", async () => {
  await using standIn = await openStandIn("sleep 0.2");
  const failure = await failureOf(standIn, { input: "x".repeat(1_000_000) });
  assertEquals(failure.code, "codex_no_image");
});

Deno.test("startWorker() ends a program that reads none of its input", async () => {
  await using standIn = await openStandIn("thread; sleep 300");
  const stop = new AbortController();
  const worker = standIn.start(stop.signal, { input: "x".repeat(1_000_000) });
  await worker.started;
  stop.abort(new Enough());
  await assertEnds(standIn, worker);
  await assertRejects(() => worker.picture, Enough);
});

for (const [what, mode] of [["missing", 0], ["not executable", 0o644]]) {
  Deno.test(`startWorker() says that the program is ${what}`, async () => {
    await using standIn = await openStandIn("exit 0");
    const binary = join(standIn.home, "codex");
    if (typeof mode === "number" && mode > 0) {
      await Deno.writeTextFile(binary, "#!/bin/sh\n", { mode });
    }
    const failure = await failureOf(standIn, { binary });
    assertEquals(failure.code, "codex_spawn_failed");
    assert(failure.message.startsWith(`Cannot start Codex "${binary}": `));
  });
}

Deno.test("startWorker() says that the program is a directory", async () => {
  await using standIn = await openStandIn("exit 0");
  const failure = await failureOf(standIn, { binary: standIn.home });
  assertEquals(failure.code, "codex_spawn_failed");
});

Deno.test("startWorker() takes a picture that comes in pieces only when it is whole", async () => {
  await using standIn = await openStandIn(`
    thread
    for part in {0..4}; do
      tail -c +$((part * 2000 + 1)) "$CODEX_HOME/sample.png" | head -c 2000 >> "$PICTURES/call.png"
      sleep 0.06
    done
    tail -c +10001 "$CODEX_HOME/sample.png" >> "$PICTURES/call.png"
    sleep 300`);
  const bytes = await writePicture(standIn);
  assert(bytes.length > 10_000);
  const worker = standIn.start(AbortSignal.timeout(20_000));
  assertEquals((await worker.picture).bytes, bytes);
  await assertEnds(standIn, worker);
});

Deno.test("startWorker() waits for the rest of a picture until the signal says otherwise", async () => {
  await using standIn = await openStandIn(`
    thread
    head -c 5000 "$CODEX_HOME/sample.png" > "$PICTURES/call.png"
    sleep 300`);
  await writePicture(standIn);
  const stop = new AbortController();
  const worker = standIn.start(stop.signal);
  await until(async () => {
    const { size } = await Deno.stat(join(standIn.pictures, "call.png"))
      .catch(() => ({ size: 0 }));
    return size === 5000;
  });
  const reason = new ApiError("codex_timeout", "Codex did not finish");
  stop.abort(reason);
  assertEquals(await assertRejects(() => worker.picture, ApiError), reason);
  await assertEnds(standIn, worker);
});

Deno.test("startWorker() says what is wrong with a picture that stays incomplete", async () => {
  await using standIn = await openStandIn(`
    thread
    head -c 5000 "$CODEX_HOME/sample.png" > "$PICTURES/call.png"`);
  await writePicture(standIn);
  const failure = await failureOf(standIn);
  assertEquals(failure.code, "codex_no_image");
  assert(/it is truncated/.test(failure.message), failure.message);
});

Deno.test("startWorker() keeps the picture of a program that fails at once afterwards", async () => {
  await using standIn = await openStandIn(`
    thread
    cp "$CODEX_HOME/sample.png" "$PICTURES/call.png"
    echo '{"type":"turn.failed","error":{"message":"usage limit"}}'
    exit 1`);
  const bytes = await writePicture(standIn);
  const worker = standIn.start(AbortSignal.timeout(20_000));
  assertEquals((await worker.picture).bytes, bytes);
  await assertEnds(standIn, worker);
});

Deno.test("startWorker() never takes the picture of another thread", async () => {
  await using standIn = await openStandIn(`
    thread
    mkdir "$PICTURES/../${OTHER_THREAD}"
    cp "$CODEX_HOME/sample.png" "$PICTURES/../${OTHER_THREAD}/call.png"
    cp "$CODEX_HOME/sample.png" "$PICTURES/../call.png"
    echo '{"type":"thread.started","thread_id":"${OTHER_THREAD}"}'
    sleep 0.3
    rm -r "$PICTURES/../${OTHER_THREAD}" "$PICTURES/../call.png"`);
  await writePicture(standIn);
  assertEquals((await failureOf(standIn)).code, "codex_no_image");
});

Deno.test("startWorker() goes to no place that a thread's id leads to", async () => {
  await using standIn = await openStandIn(`
    mkdir -p "$CODEX_HOME/generated_images"
    cp "$CODEX_HOME/sample.png" "$PICTURES/../.."
    echo '{"type":"thread.started","thread_id":".."}'
    sleep 0.2`);
  await writePicture(standIn);
  assertEquals((await failureOf(standIn)).code, "codex_no_image");
});

Deno.test("startWorker() starts nothing when the signal is aborted already", async () => {
  await using standIn = await openStandIn('touch "$CODEX_HOME/started"');
  const worker = standIn.start(AbortSignal.abort(new Enough()));
  await assertRejects(() => worker.picture, Enough);
  await assertEnds(standIn, worker);
  await assertRejects(
    () => Deno.stat(join(standIn.home, "started")),
    Deno.errors.NotFound,
  );
});
