import {
  assert,
  assertEquals,
  assertMatch,
  assertRejects,
  assertStringIncludes,
} from "@std/assert";
import { encode, picture } from "../images/samples.ts";
import {
  callMessage,
  connectClient,
  jobIn,
  postMessage,
  readResult,
  REVISIONS,
  textOf,
} from "../support/mcp.ts";
import { startTestService } from "../support/service.ts";
import { filesIn, stepsOn } from "../support/test_server.ts";
import { until } from "../support/until.ts";

const NOBODY = "gen_00000000-0000-4000-8000-000000000000";
const HANGING = { prompt: "a fox sandbox:hang" };

Deno.test("agents", async (test) => {
  await using server = await startTestService();
  await using agent = await connectClient(server.url, "2026-07-28");
  await using former = await connectClient(server.url, "2025-06-18");
  const reference = await encode(picture({ width: 600, height: 400 }).png());
  const image = `data:image/png;base64,${reference.toBase64()}`;
  const clients = { "2026-07-28": agent, "2025-06-18": former };
  const step = stepsOn(server, test);

  await step("list_images says where there are none", async () => {
    const none = await agent.call("list_images");
    assertEquals(textOf(none), "There are no such images.");
  });

  for (const revision of REVISIONS) {
    const client = clients[revision];

    await step(
      `generate_image answers a client of ${revision} with paths, previews and links, tells its progress, and list_images pages through its images`,
      async () => {
        const before = new Set(filesIn(server.place.outputDir));
        const told: { progress: number; total?: number; message?: string }[] =
          [];
        const result = await client.call(
          "generate_image",
          {
            prompt: "this in blue",
            count: 2,
            output_format: "jpeg",
            references: [{ image }],
          },
          { onprogress: (progress) => told.push(progress) },
        );
        const types = result.content.map(({ type }) => type);
        const pair = (type: string) => [type, type];
        assertEquals(types, [
          "text",
          ...pair("image"),
          ...pair("resource_link"),
        ]);
        const names = filesIn(server.place.outputDir)
          .filter((name) => name.endsWith(".jpg") && !before.has(name));
        assertEquals(names.length, 2);
        for (const name of names) {
          assertStringIncludes(
            textOf(result),
            `${server.place.outputDir}/${name} (1536x1024, image/jpeg, `,
          );
        }
        for (const part of result.content) {
          if (part.type !== "resource_link") continue;
          const file = await fetch(part.uri);
          const { length } = await file.bytes();
          assertEquals([length, part.mimeType], [part.size, "image/jpeg"]);
        }
        assertEquals(result.isError, undefined);
        assertEquals(result.structuredContent, undefined);
        const steps = told.map(({ progress }) => progress);
        assertEquals(steps, steps.toSorted((a, b) => a - b));
        assertEquals([steps.at(-1), told[0].total], [6, 6]);
        assertMatch(told.at(-1)?.message ?? "", /^Job gen_.*: saved, saved$/);

        const job = jobIn(textOf(result));
        const page = await client.call("list_images", { job, limit: 1 });
        assertEquals(
          page.content.map(({ type }) => type),
          ["text", "image", "resource_link"],
        );
        const cursor = /cursor "(\S+)"/.exec(textOf(page))?.[1];
        const rest = await client.call("list_images", { job, cursor });
        assertEquals(textOf(rest).trim().split("\n").length, 1);

        // References are data URLs, of which nothing stays behind.
        const { record } = server.place.sandbox;
        assertEquals(record.to("/v1/images/edits").length, 2);
        await server.untilIdle();
      },
    );

    await step(
      `the abort of a call by a client of ${revision} leaves no process`,
      async () => {
        const caller = new AbortController();
        const call = client.call("generate_image", HANGING, {
          signal: caller.signal,
        });
        const failed = assertRejects(() => call);
        await server.untilDrawing(1);
        caller.abort(new Error("Not that one"));
        await failed;
        await server.untilNoProcess();
        await server.untilIdle();
        assertEquals(server.logLines("generate.abort").length, 1);
      },
    );

    await step(
      `a client of ${revision} is told of the five tools`,
      async () => {
        const { tools } = await client.client.listTools();
        assertEquals(
          tools.map(({ inputSchema, name }) => [
            name,
            ...Object.keys(inputSchema.properties ?? {}),
          ]),
          [
            [
              "generate_image",
              "prompt",
              "count",
              "size",
              "aspect",
              "output_size",
              "output_format",
              "background",
              "references",
              "wait_s",
            ],
            ["get_job", "id", "wait_s"],
            ["cancel_job", "id"],
            ["list_images", "limit", "cursor", "job", "q"],
            ["status"],
          ],
        );
        assertEquals(JSON.stringify(tools).includes('"null"'), false);
      },
    );
  }

  await step("the end of a connection ends the work of its call", async () => {
    const caller = new AbortController();
    const response = await postMessage(
      server.url,
      callMessage("generate_image", HANGING),
      { signal: caller.signal },
    );
    await server.untilDrawing(1);
    caller.abort();
    await assertRejects(() => response.text(), DOMException);
    await server.untilNoProcess();
    await server.untilIdle();
    assertEquals(server.logLines("generate.abort").length, 1);
  });

  await step(
    "a job that is not done in time goes on, and get_job waits for the rest",
    async () => {
      const first = await agent.call("generate_image", {
        prompt: "a fox sandbox:slow=5000@2",
        count: 2,
        wait_s: 0.1,
      });
      assertMatch(
        textOf(first),
        /^Job gen_\S+ is (?:queued|running)\.\nIt goes on by itself: call get_job/,
      );
      const id = jobIn(textOf(first));
      // The second begins with the first, and takes five seconds longer.
      const between = await until(async () => {
        const result = await agent.call("get_job", { id, wait_s: 0 });
        const isBetween = /^Picture 1: \/.*\nPicture 2: drawing$/m;
        return isBetween.test(textOf(result)) && result;
      });
      assertMatch(textOf(between), /^Job gen_\S+ is running\./);
      assertMatch(textOf(between), /^Picture 1: \/.*\.png \(1536x1024/m);
      assertEquals(
        between.content.map(({ type }) => type),
        ["text", "image", "resource_link"],
      );
      const second = await agent.call("get_job", { id });
      assertMatch(textOf(second), /^Job gen_\S+ is completed\./);
      assertEquals(second.content.length, 5);
    },
  );

  await step(
    "a client cannot cancel the call of another that has the same id",
    async () => {
      const call = postMessage(
        server.url,
        callMessage("generate_image", { prompt: "a fox sandbox:slow=1000" }, 7),
        { headers: { "mcp-session-id": "one" } },
      );
      await server.untilDrawing(1);
      const others: Record<string, string>[] = [
        { "mcp-session-id": "other" },
        {},
      ];
      for (const headers of others) {
        const response = await postMessage(server.url, {
          jsonrpc: "2.0",
          method: "notifications/cancelled",
          params: { requestId: 7, reason: "no more" },
        }, { headers });
        await response.body?.cancel();
        assertEquals(response.status, 202);
      }
      assertStringIncludes(
        textOf(await readResult(await call)),
        "is completed.",
      );
    },
  );

  await step("cancel_job ends a job, and says what is kept of it", async () => {
    const started = await agent.call("generate_image", {
      ...HANGING,
      wait_s: 0,
    });
    const id = jobIn(textOf(started));
    const canceled = await agent.call("cancel_job", { id });
    assertEquals(canceled.isError, undefined);
    assertStringIncludes(textOf(canceled), `Job ${id} is canceled.`);
    await server.untilNoProcess();
    await server.untilIdle();
    const again = await agent.call("get_job", { id });
    assertEquals(again.isError, true);
    assertStringIncludes(textOf(again), "(request_canceled)");
  });

  await step(
    "status tells what readiness and the queue tell, without initialize too",
    async () => {
      const response = await postMessage(server.url, callMessage("status", {}));
      const text = textOf(await readResult(response));
      assertMatch(text, /^Ready: images can be generated\.$/m);
      assertMatch(text, /^login: Logged in using ChatGPT$/m);
      assertMatch(
        text,
        /^usage: \d+ % of the 5 hours of limit "codex", which end at /m,
      );
      assertMatch(text, /^queue: 0 of 4 workers busy, 0 of at most 32/m);
    },
  );

  await step(
    "what Codex refuses is an error with its message and the next step",
    async () => {
      const result = await agent.call("generate_image", {
        prompt: "sandbox:moderation",
      });
      assertEquals(result.isError, true);
      assertMatch(
        textOf(result),
        /\(moderation_blocked\)\.\nNext: change the prompt/,
      );
    },
  );

  await step(
    "arguments that cannot be used are errors that say what is expected",
    async () => {
      const path = `${server.place.authHome}/auth.json`;
      const wrong: [string, Record<string, unknown>, string][] = [
        ["generate_image", {}, "(missing_prompt)"],
        ["generate_image", { prompt: "a".repeat(32_001) }, "(invalid_prompt)"],
        ["generate_image", { prompt: "a", count: 5 }, "(invalid_count)"],
        ["generate_image", { prompt: "a", colour: "red" }, '"colour"'],
        ["generate_image", { prompt: "a", wait_s: -1 }, "wait_s -1"],
        [
          "generate_image",
          { prompt: "a", references: [{ image: path }] },
          "(invalid_reference)",
        ],
        [
          "generate_image",
          { prompt: "a", references: [path] },
          "(invalid_reference)",
        ],
        ["get_job", {}, "id: it is missing"],
        ["get_job", { id: NOBODY }, "(not_found)"],
        ["get_job", { id: "../../etc/passwd" }, "(not_found)"],
        ["cancel_job", { id: NOBODY }, "(not_found)"],
        ["list_images", { limit: 101 }, "limit"],
        ["list_images", { cursor: "x" }, "cursor"],
        ["status", { verbose: true }, '"verbose"'],
        ["status", { references: [{ image }] }, '"references"'],
      ];
      for (const [name, args, expected] of wrong) {
        const result = await agent.call(name, args);
        assertEquals(result.isError, true, `${name} ${expected}`);
        assertStringIncludes(textOf(result), expected);
        assertStringIncludes(textOf(result), "\nNext: ");
      }
      await assertRejects(
        () => agent.call("generate_images", { prompt: "a" }),
        Error,
        'Cannot call "generate_images": there is no such tool, the nearest is "generate_image"',
      );
      assertEquals(server.logLines("codex.exec.start"), []);
    },
  );

  await step(
    "what is no message is refused before anything is done",
    async () => {
      const call = callMessage("generate_image", { prompt: "a fox" });
      const wrong: [string, number][] = [
        ["", 400],
        ["{", 400],
        ["null", 400],
        ["7", 400],
        ["{}", 400],
        [JSON.stringify([]), 400],
        [JSON.stringify([call, call]), 400],
        [JSON.stringify({ ...call, jsonrpc: "1.0" }), 400],
      ];
      for (const [body, status] of wrong) {
        const response = await postMessage(server.url, undefined, { body });
        const { error } = await response.json();
        assertEquals(response.status, status, body);
        assertEquals(typeof error.message, "string");
      }
      const response = await postMessage(server.url, call, {
        headers: { "content-type": "text/plain" },
      });
      await response.body?.cancel();
      assertEquals(response.status, 415);
      assertEquals(server.logLines("generate.start"), []);
    },
  );

  await step("GET and DELETE of /mcp are 405", async () => {
    for (const method of ["GET", "DELETE"]) {
      const response = await fetch(`${server.url}/mcp`, { method });
      await response.body?.cancel();
      assertEquals(response.status, 405);
      assertEquals(response.headers.get("allow"), "OPTIONS, POST");
    }
  });

  await step(
    "listeners are refused, for nothing that could be listened to changes",
    async () => {
      await assertRejects(
        () => agent.client.listen({ toolsListChanged: true }),
        Error,
        "limit reached",
      );
    },
  );

  await step(
    "a job goes on when the client's own time limit ends before the call, and get_job finds it, with a preview of 60 kB at most",
    async () => {
      let message = "";
      const call = former.call(
        "generate_image",
        { prompt: "a fox sandbox:slow=3000 sandbox:bytes=4700000" },
        { timeout: 2_000, onprogress: (told) => message = told.message ?? "" },
      );
      await assertRejects(() => call, Error, "timed out");
      const found = await former.call("get_job", { id: jobIn(message) });
      assertMatch(textOf(found), /is completed\.\nPicture 1: \//);
      const [, preview] = found.content;
      assert(preview.type === "image");
      assertEquals(preview.mimeType, "image/webp");
      const { length } = Uint8Array.fromBase64(preview.data);
      assert(length <= 60_000, `${length}`);
      assertEquals(server.logLines("generate.abort"), []);
    },
  );
});

Deno.test("a foreign page and a caller without the key get no tool, and whoever has an answer can open its links", async () => {
  await using server = await startTestService({ API_KEY: "secret" });
  const message = callMessage("status", {});
  const key = { "authorization": "Bearer secret" };
  const answers = [
    [401, {}],
    [401, { "authorization": "Bearer wrong" }],
    [403, { ...key, "origin": "https://evil.example" }],
    [200, key],
  ] as const;
  for (const [status, headers] of answers) {
    const response = await postMessage(server.url, message, { headers });
    await response.body?.cancel();
    assertEquals(response.status, status);
  }
  await using agent = await connectClient(server.url, "2026-07-28", key);
  const { content } = await agent.call("generate_image", { prompt: "a fox" });
  const link = content.at(-1);
  assert(link?.type === "resource_link");
  const file = await fetch(link.uri);
  await file.body?.cancel();
  assertEquals([file.status, link.mimeType], [200, "image/png"]);
});

Deno.test("of a hundred calls at once those are answered for which there is room, and the others told so", async () => {
  await using server = await startTestService({
    MAX_WORKERS: "1",
    MAX_QUEUE: "1",
  });
  const results = await Promise.all(
    Array.from({ length: 100 }, async (_, id) =>
      await readResult(
        await postMessage(
          server.url,
          callMessage("generate_image", { prompt: "a fox" }, id),
        ),
      )),
  );
  const full = results.filter((result) =>
    textOf(result).includes("(queue_full)")
  );
  const done = results.filter(({ isError }) => !isError);
  assertEquals(full.length + done.length, 100);
  assert(done.length >= 2);
  await server.untilIdle();
});
