import { assert, assertEquals, assertMatch } from "@std/assert";
import { join } from "@std/path";
import sharp from "sharp";
import { type Bytes, encode } from "../images/samples.ts";
import { openPlace } from "../support/place.ts";
import { spawnServer } from "../support/server_process.ts";
import { startTestService, type TestService } from "../support/service.ts";
import { filesIn, stepsOn } from "../support/test_server.ts";
import { until } from "../support/until.ts";

const STREAM = { headers: { accept: "text/event-stream" } };

Deno.test("a body that does not come", async (test) => {
  await using server = await startTestService({ UPLOAD_GRACE_MS: "100" });
  const step = stepsOn(server, test);
  for (const type of ["application/json", "multipart/form-data; boundary=b"]) {
    await step(
      `a body of ${type.split(";")[0]} that does not come is 408`,
      async () => {
        {
          using connection = await Deno.connect({
            hostname: "127.0.0.1",
            port: server.port,
          });
          await connection.write(
            new TextEncoder().encode(
              `POST /v1/images/generate HTTP/1.1\r\nHost: 127.0.0.1:${server.port}\r\n` +
                `Content-Type: ${type}\r\nContent-Length: 5000\r\n\r\n`,
            ),
          );
          const buffer = new Uint8Array(65_536);
          const length = await connection.read(buffer) ?? 0;
          const answer = new TextDecoder().decode(buffer.subarray(0, length));
          assertMatch(answer, /^HTTP\/1\.1 408 /);
          assertMatch(answer, /"code":"request_canceled"/);
          assertMatch(answer, /expected 1024 bytes a second/);
        }
        await server.untilIdle();
        assertEquals(server.place.sandbox.record.all, []);
      },
    );
  }
});

Deno.test("little room", async (test) => {
  await using server = await startTestService({
    MAX_BODY_BYTES: "2000",
    MAX_INFLIGHT_BYTES: "2000",
    MIN_FREE_BYTES: "999999999999999",
    MIN_UPLOAD_BYTES_PER_S: "0",
    UPLOAD_GRACE_MS: "100",
  });
  const step = stepsOn(server, test);

  await step(
    "a body may take its time where no pace is asked for",
    async () => {
      const half = Promise.withResolvers<void>();
      const body = new ReadableStream({
        async start(controller) {
          controller.enqueue(new TextEncoder().encode('{"prompt":'));
          await half.promise;
          controller.enqueue(new TextEncoder().encode("5}"));
          controller.close();
        },
      });
      setTimeout(half.resolve, 300);
      const response = await server.generate(undefined, { body });
      const { error } = await response.json();
      assertEquals([response.status, error.code], [400, "invalid_prompt"]);
    },
  );

  await step(
    "a body for which others that are being read leave no room is 429, until there is",
    async () => {
      const body = JSON.stringify({ prompt: 5 }).padEnd(1_000);
      {
        using connection = await Deno.connect({
          hostname: "127.0.0.1",
          port: server.port,
        });
        await connection.write(
          new TextEncoder().encode(
            `POST /v1/images/generate HTTP/1.1\r\nHost: 127.0.0.1:${server.port}\r\n` +
              `Content-Type: application/json\r\nContent-Length: 1500\r\n\r\n{`,
          ),
        );
        await until(async () => {
          const response = await server.generate(undefined, { body });
          const { error } = await response.json();
          if (response.status !== 429) return false;
          assertEquals(error.code, "queue_full");
          assertMatch(error.message, /1500 of at most 2000 bytes/);
          assertEquals(response.headers.get("retry-after"), "5");
          return true;
        });
      }
      await until(async () => {
        const response = await server.generate(undefined, { body });
        await response.body?.cancel();
        return response.status === 400;
      });
    },
  );

  await step(
    "without room on the disk nothing is started and the server is not ready",
    async () => {
      const response = await server.generate({ prompt: "a fox", count: 2 });
      const { error } = await response.json();
      assertEquals([response.status, error.code], [
        507,
        "insufficient_storage",
      ]);
      assertEquals(error.type, "server_error");
      assertEquals(response.headers.get("x-should-retry"), "false");
      assertEquals(server.logLines("codex.exec.start"), []);
      assertEquals(server.place.sandbox.record.all, []);
      const ready = await fetch(`${server.url}/readyz`);
      const { checks } = await ready.json();
      assertEquals(ready.status, 503);
      assertEquals(
        checks.filter(({ ok }: { ok: boolean }) => !ok).map((
          { name }: { name: string },
        ) => name),
        ["free_disk"],
      );
      await server.untilIdle();
    },
  );
});

