import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { startTestService, type TestService } from "../support/service.ts";
import { until } from "../support/until.ts";

Deno.test("one worker and two places in the queue", async (test) => {
  await using server = await startTestService({
    MAX_WORKERS: "1",
    MAX_QUEUE: "2",
  });
  const first = send(server, "first sandbox:hang");
  await server.untilDrawing(1);

  await test.step("a request that does not fit whole takes no place at all", async () => {
    const tooMany = await server.generate({ prompt: "three", count: 3 });
    await tooMany.body?.cancel();
    assertEquals(tooMany.status, 429);
    assertEquals((await server.workers()).queued, 0);
  });

  const second = send(server, "second");
  await untilQueued(server, 1);
  const third = send(server, "third");
  await untilQueued(server, 2);

  await test.step("GET /healthz counts the workers and the queue", async () => {
    assertEquals(await server.workers(), {
      active: 1,
      max: 1,
      queued: 2,
      queue_max: 2,
    });
  });

  await test.step("beyond the workers some wait, and beyond the queue it is 429 queue_full", async () => {
    const refused = await server.generate({ prompt: "beyond" });
    const { error } = await refused.json();
    assertEquals([refused.status, error.code], [429, "queue_full"]);
    assertEquals(error.type, "invalid_request_error");
    assertStringIncludes(error.message, "2 of 2");
    assert(Number(refused.headers.get("retry-after")) >= 1);
    assertEquals(refused.headers.get("x-should-retry"), null);
  });

  second.cancel();
  await untilQueued(server, 1);
  const fourth = send(server, "fourth");
  await untilQueued(server, 2);
  first.cancel();

  await test.step("those that wait are served in their order", async () => {
    assertEquals(await first.status, 0);
    assertEquals([await third.status, await fourth.status], [200, 200]);
    const drawn = server.place.sandbox.record.to("/v1/images/generations")
      .map(({ prompt }) => prompt?.split("\n")[0]);
    assertEquals(drawn, ["first sandbox:hang", "third", "fourth"]);
  });

  await test.step("a waiting request that is canceled frees its place and never starts", async () => {
    assertEquals(await second.status, 0);
    assertEquals(server.logLines("codex.exec.start").length, 3);
    const words = server.place.sandbox.record.to("/v1/responses")
      .flatMap(({ words }) => words ?? []);
    // A loaded machine may let the CLI's closing call out.
    assertEquals([...new Set(words)], [
      "first sandbox:hang",
      "third",
      "fourth",
    ]);
    await server.untilIdle();
  });
});

Deno.test("one worker and no queue", async (test) => {
  await using server = await startTestService({
    MAX_WORKERS: "1",
    MAX_QUEUE: "0",
  });

  await test.step("a request that is refused gives its places back", async () => {
    for (const image of ["data:image/png;base64,AAAA", "data:;base64,"]) {
      const refused = await server.generate({
        prompt: "a fox",
        references: [{ image }],
      });
      await refused.body?.cancel();
      assertEquals(refused.status, 400);
    }
    await until(async () => (await server.workers()).active === 0);
    assertEquals(await send(server, "a fox sandbox:slow=2500").status, 200);
  });

  await test.step("Retry-After of a full queue is the time that a picture takes", async () => {
    await server.untilIdle();
    const first = send(server, "first sandbox:hang");
    await server.untilDrawing(2);
    const refused = await server.generate({ prompt: "second" });
    await refused.body?.cancel();
    const seconds = Number(refused.headers.get("retry-after"));
    // Unless it is told, it is 30.
    assert(seconds >= 3 && seconds < 30, `${seconds}`);
    first.cancel();
    assertEquals(await first.status, 0);
  });
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
