import {
  assert,
  assertEquals,
  assertMatch,
  assertNotEquals,
} from "@std/assert";
import { Links, type LinksOptions } from "../../src/routes/links.ts";
import { exchange } from "../http/_raw.ts";
import { setClock } from "../support/clock.ts";
import { startTestService, type TestService } from "../support/service.ts";

const BASE = "http://pictures.test:17341";
const ID = "codex-00000000-0000-4000-8000-000000000000";
const OTHER_ID = ID.replace(/0$/, "1");
const KEY = "s3cret-key";
const OPTIONS: LinksOptions = {
  apiKey: KEY,
  linkTtlMs: 60_000,
  publicDir: undefined,
  publicUrl: undefined,
  secret: "one",
};

Deno.test("Links.for() writes URLs at the Host of the request", () => {
  for (const host of ["a.test", "127.0.0.1:9", "[::1]:17341", "a.test.:80"]) {
    const link = linkOf({ apiKey: undefined }, { host });
    assertEquals(link, new URL(`http://${host}/v1/images/${ID}/file`).href);
  }
});

Deno.test("Links.for() puts PUBLIC_URL before the Host", () => {
  const publicUrl = "https://pictures.example";
  const link = linkOf({ apiKey: undefined, publicUrl });
  assertEquals(link, `${publicUrl}/v1/images/${ID}/file`);
});

Deno.test("Links.for() signs for web pages where there is no key", () => {
  const links = new Links({ ...OPTIONS, apiKey: undefined });
  const request = new Request(BASE, {
    headers: { host: "a.test", origin: "null" },
  });
  assert(links.isSigned(new Request(links.for(request)(ID))));
});

Deno.test("Links.for() writes the same URL again for a while", () => {
  assertEquals(linkOf({ linkTtlMs: 1e9 }), linkOf({ linkTtlMs: 1e9 }));
});

Deno.test("Links.isSigned() knows the file of the image and all its variants", () => {
  const url = new URL(linkOf());
  for (const end of ["", ".png", ".jpg", ".webp"]) {
    url.pathname = `/v1/images/${ID}/file${end}`;
    assert(isSigned(url.href), url.href);
  }
  url.searchParams.set("variant", "original");
  assert(isSigned(url.href));
  assert(isSigned(url.href, {}, "HEAD"));
});

Deno.test("Links.isSigned() knows no other image, route, method, time, server or signature", () => {
  const url = linkOf();
  const { searchParams } = new URL(url);
  const expires = searchParams.get("expires") ?? "";
  const signature = searchParams.get("signature") ?? "";
  for (
    const wrong of [
      url.replace(ID, OTHER_ID),
      url.replace("/file?", "?"),
      url.replace(`/${ID}/file?`, "?"),
      url.replace("/file?", "/file/x?"),
      url.replace("/v1/", "//v1/"),
      url.replace(expires, `${Number(expires) + 1}`),
      url.replace(expires, `0${expires}`),
      url.replace(expires, "Infinity"),
      url.replace(/expires=\d+&/, ""),
      url.replace(signature, ""),
      url.replace(signature, signature.slice(0, -1)),
      url.replace(signature, `${signature}A`),
      url.replace(signature, "ü".repeat(signature.length)),
      url.replace(signature, signature.toLowerCase()),
    ]
  ) {
    assertNotEquals(wrong, url);
    assertEquals(isSigned(wrong), false, wrong);
  }
  for (const method of ["DELETE", "POST", "OPTIONS"]) {
    assertEquals(isSigned(url, {}, method), false, method);
  }
  assertEquals(isSigned(url, { secret: "two" }), false);
});

Deno.test("Links.isSigned() ends when the time is over", async () => {
  const url = linkOf({ linkTtlMs: 100 });
  assert(isSigned(url));
  await new Promise((resolve) => setTimeout(resolve, 130));
  assertEquals(isSigned(url), false);
});

for (const days of [-1, 1]) {
  Deno.test(`Links.isSigned() knows no URL that was signed while the clock was set by ${days} days`, () => {
    using clock = setClock(days * 86_400_000);
    const url = linkOf();
    assert(isSigned(url));
    clock[Symbol.dispose]();
    assertEquals(isSigned(url), false);
  });
}

