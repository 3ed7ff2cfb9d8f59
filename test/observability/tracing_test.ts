import { assert, assertEquals } from "@std/assert";
import { encode, picture } from "../images/samples.ts";
import { openPlace } from "../support/place.ts";
import { spawnServer } from "../support/server_process.ts";
import { until } from "../support/until.ts";
import { openCollector, type ReceivedSpan } from "./collector.ts";

const PROMPT = "prompt-marker-93ab";
const HEADER = "header-marker-17fe";
const KEY = "key-marker-2d08";
const LABEL = "label-marker-e35b";
const TRACE = "0af7651916cd43dd8448eb211c80319c";
const PARENT = "b7ad6b7169203331";

Deno.test("spans tell the route of a request, its job and the workers of it, and no words of a body or a header", async (t) => {
  await using collector = openCollector();
  await using place = await openPlace(collector.variables);
  await using server = await spawnServer({}, place);
  const named = (name: string, route?: string) =>
    collector.spans.filter((span) =>
      span.name === name && (!route || span.attributes["url.path"] === route)
    );
  const first = (name: string) => until(() => named(name).at(0));
  const workersOf = ({ spanId }: ReceivedSpan) =>
    named("codex exec").filter(({ parentSpanId }) => parentSpanId === spanId);

  await t.step("a request with two workers", async () => {
    const response = await server.generate({
      prompt: `${PROMPT} sandbox:moderation@2`,
      count: 2,
      references: [{ image: await dataUrl(), label: LABEL }],
    }, {
      headers: {
        "authorization": `Bearer ${KEY}`,
        "baggage": `a=${HEADER}`,
        "tracestate": `a=${HEADER}`,
        "x-extra": HEADER,
        "x-request-id": "request-1",
      },
    });
    const { id } = await response.json();
    const span = await first("POST /v1/images/generate");
    assertEquals(span.attributes["http.route"], "/v1/images/generate");
    assertEquals(span.attributes["http.response.status_code"], "200");
    assertEquals(span.attributes["codex.request_id"], "request-1");
    assertEquals(span.attributes["codex.job"], id);
    const workers = await until(() =>
      workersOf(span).length === 2 && workersOf(span)
    );
    const told = workers.map(({ attributes, failed }) => [
      attributes["codex.job"],
      `${attributes["codex.candidate"]}.${attributes["codex.attempt"]}`,
      attributes["error.type"],
      failed,
    ]);
    assertEquals(told.toSorted(), [
      [id, "1.1", undefined, false],
      [id, "2.1", "moderation_blocked", true],
    ]);
    for (const { traceId } of workers) assertEquals(traceId, span.traceId);
  });

  await t.step(
    "a job that goes on without its caller, in the caller's trace",
    async () => {
      const before = named("POST /v1/images/generate").length;
      const response = await server.generate({
        prompt: `${PROMPT} sandbox:slow=300`,
      }, {
        headers: {
          prefer: "respond-async",
          traceparent: `00-${TRACE}-${PARENT}-01`,
        },
      });
      const { id } = await response.json();
      const span = await until(() =>
        named("POST /v1/images/generate").at(before)
      );
      assertEquals([span.traceId, span.parentSpanId], [TRACE, PARENT]);
      assertEquals(span.attributes["codex.job"], id);
      const [worker] = await until(() =>
        workersOf(span).length === 1 && workersOf(span)
      );
      assertEquals(worker.traceId, TRACE);
      await (await fetch(`${server.url}/v1/jobs/${id}`)).body?.cancel();
      const look = await first("GET /v1/jobs/:id");
      assertEquals(look.attributes["codex.job"], id);
    },
  );

  await t.step("a route whose path has rules for its parts", async () => {
    const path = "/v1/images/codex-none";
    await (await fetch(`${server.url}${path}`)).body?.cancel();
    const span = await first("GET /v1/images/:id");
    assertEquals(span.attributes["http.response.status_code"], "404");
    assertEquals(span.attributes["codex.code"], "not_found");
  });

  await t.step("a path that is none", async () => {
    await (await fetch(`${server.url}/none`)).body?.cancel();
    const span = await until(() => named("GET", "/none").at(0));
    assertEquals(span.attributes["http.route"], undefined);
    assertEquals(span.attributes["http.response.status_code"], "404");
  });

  await t.step("a failure of the server", async () => {
    const response = await server.generate({
      prompt: `${PROMPT} sandbox:no-image`,
    }, { headers: { "x-request-id": "request-2" } });
    await response.body?.cancel();
    const span = await until(() =>
      collector.spans.find(({ attributes }) =>
        attributes["codex.request_id"] === "request-2"
      )
    );
    assertEquals(span.failed, true);
    assertEquals(span.attributes["codex.code"], "codex_no_image");
    assertEquals(span.attributes["error.type"], "502");
  });

  await t.step("none has words of a body or a header", () => {
    assert(collector.text.length > 5_000);
    for (const words of [PROMPT, HEADER, KEY, LABEL]) {
      assertEquals(collector.text.includes(words), false, words);
    }
  });
});

async function dataUrl(): Promise<string> {
  const image = await encode(picture().png());
  return `data:image/png;base64,${image.toBase64()}`;
}
