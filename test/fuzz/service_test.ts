import { assert, assertEquals } from "@std/assert";
import { join } from "@std/path";
import fc from "fast-check";
import { BOUNDARY, form, FORM_TYPE, text } from "../http/_multipart.ts";
import { startTestService, type TestService } from "../support/service.ts";
import { filesIn } from "../support/test_server.ts";
import { damaged, generateBody } from "./arbitraries.ts";

/** What a header may hold. */
const headerText = fc.stringMatching(/^[!-~]([ -~]{0,40}[!-~])?$/);
const segment = fc.oneof(
  fc.constantFrom("images", "jobs", "file", "events", "candidates", "0", "-1"),
  fc.constantFrom(
    "..",
    ".",
    "%2e%2e",
    "..%2F",
    "%252e",
    "%00",
    "%5C",
    "%",
    "*",
  ),
  fc.uuid().map((uuid) => `codex-${uuid}`),
  fc.uuid().map((uuid) => `gen_${uuid}`),
  fc.webPath(),
  fc.string().map(encodeURIComponent),
);

Deno.test("whatever callers send, it is no failure of the server, and nothing is started", async (test) => {
  // The one worker is busy for ever and nobody may wait: even what is right gets no further than the queue.
  await using server = await startTestService({
    MAX_WORKERS: "1",
    MAX_QUEUE: "0",
  });
  const finished = await server.generate({ prompt: "an owl" });
  const { data: [image], id: job } = await finished.json();
  await server.untilIdle();
  const busy = new AbortController();
  const hanging = server.generate({ prompt: "a fox sandbox:hang" }, {
    signal: busy.signal,
  }).catch(({ name }) => name);
  await server.untilDrawing(2);
  const before = await leftovers(server);

  await test.step("as JSON", () =>
    fuzz(
      fc.oneof(
        generateBody.map((body) => JSON.stringify(body)),
        generateBody.map((body) => JSON.stringify({ prompt: "x", ...body })),
        fc.json(),
        fc.string({ unit: "binary" }),
      ),
      1_500,
      (body) => post(server, body, { "content-type": "application/json" }),
    ));
  await test.step("as a form", () =>
    fuzz(
      damaged([form(text("prompt", "a fox"), text("size", "4K"))]),
      800,
      (body) => post(server, body, { "content-type": FORM_TYPE }),
    ));
  await test.step("as a form with a file", () => {
    const file =
      `--${BOUNDARY}\r\nContent-Disposition: form-data; name="reference"; filename="a"\r\n\r\n`;
    return fuzz(
      fc.uint8Array({ maxLength: 200 }),
      500,
      (bytes) =>
        post(
          server,
          new Blob([file, bytes.slice(), `\r\n--${BOUNDARY}--\r\n`]),
          {
            "content-type": FORM_TYPE,
          },
        ),
    );
  });
  await test.step("in headers", () =>
    fuzz(
      fc.dictionary(
        fc.constantFrom(
          "accept",
          "prefer",
          "idempotency-key",
          "x-request-id",
          "content-type",
          "x-api-key",
          "authorization",
          "origin",
          "sec-fetch-site",
        ),
        headerText,
      ),
      1_000,
      (headers) => post(server, '{"prompt":"a fox"}', headers),
    ));
  await test.step("in paths", () =>
    fuzz(
      fc.tuple(
        fc.constantFrom("GET", "HEAD", "DELETE", "POST", "OPTIONS", "PUT"),
        fc.array(segment, { maxLength: 5 }),
      ),
      1_500,
      ([method, segments]) =>
        fetch(`${server.url}/v1/${segments.join("/")}`, { method }),
    ));
  await test.step("in queries", () =>
    fuzz(
      fc.tuple(fc.constantFrom("images", "jobs"), fc.webQueryParameters()),
      500,
      ([path, query]) => fetch(`${server.url}/v1/${path}?limit=1&${query}`),
    ));
  await test.step("as Range and conditions of a file", () =>
    fuzz(
      fc.record({
        range: fc.oneof(
          headerText,
          fc.tuple(fc.nat(), fc.nat()).map((pair) => `bytes=${pair.join("-")}`),
        ),
        "if-none-match": headerText,
        "if-range": headerText,
      }, { requiredKeys: [] }),
      500,
      (headers) => fetch(image.url, { headers }),
    ));
  await test.step("as Last-Event-ID", () =>
    fuzz(
      fc.oneof(fc.nat({ max: 12 }).map(String), headerText),
      500,
      async (id) => {
        const response = await fetch(`${server.url}/v1/jobs/${job}/events`, {
          headers: { "last-event-id": id },
        });
        assertEquals(response.status, 200);
        return response;
      },
    ));

  await test.step("and nothing of it is left", async () => {
    assertEquals(await leftovers(server), before);
    assertEquals(server.logLines("request.internal_error"), []);
    assertEquals(server.logLines("server.answer_failed"), []);
    assertEquals(server.logLines("codex.exec.start").length, 2);
  });
  busy.abort();
  assertEquals(await hanging, "AbortError");
  await server.untilIdle();
});

/** Sends many of a kind, and makes sure that each is answered and none with a failure of the server. */
async function fuzz<T>(
  arbitrary: fc.Arbitrary<T>,
  numRuns: number,
  send: (value: T) => Promise<Response>,
): Promise<void> {
  await fc.assert(
    fc.asyncProperty(arbitrary, async (value) => {
      const response = await send(value);
      // The events of all jobs have no end.
      const isEndless = response.ok && response.url.endsWith("/v1/events");
      if (isEndless) await response.body?.cancel();
      const body = isEndless ? "" : await response.text();
      assert(response.status < 500, `${response.status} ${body}`);
      assert(response.headers.get("x-request-id") !== null);
      if (response.status < 400 || body === "") return;
      const { error } = JSON.parse(body);
      assert(typeof error.code === "string" && error.message.length > 0);
    }),
    { numRuns },
  );
}

function post(
  server: TestService,
  body: BodyInit,
  headers: Readonly<Record<string, string>>,
): Promise<Response> {
  const url = `${server.url}/v1/images/generate`;
  return fetch(url, { method: "POST", body, headers });
}

/** What of requests can be seen from outside. */
async function leftovers(server: TestService): Promise<unknown> {
  const { dataDir, outputDir } = server.place;
  const { active, queued } = await server.workers();
  return {
    active,
    queued,
    processes: (await server.processes()).map(({ pid }) => pid),
    work: filesIn(join(dataDir, "work")),
    images: filesIn(outputDir),
  };
}