Deno.test("every answer of a server with a key has URLs that open without it, and nothing else", async (test) => {
  await using server = await startTestService({
    API_KEY: KEY,
    ALLOWED_HOSTS: "pictures.test",
  });
  const made = await (await call(server, "/v1/images/generate", {
    prompt: "a fox",
  })).json();
  const [image] = made.data;
  await test.step("the answer, and a file with an ending", async () => {
    assertEquals(made.url, image.url);
    assertEquals(await open(image.url), `200 ${image.bytes}`);
    const named = image.url.replace("/file?", "/file.png?");
    assertEquals(await open(named), `200 ${image.bytes}`);
    assertMatch(await open(`${image.url}&variant=thumbnail`), /^200 /);
  });
  await test.step("a stored image and the list of them", async () => {
    const { data } = await (await call(server, "/v1/images")).json();
    const shown = await (await call(server, `/v1/images/${image.id}`)).json();
    for (const { thumbnail_url, url } of [data[0], shown]) {
      assertEquals(await open(url), `200 ${image.bytes}`);
      assertMatch(await open(thumbnail_url), /^200 /);
    }
  });
  await test.step("a job, the list of jobs and its events", async () => {
    const path = `/v1/jobs/${made.id}`;
    const job = await (await call(server, path)).json();
    const jobs = await (await call(server, "/v1/jobs")).json();
    const text = await (await call(server, `${path}/events`)).text();
    const events = text.matchAll(/^data: ?(.+)$/gm)
      .map(([, data]) => JSON.parse(data))
      .filter(({ url }) => url !== undefined).toArray();
    assertEquals(events.length, 2);
    for (const { url } of [job.answer, jobs.data[0].answer, ...events]) {
      assertEquals(await open(url), `200 ${image.bytes}`);
    }
  });
  await test.step("OpenAI's answer, whose path ends like a file", async () => {
    const { data } = await (await call(server, "/v1/images/generations", {
      prompt: "an owl",
      response_format: "url",
      output_format: "jpeg",
    })).json();
    assertMatch(new URL(data[0].url).pathname, /\/file\.jpg$/);
    assertMatch(await open(data[0].url), /^200 /);
  });
  await test.step("none without its signature", async () => {
    const { origin, pathname, search } = new URL(image.url);
    assertMatch(await open(origin + pathname), /^401 /);
    assertMatch(
      await open(`${origin}/v1/images/${image.id}${search}`),
      /^401 /,
    );
    assertMatch(await open(`${origin}/v1/images${search}`), /^401 /);
  });
  await test.step("one for another Host names that", async () => {
    const head = `GET /v1/images/${image.id} HTTP/1.1\r\nHost: pictures.test`;
    const answer = await exchange(
      server.port,
      `${head}\r\nX-API-Key: ${KEY}\r\nConnection: close\r\n\r\n`,
    );
    assertMatch(answer, /"url":"http:\/\/pictures\.test\/v1\/images\/codex-/);
  });
});

function linkOf(
  options: Partial<LinksOptions> = {},
  headers: HeadersInit = { host: new URL(BASE).host },
): string {
  const request = new Request(BASE, { headers });
  return new Links({ ...OPTIONS, ...options }).for(request)(ID);
}

function isSigned(
  url: string,
  options: Partial<LinksOptions> = {},
  method = "GET",
): boolean {
  return new Links({ ...OPTIONS, ...options })
    .isSigned(new Request(url, { method }));
}

function call(
  server: TestService,
  path: string,
  body?: unknown,
): Promise<Response> {
  return fetch(server.url + path, {
    method: body === undefined ? "GET" : "POST",
    headers: { "x-api-key": KEY, "content-type": "application/json" },
    body: body === undefined ? undefined : JSON.stringify(body),
  });
}

/** Opens a URL as somebody without the key, and tells status and bytes. */
async function open(url: string): Promise<string> {
  const response = await fetch(url);
  return `${response.status} ${(await response.bytes()).length}`;
}