Deno.test("one stream of events", async (test) => {
  await using server = await startTestService({ MAX_STREAMS: "1" });
  const step = stepsOn(server, test);

  await step(
    "more streams of events than there may be are 429 before anything is drawn",
    async () => {
      const first = await server.generate(
        { prompt: "a fox sandbox:hang" },
        STREAM,
      );
      assertEquals(first.status, 200);
      await server.untilDrawing(1);
      const second = await server.generate({ prompt: "an owl" }, STREAM);
      const { error } = await second.json();
      assertEquals([second.status, error.code], [429, "queue_full"]);
      assertEquals(second.headers.get("retry-after"), "5");
      const [job] = server.logLines("generate.start");
      const third = await fetch(`${server.url}/v1/jobs/${job.job}/events`);
      await third.body?.cancel();
      assertEquals(third.status, 429);
      assertEquals(server.logLines("generate.start").length, 1);
      await first.body?.cancel();
      await untilStreams(server);
    },
  );

  await step(
    "a stream that is refused, or whose reader is gone at once, gives its place back",
    async () => {
      for (const body of [{ prompt: 5 }, { prompt: "sandbox:refuse" }]) {
        const response = await server.generate(body, STREAM);
        await response.text();
      }
      await untilStreams(server);
      const [{ job }] = server.logLines("generate.start");
      const head = `GET /v1/jobs/${job}/events HTTP/1.1\r\n` +
        `Host: 127.0.0.1:${server.port}\r\n\r\n`;
      for (let reader = 0; reader < 20; reader++) {
        using connection = await Deno.connect({
          hostname: "127.0.0.1",
          port: server.port,
        });
        await connection.write(new TextEncoder().encode(head));
      }
      await untilStreams(server);
      const reader = await fetch(`${server.url}/v1/jobs/${job}/events`);
      await reader.body?.cancel();
      assertEquals(reader.status, 200);
    },
  );
});

Deno.test("references of a million pixels", async (test) => {
  await using server = await startTestService({
    MAX_REQUEST_PIXELS: "1000000",
    MAX_WORKER_PIXELS: "1000000",
  });
  const step = stepsOn(server, test);

  await step(
    "references with too many pixels together are refused before anything is started",
    async () => {
      const response = await sendPictures(server, await grey(600), 3);
      const { error } = await response.json();
      assertEquals([response.status, error.code, error.param], [
        400,
        "invalid_reference",
        "reference[2]",
      ]);
      assertMatch(
        error.message,
        /1,080,000 pixels; expected at most 1,000,000/,
      );
      assertEquals(server.logLines("codex.exec.start"), []);
      await server.untilIdle();
    },
  );

  await step(
    "workers with large references wait for each other, and others do not",
    async () => {
      const large = await grey(900);
      const caller = new AbortController();
      const requests = [
        sendPictures(server, large, 1, caller.signal),
        sendPictures(server, large, 1, caller.signal),
        server.generate({ prompt: "sandbox:hang" }, { signal: caller.signal }),
      ].map((request) => request.catch(({ name }) => name));
      await server.untilDrawing(2);
      await until(async () => (await server.workers()).active === 3);
      assertEquals(server.logLines("codex.exec.start").length, 2);
      caller.abort();
      assertEquals(
        new Set(await Promise.all(requests)),
        new Set(["AbortError"]),
      );
      await server.untilIdle();
      assertEquals(server.logLines("codex.exec.start").length, 2);
    },
  );
});

Deno.test("the log file stays within its limit, and standard output has every line", async () => {
  await using place = await openPlace();
  const directory = join(place.directory, "log");
  const path = join(directory, "server.jsonl");
  await Deno.mkdir(directory);
  const settings = { LOG_FILE: path, LOG_MAX_BYTES: "1024" };
  await using server = await spawnServer(settings, place);
  for (let request = 0; request < 30; request++) {
    const response = await server.generate({ prompt: 5 });
    await response.body?.cancel();
  }
  await until(() => server.logLines("generate.error").length === 30);
  assertEquals(filesIn(directory), ["server.jsonl", "server.jsonl.1"]);
  const [now, before] = await Promise.all(
    [path, `${path}.1`].map((path) => Deno.readTextFile(path)),
  );
  assert(now.length <= 1024 && before.length <= 1024);
  assert(server.logText.endsWith(before + now));
});

/** A small file of many pixels. */
function grey(edge: number): Promise<Bytes> {
  const background = "grey";
  const create = {
    width: edge,
    height: edge,
    channels: 3,
    background,
  } as const;
  return encode(sharp({ create }).toColourspace("b-w").png());
}

function sendPictures(
  server: TestService,
  bytes: Bytes,
  count: number,
  signal?: AbortSignal,
): Promise<Response> {
  const body = new FormData();
  body.set("prompt", "a fox sandbox:hang");
  for (let index = 0; index < count; index++) {
    body.append("reference", new Blob([bytes]), "grey.png");
  }
  const url = `${server.url}/v1/images/generate`;
  return fetch(url, { method: "POST", body, signal });
}

/** Waits until the one place for a stream is free again. */
async function untilStreams(server: TestService): Promise<void> {
  await until(async () => {
    const response = await server.generate({ prompt: 5 }, STREAM);
    await response.body?.cancel();
    return response.status === 400;
  });
}
