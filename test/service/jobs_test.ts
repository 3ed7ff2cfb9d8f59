import {
  assert,
  assertEquals,
  assertMatch,
  assertNotEquals,
} from "@std/assert";
import { join } from "@std/path";
import { writeSandboxLogin } from "../../src/sandbox/login.ts";
import { filesIn, stepsOn } from "../support/test_server.ts";
import { startTestService, type TestService } from "../support/service.ts";
import { openPlace } from "../support/place.ts";
import { until } from "../support/until.ts";

const JSON_TYPE = { "content-type": "application/json" };
const STREAM = { headers: { ...JSON_TYPE, accept: "text/event-stream" } };

// The answers are JSON whose form these tests check field by field.
// deno-lint-ignore no-explicit-any
type Json = any;

async function startJob(server: TestService, body: unknown): Promise<Json> {
  const response = await server.generate(body, {
    headers: { ...JSON_TYPE, prefer: "respond-async" },
  });
  assertEquals(response.status, 202);
  const job = await response.json();
  assertEquals(response.headers.get("location"), `/v1/jobs/${job.id}`);
  assert(Number(response.headers.get("retry-after")) >= 1);
  return job;
}

async function getJob(server: TestService, id: string): Promise<Json> {
  return await (await fetch(`${server.url}/v1/jobs/${id}`)).json();
}

async function untilOver(server: TestService, id: string): Promise<Json> {
  return await until(async () => {
    const job = await getJob(server, id);
    return job.ended_at === null ? undefined : job;
  });
}

async function events(
  response: Response,
): Promise<{ id: number; event: string; data: Json }[]> {
  const text = await response.text();
  return text.split("\n\n").filter((block) => block.includes("event:")).map(
    (block) => {
      const fields = Object.fromEntries(
        block.split("\n").map((
          line,
        ) => [line.split(":", 1)[0], line.slice(line.indexOf(":") + 1)]),
      );
      return {
        id: Number(fields.id),
        event: fields.event,
        data: JSON.parse(fields.data),
      };
    },
  );
}

