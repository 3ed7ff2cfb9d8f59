import { assert, assertEquals } from "@std/assert";
import { openPlace } from "../support/place.ts";
import { type ServerProcess, spawnServer } from "../support/server_process.ts";
import { until } from "../support/until.ts";
import { type Collector, openCollector } from "./collector.ts";

const SERVER = 2;
const TRACE = "0af7651916cd43dd8448eb211c80319c";
const CALLER = "b7ad6b7169203331";

interface Traced extends AsyncDisposable {
  readonly collector: Collector;
  readonly server: ServerProcess;
  /** Ends the server in order, with which the rest of its spans comes. */
  end(): Promise<void>;
}

async function startTraced(
  variables: Readonly<Record<string, string>> = {},
): Promise<Traced> {
  await using parts = new AsyncDisposableStack();
  const collector = parts.use(openCollector());
  const place = parts.use(
    await openPlace({ ...collector.variables, ...variables }),
  );
  const server = parts.use(await spawnServer({}, place));
  const held = parts.move();
  return {
    collector,
    server,
    end: async () => {
      server.kill("SIGTERM");
      await server.ended;
    },
    [Symbol.asyncDispose]: () => held.disposeAsync(),
  };
}

/** Sends the lines of a request over a connection, and waits for the answer. */
async function send(
  connection: Deno.Conn,
  lines: readonly string[],
): Promise<void> {
  const text = [...lines, "", ""].join("\r\n");
  await connection.write(new TextEncoder().encode(text));
  await connection.read(new Uint8Array(65_536));
}

function hostOf({ port }: ServerProcess): string {
  return `Host: 127.0.0.1:${port}`;
}

const REQUESTS = [
  ["GET", "/v1/jobs?limit=1", "GET /v1/jobs", 200],
  ["HEAD", "/v1/jobs", "HEAD /v1/jobs", 200],
  ["GET", "/v1/jobs/gen_none", "GET /v1/jobs/:id", 404],
  ["DELETE", "/v1/images/codex-none", "DELETE /v1/images/:id", 404],
  ["GET", "/v1/images/generate", "GET", 405],
] as const;

Deno.test("a request has one span of a server, with the route and the status", async () => {
  await using traced = await startTraced();
  const { collector, server } = traced;
  for (const [i, [method, path]] of REQUESTS.entries()) {
    const headers = { "x-request-id": `request-${i}` };
    const response = await fetch(server.url + path, { method, headers });
    await response.body?.cancel();
  }
  await traced.end();
  const told = collector.spans.map(({ attributes, kind, name }) => {
    const { "codex.code": _code, "url.full": _url, ...others } = attributes;
    return { kind, name, others };
  });
  const expected = REQUESTS.map(([method, path, name, status], i) => ({
    kind: SERVER,
    name,
    others: {
      "codex.request_id": `request-${i}`,
      "http.request.method": method,
      "http.response.status_code": `${status}`,
      ...(name !== method && { "http.route": name.split(" ")[1] }),
      "url.path": path.split("?")[0],
      "url.query": path.split("?")[1] ?? "",
      "url.scheme": "http",
    },
  }));
  assertEquals(told.length, expected.length);
  for (const one of expected) {
    const { "codex.request_id": id } = one.others;
    assertEquals(
      told.find(({ others }) => others["codex.request_id"] === id),
      one,
    );
  }
});

Deno.test("the status in a span is a whole number", async () => {
  await using traced = await startTraced();
  await (await fetch(`${traced.server.url}/none`)).body?.cancel();
  await traced.end();
  const text = traced.collector.text.replaceAll(/\s/g, "");
  assert(
    text.includes('"http.response.status_code","value":{"intValue":"404"'),
  );
});

Deno.test("a request is not below the one that came before on its connection", async () => {
  await using traced = await startTraced();
  const { collector, server } = traced;
  using connection = await Deno.connect({
    hostname: "127.0.0.1",
    port: server.port,
  });
  const parent = `traceparent: 00-${TRACE}-${CALLER}-01`;
  await send(connection, ["GET /v1/jobs HTTP/1.1", hostOf(server), parent]);
  await send(connection, ["GET /v1/models HTTP/1.1", hostOf(server)]);
  const find = (wanted: string) =>
    until(() => collector.spans.find(({ name }) => name === wanted));
  const below = await find("GET /v1/jobs");
  const alone = await find("GET /v1/models");
  assertEquals([below.traceId, below.parentSpanId], [TRACE, CALLER]);
  assertEquals(alone.parentSpanId, "");
  assert(alone.traceId !== TRACE);
});

Deno.test("the span of a request ends when its caller leaves", async () => {
  await using traced = await startTraced();
  const { collector, server } = traced;
  const caller = new AbortController();
  const answer = server.generate({ prompt: "sandbox:hang" }, {
    signal: caller.signal,
  }).catch(({ name }) => name);
  await server.untilDrawing(1);
  caller.abort();
  assertEquals(await answer, "AbortError");
  const request = await until(() =>
    collector.spans.find(({ name }) => name === "POST /v1/images/generate")
  );
  const worker = await until(() =>
    collector.spans.find(({ name }) => name === "codex exec")
  );
  assertEquals(request.attributes["codex.code"], "request_canceled");
  assertEquals(request.attributes["http.response.status_code"], "499");
  assertEquals(request.failed, false);
  assertEquals(worker.parentSpanId, request.spanId);
  assertEquals(worker.attributes["error.type"], "request_canceled");
});

Deno.test("the span of a worker lasts as long as the worker, and longer than that of an asynchronous request", async () => {
  await using traced = await startTraced();
  const { collector, server } = traced;
  const response = await server.generate({ prompt: "sandbox:slow=1000" }, {
    headers: { prefer: "respond-async" },
  });
  const { id } = await response.json();
  assertEquals(response.status, 202);
  const worker = await until(() =>
    collector.spans.find(({ name }) => name === "codex exec")
  );
  const request = await until(() =>
    collector.spans.find(({ spanId }) => spanId === worker.parentSpanId)
  );
  assertEquals(worker.attributes["codex.job"], id);
  assertEquals(request.attributes["codex.job"], id);
  assertEquals(worker.traceId, request.traceId);
  const [start, end, answered] = [
    worker.startTimeUnixNano,
    worker.endTimeUnixNano,
    request.endTimeUnixNano,
  ].map(BigInt);
  assert(end > answered);
  assert(end - start >= 1_000_000_000n);
});

Deno.test("nothing is sent while telemetry is off", async () => {
  await using traced = await startTraced({ OTEL_DENO: "false" });
  await (await fetch(`${traced.server.url}/v1/models`)).body?.cancel();
  await traced.end();
  assertEquals(traced.collector.text, "");
});
