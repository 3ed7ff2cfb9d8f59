import {
  assert,
  assertEquals,
  assertMatch,
  assertObjectMatch,
} from "@std/assert";
import { startTestService } from "../support/service.ts";
import { stepsOn } from "../support/test_server.ts";

Deno.test("the log of a server", async (test) => {
  await using server = await startTestService();
  const [listen] = server.logLines("server.listen");
  const step = stepsOn(server, test);

  await step(
    "every event of a generation is a line of JSON with its fields",
    async () => {
      const response = await server.generate({
        prompt: "a fox 🦊",
        count: 2,
        quality: "low",
      }, { headers: { "x-request-id": "mine" } });
      const { data, id } = await response.json();
      const lines = server.logLines();
      for (const { time } of lines) {
        assertMatch(`${time}`, /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/);
      }
      const of = (name: string) =>
        server.logLines(name).map(({ time: _, ...rest }) => rest);
      assertMatch(`${listen.codex_version}`, /^\d+\.\d+\.\d+/);
      assertObjectMatch({ ...listen }, {
        level: "info",
        event: "server.listen",
        url: server.url,
        output_dir: server.place.outputDir,
        sandbox: false,
      });
      assertEquals(of("generate.start").length, 1);
      assertObjectMatch(of("generate.start")[0], {
        level: "info",
        event: "generate.start",
        request_id: "mine",
        job: id,
        prompt_length: "a fox 🦊".length,
        reference_count: 0,
        requested_size: "auto",
        quality: "low",
        count: 2,
      });
      assertEquals(of("codex.exec.start").length, 2);
      assertEquals(of("codex.exec.success").length, 2);
      for (
        const line of [...of("codex.exec.start"), ...of("codex.exec.success")]
      ) {
        assertEquals([line.request_id, line.job], ["mine", id]);
      }
      const [success] = of("generate.success");
      assert(Number(success.duration_ms) > 0);
      assertObjectMatch(success, {
        level: "info",
        event: "generate.success",
        request_id: "mine",
        job: id,
        status: "completed",
        resolved_size: "1536x1024",
        count: 2,
        paths: data.map(({ path }: { path: string }) => path),
      });
    },
  );

  await step(
    "a failure and a cancellation are events of their own",
    async () => {
      const failed = await server.generate({ prompt: "sandbox:moderation" });
      const refused = await server.generate({ prompt: 5 });
      await failed.body?.cancel();
      await refused.body?.cancel();
      const caller = new AbortController();
      const canceled = server.generate({ prompt: "sandbox:hang" }, {
        signal: caller.signal,
      }).catch(({ name }) => name);
      await server.untilDrawing(2);
      caller.abort();
      assertEquals(await canceled, "AbortError");
      await server.untilIdle();
      const of = (event: string) =>
        server.logLines(event).map(({ code }) => code);
      assertEquals(of("generate.error"), [
        "moderation_blocked",
        "invalid_prompt",
      ]);
      assertEquals(of("generate.abort"), ["request_canceled"]);
      assertEquals(of("codex.exec.error"), [
        "moderation_blocked",
        "request_canceled",
      ]);
    },
  );

  await step(
    "a bad request is a line with the field and a value that is no sentence",
    async () => {
      for (
        const body of [
          { prompt: "a fox", size: "512x512" },
          { prompt: "a fox", quality: "as good as it gets" },
          { prompt: 5 },
          { prompt: "a fox", steps: 20 },
        ]
      ) {
        await (await server.generate(body)).body?.cancel();
      }
      const told = server.logLines("generate.error")
        .map(({ code, param, value }) => [code, param, value]);
      assertEquals(told, [
        ["invalid_size", "size", "512x512"],
        ["invalid_quality", "quality", "of length 18"],
        ["invalid_prompt", "prompt", "5"],
        ["unknown_parameter", "steps", undefined],
      ]);
    },
  );
});

Deno.test("a refusal is a line with what was asked of whom, and ten of a kind are enough", async () => {
  const key = "key-marker";
  await using server = await startTestService({ API_KEY: key });
  const headers = { "x-api-key": key };
  const ask = async (path: string, init: RequestInit = {}) => {
    const response = await fetch(server.url + path, init);
    await response.body?.cancel();
  };
  await ask("/v1/strange/a%20marker?q=marker", { headers });
  await ask("/v1/images", { headers: { "x-api-key": "marker" } });
  const origin = "https://evil.example";
  for (let i = 0; i < 12; i++) {
    await ask("/v1/models", { headers: { ...headers, origin } });
  }
  const host = new URL(server.url).host;
  const about = { level: "warn", event: "request.refused", host };
  const lines = server.logLines("request.refused");
  assertEquals(lines.length, 12);
  assertObjectMatch({ ...lines[0] }, {
    ...about,
    status: 404,
    code: "not_found",
    method: "GET",
    path: "/v1/strange/a",
  });
  assertObjectMatch({ ...lines[1] }, {
    ...about,
    status: 401,
    code: "unauthorized",
  });
  assertObjectMatch({ ...lines[2] }, {
    status: 403,
    code: "forbidden_origin",
    origin,
  });
  assertEquals(server.logText.includes("marker"), false);
});