Deno.test("jobs and streams", async (test) => {
  await using server = await startTestService();
  const step = stepsOn(server, test);

  await step(
    "respond-async gives a job that goes on by itself to the contract's answer, and whose events can be left and read on after Last-Event-ID",
    async () => {
      const { id } = await startJob(server, {
        prompt: "a wren sandbox:native=64x64 sandbox:slow=500",
        count: 2,
      });
      assertMatch(id, /^gen_[0-9a-f-]{36}$/);
      const url = `${server.url}/v1/jobs/${id}/events`;
      const left = await fetch(url);
      await left.body?.cancel();
      const first = await events(await fetch(url));
      const job = await untilOver(server, id);
      assertEquals(job.status, "completed");
      assertEquals(job.answer.data.length, 2);
      assertEquals(phasesOf(job), ["saved", "saved"]);
      assertEquals(job.candidates[0].image_id, job.answer.data[0].id);

      const rest = await events(
        await fetch(url, { headers: { "last-event-id": "2" } }),
      );
      assertEquals(rest, first.slice(2));
      assertEquals(first.at(-1)?.event, "completed");
    },
  );

  await step("respond-async answers a bad request at once", async () => {
    const before = await listJobs(server);
    const response = await server.generate(
      {
        prompt: "a wren sandbox:native=64x64",
        references: [{ image: "data:image/png;base64,AAAA" }],
      },
      { headers: { ...JSON_TYPE, prefer: "respond-async" } },
    );
    assertEquals(response.status, 400);
    assertEquals((await response.json()).error.code, "invalid_reference");
    assertEquals(await listJobs(server), before);
  });

  await step("closing the stream cancels the job", async () => {
    const response = await server.generate(
      { prompt: "a wren sandbox:hang" },
      STREAM,
    );
    await server.untilDrawing(1);
    await response.body?.cancel();
    await server.untilIdle();
    const [{ job }] = server.logLines("generate.start");
    assertEquals((await getJob(server, `${job}`)).status, "canceled");
  });

  await step(
    "DELETE /v1/jobs/:id cancels a job, and does no harm twice",
    async () => {
      const { id } = await startJob(server, { prompt: "a wren sandbox:hang" });
      await server.untilDrawing(1);
      for (let time = 0; time < 2; time++) {
        const response = await fetch(`${server.url}/v1/jobs/${id}`, {
          method: "DELETE",
        });
        assertEquals(response.status, 200);
        await response.body?.cancel();
        await server.untilIdle();
        assertEquals((await getJob(server, id)).status, "canceled");
      }
    },
  );

  await step("DELETE of one candidate leaves the others", async () => {
    const { id } = await startJob(server, {
      prompt: "a wren sandbox:hang@1",
      count: 2,
    });
    await server.untilDrawing(2);
    const url = `${server.url}/v1/jobs/${id}/candidates`;
    await (await fetch(`${url}/0`, { method: "DELETE" })).body?.cancel();
    const job = await untilOver(server, id);
    assertEquals(job.status, "partial");
    assertEquals(phasesOf(job), ["canceled", "saved"]);
    const missing = await fetch(`${url}/2`, { method: "DELETE" });
    assertEquals(missing.status, 404);
    await missing.body?.cancel();
  });

  await step(
    "a job that is canceled before its worker has begun stays canceled",
    async () => {
      const { id } = await startJob(server, {
        prompt: "a wren sandbox:native=64x64",
      });
      const url = `${server.url}/v1/jobs/${id}`;
      await (await fetch(url, { method: "DELETE" })).body?.cancel();
      await server.untilIdle();
      const job = await getJob(server, id);
      assertEquals(job.status, "canceled");
      assertEquals(phasesOf(job), ["canceled"]);
      assertEquals(
        (await events(await fetch(`${url}/events`))).at(-1)?.data.code,
        "request_canceled",
      );
    },
  );

  await step(
    "an Idempotency-Key joins the job under way, then the finished one",
    async () => {
      const ask = (prompt: string) =>
        server.generate({ prompt }, {
          headers: { ...JSON_TYPE, "idempotency-key": "k-1" },
        });
      const prompt = "a wren sandbox:native=64x64 sandbox:slow=500";
      const [one, two] = await Promise.all([ask(prompt), ask(prompt)]);
      const ids = [(await one.json()).id, (await two.json()).id];
      ids.push((await (await ask(prompt)).json()).id);
      assertEquals(new Set(ids).size, 1);
      assertEquals(server.logLines("codex.exec.start").length, 1);
      const other = await ask("another bird");
      assertEquals(other.status, 422);
      assertEquals((await other.json()).error.code, "idempotency_key_reused");
    },
  );

  await step(
    "an Idempotency-Key lets a caller come back whose connection broke",
    async () => {
      const init = { headers: { ...JSON_TYPE, "idempotency-key": "k-2" } };
      const body = { prompt: "a wren sandbox:native=64x64 sandbox:slow=1000" };
      const caller = new AbortController();
      const cut = server.generate(body, { ...init, signal: caller.signal })
        .catch(() => "cut");
      await server.untilDrawing(1);
      caller.abort();
      assertEquals(await cut, "cut");
      const response = await server.generate(body, init);
      assertEquals(response.status, 200);
      assertEquals((await response.json()).status, "completed");
      assertEquals(server.logLines("codex.exec.start").length, 1);
    },
  );

  await step(
    "POST generate ends a stream with an error event where nothing came of it, and its Idempotency-Key may be used again",
    async () => {
      const body = { prompt: "x sandbox:no-image" };
      const headers = { ...JSON_TYPE, "idempotency-key": "k-3" };
      const stream = await server.generate(body, {
        headers: { ...headers, ...STREAM.headers },
      });
      const last = (await events(stream)).at(-1);
      assertEquals([last?.event, last?.data.code], ["error", "codex_no_image"]);
      const response = await server.generate(body, { headers });
      assertEquals(response.status, 502);
      await response.body?.cancel();
      assertEquals(server.logLines("codex.exec.start").length, 2);
    },
  );
});

