import { assert, assertEquals } from "@std/assert";
import { VERSION } from "../../src/version.ts";
import { encode, picture } from "../images/samples.ts";
import { startTestService, type TestService } from "../support/service.ts";

const PREFIX = "codex_image_server_";

/** Reads `GET /metrics` into values by name and labels, as in `a{b="c"}`. */
async function scrape(server: TestService): Promise<Map<string, number>> {
  const text = await (await fetch(`${server.url}/metrics`)).text();
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

Deno.test("GET /metrics answers in the text format with every name once", async () => {
  await using server = await startTestService();
  const response = await fetch(`${server.url}/metrics`);
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

Deno.test("GET /metrics tells versions and memory", async () => {
  await using server = await startTestService();
  const metrics = await scrape(server);
  const { codex_version } = await (await fetch(`${server.url}/healthz`)).json();
  const build =
    `build_info{version="${VERSION}",codex_version="${codex_version}",deno_version="${Deno.version.deno}"}`;
  assertEquals(metrics.get(build), 1);
  assert(metrics.get("process_resident_memory_bytes")! > 1e7);
  assert(metrics.get("process_cpu_seconds_total")! > 0);
  const age = Date.now() / 1000 - metrics.get("process_start_time_seconds")!;
  assert(age >= 0 && age < 3600, `the process started ${age} s ago`);
});

Deno.test("GET /metrics counts jobs, candidates, durations and stored bytes", async () => {
  await using server = await startTestService();
  const reference = (await encode(picture().png())).toBase64();
  const answer = await (await server.generate({
    references: [{ image: `data:image/png;base64,${reference}` }],
    prompt: "a fox sandbox:moderation@2",
    count: 2,
    output_format: "webp",
  })).json();
  const [image] = answer.data;
  const metrics = await scrape(server);
  assertEquals(metrics.get('jobs_total{status="partial",code=""}'), 1);
  assertEquals(metrics.get('jobs_total{status="completed",code=""}'), 0);
  assertEquals(metrics.get('candidates_total{outcome="saved",code=""}'), 1);
  assertEquals(
    metrics.get('candidates_total{outcome="failed",code="moderation_blocked"}'),
    1,
  );
  assertEquals(metrics.get("job_duration_seconds_count"), 1);
  assertEquals(metrics.get("candidate_duration_seconds_count"), 1);
  assertEquals(
    metrics.get("candidate_duration_seconds_sum"),
    image.duration_ms / 1000,
  );
  assertEquals(metrics.get("stored_images_total"), 1);
  assertEquals(
    metrics.get('stored_bytes_total{variant="delivered"}'),
    image.bytes,
  );
  const originals = metrics.get('stored_bytes_total{variant="original"}')!;
  assert(originals > 0);
  assertEquals(metrics.get("library_images"), 1);
  assertEquals(metrics.get("library_bytes"), image.bytes + originals);
  assertEquals(
    metrics.get('reference_bytes_total{delivered="original"}'),
    answer.references[0].bytes,
  );
  assertEquals(
    metrics.get('model_tokens_total{direction="input"}'),
    answer.usage.input_tokens,
  );
});

Deno.test("GET /metrics counts a job without images by the code of its failure", async () => {
  await using server = await startTestService();
  await (await server.generate({ prompt: "a fox sandbox:refuse" })).body
    ?.cancel();
  const metrics = await scrape(server);
  assertEquals(
    metrics.get('jobs_total{status="failed",code="model_refused"}'),
    1,
  );
  assertEquals(
    metrics.get('candidates_total{outcome="failed",code="model_refused"}'),
    1,
  );
  assertEquals(metrics.get("job_duration_seconds_count"), 0);
});

Deno.test("GET /metrics tells what is under way and what waits", async () => {
  await using server = await startTestService({ MAX_WORKERS: "1" });
  const caller = new AbortController();
  const { signal } = caller;
  const answer = server.generate(
    { prompt: "a fox sandbox:hang", count: 3 },
    { signal },
  ).catch((error) => error.name);
  await server.untilDrawing(1);
  const metrics = await scrape(server);
  caller.abort();
  assertEquals(await answer, "AbortError");
  assertEquals(metrics.get('jobs{status="running"}'), 1);
  assertEquals(metrics.get("workers_active"), 1);
  assertEquals(metrics.get("workers_max"), 1);
  assertEquals(metrics.get("queue_length"), 2);
  assertEquals(metrics.get("queue_paused"), 0);
  await server.untilIdle();
  const after = await scrape(server);
  assertEquals(after.get('jobs{status="running"}'), 0);
  assertEquals(
    after.get('candidates_total{outcome="canceled",code="request_canceled"}'),
    3,
  );
});

Deno.test("GET /metrics wants the key where there is one", async () => {
  await using server = await startTestService({ API_KEY: "secret" });
  const url = `${server.url}/metrics`;
  const refused = await fetch(url);
  await refused.body?.cancel();
  assertEquals(refused.status, 401);
  const allowed = await fetch(url, { headers: { "x-api-key": "secret" } });
  await allowed.body?.cancel();
  assertEquals(allowed.status, 200);
});
