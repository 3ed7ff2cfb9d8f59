import { assert, assertEquals } from "@std/assert";
import { delay } from "@std/async/delay";
import { join } from "@std/path";
import { encode, picture } from "../images/samples.ts";
import { Caller, type Leaving, requestShapes } from "../support/caller.ts";
import { exists } from "../support/exists.ts";
import { startTestService, type TestService } from "../support/service.ts";
import { filesIn, stepsOn } from "../support/test_server.ts";
import { until } from "../support/until.ts";

const HANGING = { prompt: "a fox sandbox:hang" };
const SHAPES = requestShapes(
  await encode(picture({ width: 1000, height: 1000 }).png()),
);

/** Of all shapes and ways to leave, which `test/http/gate_test.ts` tries, those that are tried with the CLI. */
const TRIED: Readonly<Record<string, readonly Leaving[]>> = {
  "of 2 kB in one piece": ["FIN", "RST", "half-close"],
  "of 5 MB": ["RST"],
  "of a form with a file": ["half-close"],
  "for a stream of events": ["FIN"],
};

Deno.test("what is canceled leaves nothing behind", async (test) => {
  await using server = await startTestService();
  const step = stepsOn(server, test);

  for (const ms of [0, 100, 500]) {
    await step(
      `a request that is aborted after ${ms} ms leaves nothing behind`,
      async () => {
        const caller = new AbortController();
        const answer = server.generate(HANGING, { signal: caller.signal })
          .catch((error) => error);
        await delay(ms);
        caller.abort();
        const error = await answer;
        assert(error instanceof DOMException);
        assertEquals(error.name, "AbortError");
        await assertNothingLeft(server);
      },
    );
  }

  await step(
    "a request that is aborted while its pictures are drawn leaves nothing behind",
    async () => {
      const caller = new AbortController();
      const body = { ...HANGING, count: 2 };
      const answer = server.generate(body, { signal: caller.signal })
        .catch(({ name }) => name);
      await server.untilDrawing(2);
      assert((await server.processes()).length >= 2);
      caller.abort();
      assertEquals(await answer, "AbortError");
      await assertNothingLeft(server);
      assertEquals(server.logLines("generate.abort").length, 1);
      assertEquals(
        server.logLines("generate.abort")[0].code,
        "request_canceled",
      );
      assertEquals(server.logLines("codex.exec.error").length, 2);
    },
  );

  for (const { name, pieces } of SHAPES) {
    for (const leaving of TRIED[name] ?? []) {
      await step(
        `the ${leaving} of a caller ends the work of a request ${name}`,
        async () => {
          using caller = await Caller.connect(server.port);
          await caller.send(...pieces(server.port));
          await server.untilDrawing(1);
          caller.leave(leaving);
          await assertNothingLeft(server);
        },
      );
    }
  }

  await step(
    "a socket that closes in the middle of its body starts nothing",
    async () => {
      const body = JSON.stringify({ prompt: "a fox" });
      {
        using caller = await Caller.connect(server.port);
        await caller.send(
          `POST /v1/images/generate HTTP/1.1\r\nHost: 127.0.0.1:${server.port}\r\n` +
            `Content-Type: application/json\r\nContent-Length: ${body.length}\r\n\r\n` +
            body.slice(0, -5),
        );
      }
      await until(() => server.logLines("generate.abort").length === 1);
      await assertNothingLeft(server);
      assertEquals(server.logLines("codex.exec.start"), []);
    },
  );

  await step("a second request goes on when the first is aborted", async () => {
    const caller = new AbortController();
    const first = server.generate(HANGING, { signal: caller.signal })
      .catch(({ name }) => name);
    await server.untilDrawing(1);
    const second = server.generate({ prompt: "an owl" });
    caller.abort();
    assertEquals(await first, "AbortError");
    const response = await second;
    await response.body?.cancel();
    assertEquals(response.status, 200);
  });

  await step("what is finished when the caller leaves is whole", async () => {
    const caller = new AbortController();
    const before = new Set(filesIn(server.place.outputDir));
    const added = () =>
      filesIn(server.place.outputDir).filter((name) => !before.has(name));
    const body = { prompt: "a fox sandbox:hang@2", count: 2 };
    const answer = server.generate(body, { signal: caller.signal })
      .catch(({ name }) => name);
    await until(() => added().some((name) => name.endsWith(".json")));
    caller.abort();
    assertEquals(await answer, "AbortError");
    await server.untilIdle();
    const names = added();
    assertEquals(names.length, 2);
    const id = names[0].slice(0, -".json".length);
    assertEquals(names, [`${id}.json`, `${id}.png`]);
    const file = await fetch(`${server.url}/v1/images/${id}/file`);
    await file.body?.cancel();
    assertEquals(file.status, 200);
  });
});

Deno.test("the time limit of a request", async (test) => {
  await using server = await startTestService({
    TIMEOUT_MS: "1000",
    MAX_WORKERS: "1",
  });
  // One that leaves a busy machine the time for a picture.
  await using patient = await startTestService({ TIMEOUT_MS: "8000" });
  const kept = patient.generate({ prompt: "a fox sandbox:hang@1", count: 2 });
  const step = stepsOn(server, test);

  await step("the time limit is 504 codex_timeout", async () => {
    const started = Date.now();
    const response = await server.generate({ prompt: "sandbox:hang" });
    const { error } = await response.json();
    assertEquals([response.status, error.code], [504, "codex_timeout"]);
    assertEquals(error.type, "server_error");
    assertEquals(error.message.includes("1000 ms"), true);
    assert(Date.now() - started >= 1000);
    await assertNothingLeft(server);
  });

  await step("the time limit counts the waiting for a worker", async () => {
    const codes = await Promise.all([1, 2].map(async () => {
      const response = await server.generate({ prompt: "sandbox:hang" });
      return (await response.json()).error.code;
    }));
    assertEquals(codes, ["codex_timeout", "codex_timeout"]);
    await assertNothingLeft(server);
  });

  await step(
    "an image that is finished at the time limit is kept",
    async () => {
      const response = await kept;
      const { data, errors, status } = await response.json();
      assertEquals([response.status, status], [200, "partial"]);
      assertEquals(data.map(({ index }: { index: number }) => index), [1]);
      assertEquals(errors.length, 1);
      assertEquals([errors[0].index, errors[0].code], [0, "codex_timeout"]);
      await patient.untilIdle();
    },
  );
});

/** No process is left within the contract's two seconds, and then no worker, no file of one and no picture. */
async function assertNothingLeft(server: TestService): Promise<void> {
  await server.untilNoProcess();
  await server.untilIdle();
  assertEquals(filesIn(server.place.outputDir), []);
  const home = join(server.place.dataDir, "codex-home");
  const pictures = join(home, "generated_images");
  assertEquals(await exists(pictures) ? filesIn(pictures) : [], []);
}