Deno.test("a job that a restart cuts off is failed and not forgotten, one that was done keeps its answer", async () => {
  await using place = await openPlace();
  let cut = "";
  let done = "";
  {
    await using server = await startTestService({}, place);
    done =
      (await startJob(server, { prompt: "a wren sandbox:native=64x64" })).id;
    await untilOver(server, done);
    cut = (await startJob(server, { prompt: "a wren sandbox:hang" })).id;
    await server.untilDrawing(2);
  }
  await using server = await startTestService({}, place);
  const { candidates, error, status } = await getJob(server, cut);
  assertEquals([status, error.code], ["failed", "server_restarted"]);
  assertEquals(candidates[0].code, "server_restarted");
  assertEquals((await getJob(server, done)).answer.data.length, 1);
  // Whoever has lost the connection reads on, and learns how it ended.
  const outcomeAfter = async (id: string, last: string) =>
    (await events(
      await fetch(`${server.url}/v1/jobs/${id}/events`, {
        headers: { "last-event-id": last },
      }),
    )).map(({ event }) => event);
  assertEquals(await outcomeAfter(cut, "2"), ["error"]);
  assertEquals(await outcomeAfter(done, "3"), ["completed"]);
});

Deno.test("a job is forgotten in time, though nobody asks for jobs, and its key is free", async () => {
  await using server = await startTestService({ JOB_TTL_MS: "1000" });
  const headers = { ...JSON_TYPE, "idempotency-key": "k-4" };
  const first = await server.generate(
    { prompt: "a wren sandbox:native=64x64" },
    { headers },
  );
  await first.body?.cancel();
  assertEquals(first.status, 200);
  const second = await until(async () => {
    const response = await server.generate({ prompt: "an owl sandbox:hang" }, {
      headers: { ...headers, prefer: "respond-async" },
    });
    const answer = await response.json();
    return response.status === 202 && answer.id;
  });
  const jobs = join(server.place.dataDir, "jobs");
  await until(() => filesIn(jobs).join() === `${second}.json`);
});

Deno.test("one worker", async (test) => {
  await using server = await startTestService({ MAX_WORKERS: "1" });
  const response = await server.generate(
    { prompt: "three sandbox:slow=2000@1 sandbox:slow=600@3", count: 3 },
    STREAM,
  );
  const reading = events(response);
  const one = await startJob(server, { prompt: "one" });

  await test.step("requests take turns: one for three does not hold up one for one", async () => {
    await untilOver(server, one.id);
    const [{ job }] = server.logLines("generate.start");
    const phases = phasesOf(await getJob(server, `${job}`));
    assert(phases.includes("saved"));
    assertNotEquals(phases[2], "saved");
  });

  const all = await reading;

  await test.step("POST generate streams every step, each image, and the answer at the end", () => {
    assertEquals(response.status, 200);
    assertMatch(
      response.headers.get("content-type") ?? "",
      /^text\/event-stream/,
    );
    assertEquals(all.map(({ id }) => id), all.map((_, index) => index + 1));
    const phases = all.filter(({ event, data }) =>
      event === "progress" && data.index === 0
    )
      .map(({ data }) => data.phase);
    assertEquals(phases, ["started", "drawing", "saved"]);
    assertEquals(all.filter(({ event }) => event === "image").length, 3);
    assertEquals(all.at(-1)?.event, "completed");
    assertEquals(all.at(-1)?.data.data.length, 3);
  });

  await test.step("a stream tells the place in the queue, and how it changes", () => {
    const positions = (index: number) =>
      all.filter(({ data }) => data.index === index && data.phase === "queued")
        .map(({ data }) => data.position);
    assertEquals([0, 1, 2].map(positions), [[], [1], [2, 3, 2, 1]]);
    const [last] = all.filter(({ data }) => data.phase === "saved").slice(-1);
    assert(last.data.elapsed_ms >= 600, `${last.data.elapsed_ms}`);
    const [drawing] = all.filter(({ data }) =>
      data.index === 2 && data.phase === "started"
    );
    assert(drawing.data.estimate_ms >= 300, `${drawing.data.estimate_ms}`);
  });
});

