import { assert, assertEquals } from "@std/assert";
import { countWork } from "../openai/work_count.ts";
import { VERSION } from "../../src/version.ts";
import { encode, picture } from "../images/samples.ts";
import { startTestService, type TestService } from "../support/service.ts";

const PREFIX = "codex_image_server_";
const KEY = { "x-api-key": "secret" };

Deno.test("GET /metrics", async (test) => {
  await using server = await startTestService({
    API_KEY: KEY["x-api-key"],
    MAX_WORKERS: "1",
  });

  await test.step("wants the key where there is one", async () => {
    const refused = await fetch(`${server.url}/metrics`);
    await refused.body?.cancel();
    assertEquals(refused.status, 401);
  });

  await test.step("answers in the text format with every name once", async () => {
    const response = await fetch(`${server.url}/metrics`, { headers: KEY });
    assertEquals(response.status, 200);
    assertEquals(
      response.headers.get("content-type"),
      "text/plain; version=0.0.4; charset=utf-8",
    );
    const text = await response.text();
    assert(text.endsWith("\n"));
    const names = [...text.matchAll(/^# TYPE (\S+)/gm)].map(([, name]) => name);
    assertEquals(names.length, new Set(names).size);
    for (const line of text.split("\n").filter((line) => line !== "")) {
      assert(
        /^(# (HELP|TYPE) \S+ .+|\w+(\{[^}]*\})? [\d.e+-]+)$/.test(line),
        line,
      );
    }
  });

  await test.step("tells versions and memory", async () => {
    const metrics = await scrape(server);
    const health = await fetch(`${server.url}/healthz`, { headers: KEY });
    const { codex_version } = await health.json();
    const build =
      `build_info{version="${VERSION}",codex_version="${codex_version}",deno_version="${Deno.version.deno}"}`;
    assertEquals(metrics.get(build), 1);
    assert(metrics.get("process_resident_memory_bytes")! > 1e7);
    assert(metrics.get("process_cpu_seconds_total")! > 0);
    const age = Date.now() / 1000 - metrics.get("process_start_time_seconds")!;
    assert(age >= 0 && age < 3600, `the process started ${age} s ago`);
  });

  await test.step("counts jobs, candidates, durations and stored bytes", async () => {
    const before = await scrape(server);
    const reference = (await encode(picture().png())).toBase64();
    const answer = await (await generate(server, {
      references: [{ image: `data:image/png;base64,${reference}` }],
      prompt: "a fox sandbox:moderation@2",
      count: 2,
      output_format: "webp",
    })).json();
    const [image] = answer.data;
    const more = growth(before, await scrape(server));
    assertEquals(more('jobs_total{status="partial",code=""}'), 1);
    assertEquals(more('jobs_total{status="completed",code=""}'), 0);
    assertEquals(more('candidates_total{outcome="saved",code=""}'), 1);
    assertEquals(
      more('candidates_total{outcome="failed",code="moderation_blocked"}'),
      1,
    );
    assertEquals(more("job_duration_seconds_count"), 1);
    assertEquals(more("candidate_duration_seconds_count"), 1);
    assertEquals(
      more("candidate_duration_seconds_sum"),
      image.duration_ms / 1000,
    );
    assertEquals(more("stored_images_total"), 1);
    assertEquals(more('stored_bytes_total{variant="delivered"}'), image.bytes);
    const originals = more('stored_bytes_total{variant="original"}');
    assert(originals > 0);
    assertEquals(more("library_images"), 1);
    assertEquals(more("library_bytes"), image.bytes + originals);
    assertEquals(
      more('reference_bytes_total{delivered="original"}'),
      answer.references[0].bytes,
    );
    assertEquals(
      more('model_tokens_total{direction="input"}'),
      answer.usage.input_tokens,
    );
  });

  await test.step("counts a job without images by the code of its failure", async () => {
    const before = await scrape(server);
    const failed = await generate(server, { prompt: "a fox sandbox:refuse" });
    await failed.body?.cancel();
    const more = growth(before, await scrape(server));
    assertEquals(more('jobs_total{status="failed",code="model_refused"}'), 1);
    assertEquals(
      more('candidates_total{outcome="failed",code="model_refused"}'),
      1,
    );
    assertEquals(more("job_duration_seconds_count"), 0);
  });

  await test.step("tells what is under way and what waits", async () => {
    const before = await scrape(server);
    const count = countWork(server);
    const caller = new AbortController();
    const { signal } = caller;
    const body = { prompt: "a fox sandbox:hang", count: 3 };
    const answer = generate(server, body, signal).catch((error) => error.name);
    await count.untilDrawing(1);
    const metrics = await scrape(server);
    caller.abort();
    assertEquals(await answer, "AbortError");
    assertEquals(metrics.get('jobs{status="running"}'), 1);
    assertEquals(metrics.get("workers_active"), 1);
    assertEquals(metrics.get("workers_max"), 1);
    assertEquals(metrics.get("queue_length"), 2);
    assertEquals(metrics.get("queue_paused"), 0);
    await server.untilIdle(10_000);
    const after = await scrape(server);
    assertEquals(after.get('jobs{status="running"}'), 0);
    const canceled =
      'candidates_total{outcome="canceled",code="request_canceled"}';
    assertEquals(growth(before, after)(canceled), 3);
  });
});

/** Reads `GET /metrics` into values by name and labels, as in `a{b="c"}`. */
async function scrape(server: TestService): Promise<Map<string, number>> {
  const response = await fetch(`${server.url}/metrics`, { headers: KEY });
  const text = await response.text();
  return new Map(
    text.split("\n").filter((line) => line !== "" && !line.startsWith("#"))
      .map((line) => {
        const end = line.lastIndexOf(" ");
        return [
          line.slice(0, end).replace(PREFIX, ""),
          Number(line.slice(end)),
        ];
      }),
  );
}

/** Tells by how much a value has grown, of which there may have been none before; NaN where there is none. */
function growth(
  before: ReadonlyMap<string, number>,
  after: ReadonlyMap<string, number>,
): (name: string) => number {
  return (name) => (after.get(name) ?? NaN) - (before.get(name) ?? 0);
}

function generate(
  server: TestService,
  body: unknown,
  signal?: AbortSignal,
): Promise<Response> {
  return server.generate(body, { headers: KEY, signal });
}
