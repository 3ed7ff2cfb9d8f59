import { assert, assertEquals } from "@std/assert";
import { delay } from "@std/async/delay";
import { join } from "@std/path";
import { encode, picture } from "../images/samples.ts";
import { Caller, type Leaving, requestShapes } from "../support/caller.ts";
import { exists } from "../support/exists.ts";
import { startTestService, type TestService } from "../support/service.ts";
import { filesIn } from "../support/test_server.ts";
import { until } from "../support/until.ts";

const HANGING = { prompt: "a fox sandbox:hang", count: 4 };
const NOISE = await encode(picture({ width: 600, height: 600 }).png());
const LARGE = {
  ...HANGING,
  references: [{ image: `data:image/png;base64,${NOISE.toBase64()}` }],
};

const SHAPES = requestShapes(NOISE);
/** Of all shapes and ways to leave, which `test/http/gate_test.ts` tries, those that are tried with the CLI. */
const TRIED: Readonly<Record<string, readonly Leaving[]>> = {
  "of 100 bytes": ["FIN"],
  "of 2 kB in one piece": ["FIN", "RST", "half-close"],
  "of head and body apart": ["half-close"],
  "in chunks": ["RST"],
  "of 200 kB": ["FIN"],
  "of 5 MB": ["RST"],
  "of a form with a file": ["half-close"],
  "that is the second of its connection": ["FIN"],
  "for a stream of events": ["FIN", "RST"],
};

for (const ms of [0, 100, 500]) {
  Deno.test(`a request that is aborted after ${ms} ms leaves nothing behind`, async () => {
    await using server = await startTestService();
    const caller = new AbortController();
    const answer = server.generate(HANGING, { signal: caller.signal })
      .catch((error) => error);
    await delay(ms);
    caller.abort();
    const error = await answer;
    assert(error instanceof DOMException);
    assertEquals(error.name, "AbortError");
    await assertNothingLeft(server);
  });
}

Deno.test("a request that is aborted while its pictures are drawn leaves nothing behind", async () => {
  await using server = await startTestService();
  const caller = new AbortController();
  const answer = server.generate(HANGING, { signal: caller.signal })
    .catch(({ name }) => name);
  await server.untilDrawing(4);
  assert((await server.processes()).length >= 4);
  caller.abort();
  assertEquals(await answer, "AbortError");
  await assertNothingLeft(server);
  assertEquals(server.logLines("generate.abort").length, 1);
  assertEquals(server.logLines("generate.abort")[0].code, "request_canceled");
  assertEquals(server.logLines("codex.exec.error").length, 4);
});

for (const { isSecond, name, pieces } of SHAPES) {
  for (const leaving of TRIED[name]) {
    Deno.test(`the ${leaving} of a caller ends the work of a request ${name}`, async () => {
      await using server = await startTestService();
      using caller = await Caller.connect(server.port);
      if (isSecond) {
        await caller.send(
          `GET /v1/models HTTP/1.1\r\nHost: 127.0.0.1:${server.port}\r\n\r\n`,
        );
        await caller.read((text) => text.endsWith("}"));
      }
      await caller.send(...pieces(server.port));
      await server.untilDrawing(1);
      caller.leave(leaving);
      await assertNothingLeft(server);
    });
  }
}

Deno.test("the end of a caller behind which its next request waits ends the work of the first", async () => {
  await using server = await startTestService();
  using caller = await Caller.connect(server.port);
  const [shape] = SHAPES;
  await caller.send(...shape.pieces(server.port));
  await server.untilDrawing(1);
  const large = SHAPES.filter(({ name }) => name === "of 5 MB");
  for (const { pieces } of [...large, ...large, ...large]) {
    await caller.send(...pieces(server.port));
  }
  caller.leave("FIN");
  await assertNothingLeft(server);
});

Deno.test("a request with a large reference that is aborted leaves nothing behind", async () => {
  await using server = await startTestService();
  const caller = new AbortController();
  const answer = server.generate(LARGE, { signal: caller.signal })
    .catch(({ name }) => name);
  await server.untilDrawing(1);
  caller.abort();
  assertEquals(await answer, "AbortError");
  await assertNothingLeft(server);
});

Deno.test("a socket that closes in the middle of its body starts nothing", async () => {
  await using server = await startTestService();
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
});

Deno.test("a second request goes on when the first is aborted", async () => {
  await using server = await startTestService();
  const caller = new AbortController();
  const first = server.generate(HANGING, { signal: caller.signal })
    .catch(({ name }) => name);
  await server.untilDrawing(4);
  const second = server.generate({ prompt: "an owl" });
  caller.abort();
  assertEquals(await first, "AbortError");
  const response = await second;
  await response.body?.cancel();
  assertEquals(response.status, 200);
  await server.untilIdle();
});

Deno.test("what is finished when the caller leaves is whole", async () => {
  await using server = await startTestService();
  const caller = new AbortController();
  const answer = server.generate({ prompt: "a fox sandbox:hang@2", count: 2 }, {
    signal: caller.signal,
  }).catch(({ name }) => name);
  await until(() =>
    filesIn(server.place.outputDir).some((name) => name.endsWith(".json"))
  );
  caller.abort();
  assertEquals(await answer, "AbortError");
  await server.untilIdle();
  const names = filesIn(server.place.outputDir);
  assertEquals(names.length, 2);
  const id = names[0].slice(0, -".json".length);
  assertEquals(names, [`${id}.json`, `${id}.png`]);
  const file = await fetch(`${server.url}/v1/images/${id}/file`);
  await file.body?.cancel();
  assertEquals(file.status, 200);
});

Deno.test("the time limit is 504 codex_timeout", async () => {
  await using server = await startTestService({ TIMEOUT_MS: "1000" });
  const started = Date.now();
  const response = await server.generate(HANGING);
  const { error } = await response.json();
  assertEquals([response.status, error.code], [504, "codex_timeout"]);
  assertEquals(error.type, "server_error");
  assertEquals(error.message.includes("1000 ms"), true);
  assert(Date.now() - started >= 1000);
  await assertNothingLeft(server);
});

Deno.test("the time limit counts the waiting for a worker", async () => {
  await using server = await startTestService({
    TIMEOUT_MS: "1000",
    MAX_WORKERS: "1",
  });
  const codes = await Promise.all([1, 2].map(async () => {
    const response = await server.generate({ prompt: "sandbox:hang" });
    return (await response.json()).error.code;
  }));
  assertEquals(codes, ["codex_timeout", "codex_timeout"]);
  await assertNothingLeft(server);
});

Deno.test("an image that is finished at the time limit is kept", async () => {
  await using server = await startTestService({ TIMEOUT_MS: "4000" });
  const response = await server.generate({
    prompt: "a fox sandbox:hang@1",
    count: 2,
  });
  const { data, errors, status } = await response.json();
  assertEquals([response.status, status], [200, "partial"]);
  assertEquals(data.map(({ index }: { index: number }) => index), [1]);
  assertEquals(errors.length, 1);
  assertEquals([errors[0].index, errors[0].code], [0, "codex_timeout"]);
  await server.untilIdle();
});

/** The contract's two seconds: no worker, no process, no file of a worker and no picture is left. */
async function assertNothingLeft(server: TestService): Promise<void> {
  await server.untilIdle(2_000);
  assertEquals(filesIn(server.place.outputDir), []);
  const home = join(server.place.dataDir, "codex-home");
  const pictures = join(home, "generated_images");
  assertEquals(await exists(pictures) ? filesIn(pictures) : [], []);
}
