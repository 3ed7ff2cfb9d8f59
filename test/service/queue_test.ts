import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { startTestService, type TestService } from "../support/service.ts";
import { until } from "../support/until.ts";

Deno.test("beyond the workers one waits, and beyond the queue it is 429 queue_full", async () => {
  await using server = await startTestService({
    MAX_WORKERS: "1",
    MAX_QUEUE: "1",
  });
  const first = send(server, "first sandbox:hang");
  await server.untilDrawing(1);
  const second = send(server, "second");
  await untilQueued(server, 1);
  const third = await server.generate({ prompt: "third" });
  const { error } = await third.json();
  assertEquals([third.status, error.code], [429, "queue_full"]);
  assertEquals(error.type, "invalid_request_error");
  assertStringIncludes(error.message, "1 of 1");
  assert(Number(third.headers.get("retry-after")) >= 1);
  assertEquals(third.headers.get("x-should-retry"), null);
  first.cancel();
  assertEquals([await first.status, await second.status], [0, 200]);
});

Deno.test("Retry-After of a full queue is the time that a picture takes", async () => {
  await using server = await startTestService({
    MAX_WORKERS: "1",
    MAX_QUEUE: "0",
  });
  assertEquals(await send(server, "a fox sandbox:slow=2500").status, 200);
  await server.untilIdle();
  const first = send(server, "first sandbox:hang");
  await server.untilDrawing(2);
  const refused = await server.generate({ prompt: "second" });
  await refused.body?.cancel();
  const seconds = Number(refused.headers.get("retry-after"));
  assert(seconds >= 3 && seconds < 20, `${seconds}`);
  first.cancel();
  assertEquals(await first.status, 0);
});

Deno.test("a request that does not fit whole takes no place at all", async () => {
  await using server = await startTestService({
    MAX_WORKERS: "1",
    MAX_QUEUE: "1",
  });
  const first = send(server, "first sandbox:hang");
  await server.untilDrawing(1);
  const tooMany = await server.generate({ prompt: "two", count: 2 });
  await tooMany.body?.cancel();
  assertEquals(tooMany.status, 429);
  assertEquals((await server.workers()).queued, 0);
  const second = send(server, "second");
  await untilQueued(server, 1);
  first.cancel();
  assertEquals(await second.status, 200);
});

Deno.test("those that wait are served in their order", async () => {
  await using server = await startTestService({ MAX_WORKERS: "1" });
  const first = send(server, "first sandbox:hang");
  await server.untilDrawing(1);
  const names = ["second", "third", "fourth"];
  const others = [];
  for (const [index, name] of names.entries()) {
    others.push(send(server, name));
    await untilQueued(server, index + 1);
  }
  first.cancel();
  for (const { status } of others) assertEquals(await status, 200);
  const drawn = server.place.sandbox.record.to("/v1/images/generations")
    .map(({ prompt }) => prompt?.split("\n")[0]);
  assertEquals(drawn.slice(1), names);
});

Deno.test("a waiting request that is canceled frees its place and never starts", async () => {
  await using server = await startTestService({
    MAX_WORKERS: "1",
    MAX_QUEUE: "1",
  });
  const first = send(server, "first sandbox:hang");
  await server.untilDrawing(1);
  const second = send(server, "second");
  await untilQueued(server, 1);
  second.cancel();
  await untilQueued(server, 0);
  const third = send(server, "third");
  await untilQueued(server, 1);
  first.cancel();
  assertEquals(await third.status, 200);
  assertEquals(server.logLines("codex.exec.start").length, 2);
  const words = server.place.sandbox.record.to("/v1/responses")
    .flatMap(({ words }) => words ?? []);
  // A loaded machine may let the CLI's closing call out.
  assertEquals([...new Set(words)], ["first sandbox:hang", "third"]);
  await server.untilIdle();
});

Deno.test("a request that is refused gives its places back", async () => {
  await using server = await startTestService({
    MAX_WORKERS: "1",
    MAX_QUEUE: "0",
  });
  for (const image of ["data:image/png;base64,AAAA", "data:;base64,"]) {
    const refused = await server.generate({
      prompt: "a fox",
      references: [{ image }],
    });
    await refused.body?.cancel();
    assertEquals(refused.status, 400);
  }
  await until(async () => (await server.workers()).active === 0);
  assertEquals(await send(server, "a fox").status, 200);
});

/** Sends a request; its status is 0 where it is canceled first. */
function send(server: TestService, prompt: string) {
  const caller = new AbortController();
  const status = server.generate({ prompt }, { signal: caller.signal })
    .then(async (response) => {
      await response.body?.cancel();
      return response.status;
    }, (error) => {
      if (error.name === "AbortError") return 0;
      throw error;
    });
  return { status, cancel: () => caller.abort() };
}

async function untilQueued(server: TestService, queued: number): Promise<void> {
  await until(async () => (await server.workers()).queued === queued);
}