Deno.test("a usage limit that pauses the queue", async (test) => {
  await using server = await startTestService({ PAUSE_ON_USAGE_LIMIT: "1" });
  const step = stepsOn(server, test);
  let waits = "";

  await step(
    "a usage limit pauses the queue: jobs wait, other requests are told at once",
    async () => {
      await runIntoLimit(server);
      const started = server.logLines("codex.exec.start").length;
      const refused = await server.generate({
        prompt: "a wren sandbox:native=64x64",
      });
      const { error } = await refused.json();
      assertEquals([refused.status, error.code], [429, "usage_limit_reached"]);
      assert(Number(refused.headers.get("retry-after")) > 60);
      const [failed] = await listJobs(server);
      const { retry_after } = failed.error;
      assert(retry_after > 60, `${retry_after}`);
      await until(async () => {
        const told = await events(
          await fetch(`${server.url}/v1/jobs/${failed.id}/events`),
        );
        return told.at(-1)?.data.retry_after < retry_after;
      });
      const job = await startJob(server, {
        prompt: "a wren sandbox:native=64x64",
      });
      waits = job.id;
      const { candidates, waiting } = await getJob(server, job.id);
      assertEquals(candidates[0].position, 1);
      assertEquals(candidates[0].waiting, waiting);
      assertEquals(waiting.code, "usage_limit_reached");
      assert(Date.parse(waiting.until) > Date.now() + 60_000, waiting.until);
      assertEquals(server.logLines("codex.exec.start").length, started);
      const ready = await fetch(`${server.url}/readyz`);
      const { checks } = await ready.json();
      assertEquals(ready.status, 503);
      assertEquals(
        checks.find(({ name }: Json) => name === "usage_limit").ok,
        false,
      );
    },
  );

  await test.step("a login with another token ends the pause, and jobs go on", async () => {
    await writeSandboxLogin(server.place.authHome, { refreshToken: "other" });
    await until(async () => {
      const { status, waiting } = await getJob(server, waits);
      return status === "completed" && waiting === null;
    });
  });

  await step("POST /v1/queue/resume ends the pause", async () => {
    await runIntoLimit(server);
    const { id } = await startJob(server, { prompt: "a wren sandbox:hang" });
    for (const resumed of [true, false]) {
      const url = `${server.url}/v1/queue/resume`;
      const response = await fetch(url, { method: "POST" });
      assertEquals(await response.json(), { resumed });
    }
    await server.untilDrawing(1);
    const url = `${server.url}/v1/jobs/${id}`;
    await (await fetch(url, { method: "DELETE" })).body?.cancel();
  });
});

Deno.test("one request tries whether the usage limit is over, and ends the pause when it is", async () => {
  await using server = await startTestService({
    PAUSE_ON_USAGE_LIMIT: "1",
    PROBE_INTERVAL_MS: "2500",
  });
  await runIntoLimit(server);
  const early = await server.generate({
    prompt: "a wren sandbox:native=64x64",
  });
  await early.body?.cancel();
  assertEquals(early.status, 429);
  await until(async () => {
    const probe = await server.generate({
      prompt: "a wren sandbox:native=64x64",
    });
    await probe.body?.cancel();
    return probe.status === 200;
  });
  const ready = await fetch(`${server.url}/readyz`);
  await ready.body?.cancel();
  assertEquals(ready.status, 200);
});

Deno.test("of more than a thousand finished jobs the oldest are forgotten", async () => {
  await using place = await openPlace();
  const jobs = join(place.dataDir, "jobs");
  await Deno.mkdir(jobs, { recursive: true });
  const now = Date.now();
  const ids = Array.from({ length: 1_003 }, () => `gen_${crypto.randomUUID()}`);
  for (const [index, id] of ids.entries()) {
    const at = now - 60_000 + index;
    await Deno.writeTextFile(
      join(jobs, `${id}.json`),
      JSON.stringify({
        id,
        requestId: "r",
        status: "failed",
        createdAt: at,
        endedAt: at,
        failure: { code: "model_refused", message: "no" },
        request: {
          count: 1,
          requested_size: "auto",
          quality: "auto",
          output_format: "png",
          reference_count: 0,
        },
        candidates: [],
        lastEventId: 1,
      }),
    );
  }
  await using server = await startTestService({}, place);
  const statusOf = async (id: string) => {
    const response = await fetch(`${server.url}/v1/jobs/${id}`);
    await response.body?.cancel();
    return response.status;
  };
  assertEquals(
    await Promise.all(ids.slice(0, 5).map(statusOf)),
    [404, 404, 404, 200, 200],
  );
  await until(() => filesIn(jobs).length === 1_000);
});

function phasesOf({ candidates }: Json): string[] {
  return candidates.map(({ phase }: Json) => phase);
}

async function listJobs(server: TestService): Promise<Json[]> {
  return (await (await fetch(`${server.url}/v1/jobs`)).json()).data;
}

/** Lets a server run into a usage limit. */
async function runIntoLimit(server: TestService): Promise<void> {
  const limited = await server.generate({ prompt: "x sandbox:usage-limit" });
  await limited.body?.cancel();
  assertEquals(limited.status, 429);
}
