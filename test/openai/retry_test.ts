import { assert, assertEquals, assertRejects } from "@std/assert";
import { retryGraceMs } from "../../src/jobs/replay.ts";
import { startTestService } from "../support/service.ts";
import { until } from "../support/until.ts";
import { CLIENTS, connect, inspectBase64, paint } from "./clients.ts";
import { type CuttingProxy, openCuttingProxy } from "./cutting_proxy.ts";

/** The proxy has another port than the server. */
const SETTINGS = { ALLOWED_HOSTS: "127.0.0.1" };

for (const { name, OpenAI } of CLIENTS) {
  Deno.test(`the retry of ${name} joins the job whose connection was cut`, async () => {
    await using server = await startTestService(SETTINGS);
    await using proxy = await openCuttingProxy(server.port);
    const answer = connect(OpenAI, retrying(proxy)).images.generate({
      prompt: "an otter sandbox:slow=2000",
    });
    await server.untilDrawing(1);
    proxy.cut();
    const { data } = await answer;
    assertEquals(await inspectBase64(data?.[0].b64_json), "png 1536x1024");
    assertEquals(proxy.connections, 2);
    assertEquals(server.logLines("generate.start").length, 1);
    assertEquals(server.logLines("codex.exec.start").length, 1);
  });

  Deno.test(`the retry of ${name} gets the images whose answer was lost`, async () => {
    await using server = await startTestService(SETTINGS);
    await using proxy = await openCuttingProxy(server.port, {
      swallowFirstAnswer: true,
    });
    const client = connect(OpenAI, retrying(proxy));
    const { data } = await client.images.generate({ prompt: "an otter" });
    assertEquals(data?.length, 1);
    assertEquals(proxy.connections, 2);
    assertEquals(server.logLines("generate.start").length, 1);
  });

  Deno.test(`the retry of ${name} joins the edit whose connection was cut, its files the same`, async () => {
    await using server = await startTestService(SETTINGS);
    await using proxy = await openCuttingProxy(server.port);
    const answer = connect(OpenAI, retrying(proxy)).images.edit({
      image: new File([await paint()], "a.png"),
      prompt: "redder sandbox:slow=2000",
    });
    const { record } = server.place.sandbox;
    await until(() => record.to("/v1/images/edits").length === 1);
    proxy.cut();
    assertEquals((await answer).data?.length, 1);
    assertEquals(server.logLines("generate.start").length, 1);
    await server.untilIdle();
  });
}

Deno.test("the retry of Deno's own fetch joins the job whose connection was cut", async () => {
  await using server = await startTestService(SETTINGS);
  await using proxy = await openCuttingProxy(server.port);
  const image = send({ url: `http://127.0.0.1:${proxy.port}` }, "0", {
    words: "an otter sandbox:slow=1000",
  });
  await server.untilDrawing(1);
  proxy.cut();
  assertEquals(await inspectBase64(await image), "png 1536x1024");
  assertEquals(proxy.connections, 2);
  assertEquals(server.logLines("generate.start").length, 1);
});

Deno.test("a client whose time limit is shorter than the drawing gets its image from one run", async () => {
  await using server = await startTestService();
  const { data } = await impatient(server).images.generate({
    prompt: "an otter sandbox:slow=9000",
  });
  assertEquals(await inspectBase64(data?.[0].b64_json), "png 1536x1024");
  assertEquals(server.logLines("generate.start").length, 1);
  assertEquals(server.logLines("codex.exec.start").length, 1);
});

Deno.test("four clients whose time limit is shorter than the drawing are served by four runs", async () => {
  await using server = await startTestService();
  const client = impatient(server);
  const images = await Promise.all(Array.from({ length: 4 }, async () => {
    const prompt = "an otter sandbox:slow=4000";
    const { data } = await client.images.generate({ prompt });
    return data?.[0].b64_json;
  }));
  for (const image of images) {
    assertEquals(await inspectBase64(image), "png 1536x1024");
  }
  assertEquals(server.logLines("codex.exec.start").length, 4);
});

Deno.test("a job that no retry joins is gone two seconds after the wait for it", async () => {
  await using server = await startTestService(SETTINGS);
  await using proxy = await openCuttingProxy(server.port);
  const [{ OpenAI }] = CLIENTS;
  const client = connect(OpenAI, proxy);
  const rejected = assertRejects(
    () => client.images.generate({ prompt: "an otter sandbox:hang" }),
    OpenAI.APIConnectionError,
  );
  await server.untilDrawing(1);
  proxy.cut();
  await server.untilIdle(retryGraceMs(0) + 2_000);
  await rejected;
});

