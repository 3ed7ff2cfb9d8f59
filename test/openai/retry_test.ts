import { assert, assertEquals, assertRejects } from "@std/assert";
import { startTestService } from "../support/service.ts";
import { CLIENTS, connect } from "./clients.ts";
import { type CuttingProxy, openCuttingProxy } from "./cutting_proxy.ts";
import { inspectBase64, paint } from "./pictures.ts";
import { countWork } from "./work_count.ts";

/** The proxy has another port than the server. */
const SETTINGS = { ALLOWED_HOSTS: "127.0.0.1" };
/** How long a drawing takes at least, in milliseconds, so that a retry finds it under way: clients come back within 500. */
const SLOW = "sandbox:slow=1000";

Deno.test("a request that is repeated joins the job that lost its caller, and nothing else does", async (test) => {
  await using server = await startTestService(SETTINGS);

  for (const { name, OpenAI } of CLIENTS) {
    await test.step(`the retry of ${name} joins the job whose connection was cut`, async () => {
      await using proxy = await openCuttingProxy(server.port);
      const count = countWork(server);
      const answer = connect(OpenAI, retrying(proxy)).images.generate({
        prompt: `an otter for ${name} ${SLOW}`,
      });
      await count.untilDrawing(1);
      proxy.cut();
      const { data } = await answer;
      assertEquals(await inspectBase64(data?.[0].b64_json), "png 1536x1024");
      assertEquals(proxy.connections, 2);
      assertEquals([count.jobs, count.runs], [1, 1]);
    });

    await test.step(`the retry of ${name} gets the images whose answer was lost`, async () => {
      await using proxy = await openCuttingProxy(server.port, {
        swallowFirstAnswer: true,
      });
      const count = countWork(server);
      const client = connect(OpenAI, retrying(proxy));
      const prompt = `a lost otter for ${name}`;
      const { data } = await client.images.generate({ prompt });
      assertEquals(data?.length, 1);
      assertEquals(proxy.connections, 2);
      assertEquals(count.jobs, 1);
    });

    await test.step(`the retry of ${name} joins the edit whose connection was cut, its files the same`, async () => {
      await using proxy = await openCuttingProxy(server.port);
      const count = countWork(server);
      const answer = connect(OpenAI, retrying(proxy)).images.edit({
        image: new File([await paint()], "a.png"),
        prompt: `redder for ${name} ${SLOW}`,
      });
      await count.untilDrawing(1);
      proxy.cut();
      assertEquals((await answer).data?.length, 1);
      assertEquals(count.jobs, 1);
    });
  }

  await test.step("the retry of Deno's own fetch joins the job whose connection was cut", async () => {
    await using proxy = await openCuttingProxy(server.port);
    const count = countWork(server);
    const words = `an otter for Deno ${SLOW}`;
    const url = `http://127.0.0.1:${proxy.port}`;
    const image = send({ url }, "0", { words });
    await count.untilDrawing(1);
    proxy.cut();
    assertEquals(await inspectBase64(await image), "png 1536x1024");
    assertEquals(proxy.connections, 2);
    assertEquals(count.jobs, 1);
  });

  await test.step("two clients whose time limit is shorter than the drawing are served by two runs", async () => {
    const count = countWork(server);
    const [{ OpenAI }] = CLIENTS;
    const { port } = server;
    const options = { port, maxRetries: 5, timeoutMs: 700 };
    const client = connect(OpenAI, options);
    const images = await Promise.all([1, 2].map(async () => {
      const prompt = "an otter for the impatient sandbox:slow=2500";
      const { data } = await client.images.generate({ prompt });
      return data?.[0].b64_json;
    }));
    for (const image of images) {
      assertEquals(await inspectBase64(image), "png 1536x1024");
    }
    assert(images[0] !== images[1]);
    assertEquals([count.jobs, count.runs], [2, 2]);
  });

  await test.step("a retry joins one job that nobody waits for, and starts one where there is none", async () => {
    const count = countWork(server);
    const caller = new AbortController();
    const words = "an otter for three sandbox:slow=500";
    const lost = [1, 2].map(() =>
      assertRejects(() => send(server, "0", { words, signal: caller.signal }))
    );
    await count.untilDrawing(2);
    caller.abort();
    await Promise.all(lost);
    const images = await Promise.all(
      [1, 2, 3].map(() => send(server, "1", { words })),
    );
    assertEquals(new Set(images).size, 3);
    assertEquals(count.jobs, 3);
  });

  await test.step("an Idempotency-Key works as on the own route", async () => {
    const headers = { "idempotency-key": "k1" };
    const first = await send(server, "", { headers });
    assertEquals(await send(server, "", { headers }), first);
    const words = "a fox";
    const other = await send(server, "", { headers, words });
    assertEquals(other, "idempotency_key_reused");
  });

  await test.step("a retry whose images were removed is told so", async () => {
    const words = "an otter that is removed";
    const url = await send(server, "0", { responseFormat: "url", words });
    await (await fetch(new URL(".", url).href.slice(0, -1), {
      method: "DELETE",
    })).body?.cancel();
    assertEquals(await send(server, "1", { words }), "not_found");
  });

  await test.step("the same words twice make two images", async () => {
    const count = countWork(server);
    assert(await send(server, "0") !== await send(server, "0"));
    assertEquals(count.jobs, 2);
  });

  await test.step("the same words twice make two images where they are streamed", async () => {
    const count = countWork(server);
    assert(await stream(server) !== await stream(server));
    assertEquals(count.jobs, 2);
  });

  await test.step("a retry with other words starts a job of its own, as does one of what has failed", async () => {
    const count = countWork(server);
    const words = "an otter sandbox:refuse";
    for (const retry of ["1", "2"]) {
      assertEquals(await send(server, retry, { words }), "model_refused");
    }
    assertEquals(count.jobs, 2);
  });
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

function retrying({ port }: CuttingProxy) {
  return { port, maxRetries: 2 };
}