Deno.test("the same words twice make two images", async () => {
  await using server = await startTestService();
  const first = await send(server, "0");
  const second = await send(server, "0");
  assert(first !== second);
});

Deno.test("the same words twice make two images where they are streamed", async () => {
  await using server = await startTestService();
  const streamed = [await stream(server), await stream(server)];
  assert(new Set(streamed).size === 2);
  assertEquals(server.logLines("generate.start").length, 2);
});

Deno.test("one retry joins one job", async () => {
  await using server = await startTestService();
  const caller = new AbortController();
  const words = "an otter sandbox:slow=1500";
  const lost = [1, 2].map(() =>
    assertRejects(() => send(server, "0", { words, signal: caller.signal }))
  );
  await server.untilDrawing(2);
  caller.abort();
  await Promise.all(lost);
  const retries = [send(server, "1", { words }), send(server, "1", { words })];
  const [first, second] = await Promise.all(retries);
  assert(first !== second);
  assertEquals(server.logLines("generate.start").length, 2);
});

Deno.test("a retry with other words starts a job of its own", async () => {
  await using server = await startTestService();
  await send(server, "0");
  await send(server, "1", { words: "a fox" });
  assertEquals(server.logLines("generate.start").length, 2);
});

Deno.test("a retry of what has failed is a new try", async () => {
  await using server = await startTestService();
  const words = "an otter sandbox:error";
  for (const retry of ["0", "1"]) {
    assertEquals(await send(server, retry, { words }), "codex_exec_failed");
  }
  assertEquals(server.logLines("generate.start").length, 2);
});

Deno.test("a retry joins no job that a caller still waits for", async () => {
  await using server = await startTestService();
  const words = "an otter sandbox:slow=1000";
  const first = send(server, "0", { words });
  await server.untilDrawing(1);
  assert(await send(server, "1", { words }) !== await first);
});

Deno.test("a retry whose images were removed is told so", async () => {
  await using server = await startTestService();
  const url = await send(server, "0", { responseFormat: "url" });
  await (await fetch(new URL(".", url).href.slice(0, -1), {
    method: "DELETE",
  })).body?.cancel();
  assertEquals(await send(server, "1"), "not_found");
});

Deno.test("an Idempotency-Key works as on the own route", async () => {
  await using server = await startTestService();
  const headers = { "idempotency-key": "k1" };
  const first = await send(server, "", { headers });
  assertEquals(await send(server, "", { headers }), first);
  const words = "a fox";
  const other = await send(server, "", { headers, words });
  assertEquals(other, "idempotency_key_reused");
});

/** Sends a request as a client that retries would; gives the image, or the code of the error. */
async function send(
  { url }: { readonly url: string },
  retry: string,
  { headers, responseFormat = "b64_json", signal, words = "an otter" }: {
    readonly headers?: Readonly<Record<string, string>>;
    readonly responseFormat?: string;
    readonly signal?: AbortSignal;
    readonly words?: string;
  } = {},
): Promise<string> {
  const response = await fetch(`${url}/v1/images/generations`, {
    method: "POST",
    headers: {
      "content-type": "application/json",
      "x-stainless-retry-count": retry,
      ...headers,
    },
    body: JSON.stringify({ prompt: words, response_format: responseFormat }),
    signal,
  });
  const { data, error } = await response.json();
  return error?.code ?? data[0].b64_json ?? data[0].url;
}

/** Sends a request for a stream as an official client would, and reads it to its end. */
async function stream(
  { url }: { readonly url: string },
): Promise<string> {
  const response = await fetch(`${url}/v1/images/generations`, {
    method: "POST",
    headers: {
      "content-type": "application/json",
      "x-stainless-retry-count": "0",
    },
    body: JSON.stringify({ prompt: "an otter", stream: true }),
  });
  const [, image] = /"b64_json":"([^"]+)"/.exec(await response.text()) ?? [];
  assert(image !== undefined);
  return image;
}

/** An official client that gives up on a request after 1.5 s, and tries five times more. */
function impatient({ port }: { readonly port: number }) {
  const [{ OpenAI }] = CLIENTS;
  return connect(OpenAI, { port, maxRetries: 5, timeoutMs: 1_500 });
}

function retrying({ port }: CuttingProxy) {
  return { port, maxRetries: 2 };
}
