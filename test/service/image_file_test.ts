import { assert, assertEquals, assertMatch } from "@std/assert";
import { join } from "@std/path";
import { exchange } from "../http/_raw.ts";
import { openPlace } from "../support/place.ts";
import { startTestService, type TestService } from "../support/service.ts";

const ID = "codex-00000000-0000-4000-8000-000000000000";

Deno.test("an image comes with its type, its name and a strong ETag", async () => {
  await using server = await startTestService();
  const { data: [image] } = await (await server.generate({ prompt: "a fox" }))
    .json();
  const response = await fetch(image.url);
  const bytes = new Uint8Array(await response.arrayBuffer());
  assertEquals(response.status, 200);
  assertEquals(bytes.length, image.bytes);
  const { headers } = response;
  assertEquals(headers.get("content-type"), "image/png");
  assertEquals(headers.get("content-length"), `${image.bytes}`);
  assertEquals(headers.get("x-content-type-options"), "nosniff");
  assertEquals(
    headers.get("content-disposition"),
    `inline; filename="${image.id}.png"`,
  );
  assertEquals(headers.get("etag"), `"${image.sha256}"`);
  assertMatch(headers.get("x-request-id") ?? "", /^req_/);
});

Deno.test("HEAD, If-None-Match and Range are honoured", async (test) => {
  await using server = await startTestService();
  const { data: [image] } = await (await server.generate({ prompt: "a fox" }))
    .json();
  const { url, bytes: size, sha256 } = image;
  const whole = await Deno.readFile(image.path);
  const get = async (headers: HeadersInit, method = "GET") => {
    const response = await fetch(url, { headers, method });
    return { response, body: new Uint8Array(await response.arrayBuffer()) };
  };
  await test.step("HEAD has the headers of GET and no body", async () => {
    const { response, body } = await get({}, "HEAD");
    assertEquals([response.status, body.length], [200, 0]);
    assertEquals(response.headers.get("content-length"), `${size}`);
    assertEquals(response.headers.get("etag"), `"${sha256}"`);
  });
  await test.step("the ETag makes it 304", async () => {
    const { response, body } = await get({ "if-none-match": `"${sha256}"` });
    assertEquals([response.status, body.length], [304, 0]);
    assertEquals(response.headers.get("etag"), `"${sha256}"`);
  });
  await test.step("another ETag makes it 200", async () => {
    const { response, body } = await get({ "if-none-match": '"other"' });
    assertEquals(response.status, 200);
    assertEquals(body, whole);
  });
  for (
    const [range, first, last] of [
      ["bytes=0-0", 0, 0],
      ["bytes=10-19", 10, 19],
      [`bytes=${size - 5}-`, size - 5, size - 1],
      ["bytes=-7", size - 7, size - 1],
      [`bytes=5-${size + 100}`, 5, size - 1],
    ] as const
  ) {
    await test.step(`${range.replace(/\d{4,}/g, "…")} is 206`, async () => {
      const { response, body } = await get({ range });
      assertEquals(response.status, 206);
      assertEquals(
        response.headers.get("content-range"),
        `bytes ${first}-${last}/${size}`,
      );
      assertEquals(body, whole.subarray(first, last + 1));
    });
  }
  await test.step("a range behind the end is 416", async () => {
    const { response, body } = await get({ range: `bytes=${size}-` });
    assertEquals(response.status, 416);
    const { error } = JSON.parse(new TextDecoder().decode(body));
    assertEquals(error.param, "Range");
    assertEquals(response.headers.get("content-range"), `bytes */${size}`);
  });
});

Deno.test("images are found after a restart", async () => {
  await using place = await openPlace();
  let image: { id: string; sha256: string; bytes: number };
  {
    await using server = await startTestService({}, place);
    const answer = await server.generate({ prompt: "a fox" });
    [image] = (await answer.json()).data;
  }
  await using server = await startTestService({}, place);
  const response = await fetch(`${server.url}/v1/images/${image.id}/file`);
  const { byteLength } = await response.arrayBuffer();
  assertEquals([response.status, byteLength], [200, image.bytes]);
  assertEquals(response.headers.get("etag"), `"${image.sha256}"`);
});

Deno.test("an image that is not converted is its own original", async () => {
  await using server = await startTestService();
  const { data: [image] } = await (await server.generate({ prompt: "a fox" }))
    .json();
  const response = await fetch(`${image.url}?variant=original`);
  await response.body?.cancel();
  assertEquals(response.status, 200);
  assertEquals(response.headers.get("etag"), `"${image.sha256}"`);
});

Deno.test("a variant that there is not is 400", async () => {
  await using server = await startTestService();
  const { data: [image] } = await (await server.generate({ prompt: "a fox" }))
    .json();
  for (const variant of ["big", "", "constructor", "__proto__"]) {
    const response = await fetch(`${image.url}?variant=${variant}`);
    const { error } = await response.json();
    assertEquals([response.status, error.code], [400, "unknown_parameter"]);
    assertEquals(error.param, "variant");
  }
});

Deno.test("an id that is none is 404 and nothing is served", async (test) => {
  await using server = await startTestService();
  const { data: [image] } = await (await server.generate({
    prompt: "a fox",
    count: 2,
  })).json();
  await Deno.writeTextFile(join(server.place.outputDir, "secret.png"), "s");
  const uuid = image.id.slice("codex-".length, -"-1".length);
  const ids = [
    ID,
    `codex-${uuid}`,
    `codex-${uuid}-0`,
    `codex-${uuid}-3`,
    `codex-${uuid}-5`,
    `codex-${uuid}-01`,
    `codex-${uuid}-1-1`,
    `codex-${uuid}-1.png`,
    `codex-${uuid}-1%2Epng`,
    `codex-${uuid}-1%00`,
    `codex-${uuid}-1%00.png`,
    `codex-${uuid}-1%20`,
    `codex-${uuid}-%31`,
    `codex-${uuid.toUpperCase()}-1`,
    `CODEX-${uuid}-1`,
    `codex-${uuid.replaceAll("-", "")}-1`,
    `codex%2D${uuid}-1`,
    `..%2Foutput%2F${image.id}`,
    `..%2F..%2Fetc%2Fpasswd`,
    `..%252F..%252Fetc%252Fpasswd`,
    `..%5C..%5Cetc`,
    `%2e%2e%2f${image.id}`,
    `.%2F${image.id}`,
    "secret",
    "secret.png",
    "%",
    "%zz",
    "a".repeat(8_000),
  ];
  for (const id of ids) {
    await test.step(id.slice(0, 60).replaceAll(uuid, "…"), async () => {
      const answer = await get(server, `/v1/images/${id}/file`);
      assertMatch(answer, /^HTTP\/1\.1 404 /);
      assertMatch(answer, /"code":"not_found"/);
      assert(answer.length < 1_000, `${answer.length}`);
    });
  }
});

Deno.test("a path around the id is no way to a file", async () => {
  await using server = await startTestService();
  const { data: [{ id }] } = await (await server.generate({ prompt: "a fox" }))
    .json();
  for (
    const path of [
      `/v1/images/../images/${id}/file/..`,
      `/v1/images//${id}/file`,
      `/v1/images/${id}/file/`,
      `/v1/images/${id}/File`,
      `/v1/images/./${id}/../../../etc/passwd`,
    ]
  ) {
    assertMatch(await get(server, path), /^HTTP\/1\.1 404 /, path);
  }
});

Deno.test("a file that was put in the place of an image is not served", async () => {
  await using server = await startTestService();
  const { data: [image] } = await (await server.generate({ prompt: "a fox" }))
    .json();
  await Deno.remove(image.path);
  await Deno.symlink("/etc/passwd", image.path);
  const link = await fetch(image.url);
  await link.body?.cancel();
  await Deno.remove(image.path);
  await Deno.writeTextFile(image.path, "half of i");
  const half = await fetch(image.url);
  await half.body?.cancel();
  assertEquals([link.status, half.status], [404, 404]);
});

/** Gets a path that `fetch` would tidy up first. */
function get(server: TestService, path: string): Promise<string> {
  return exchange(
    server.port,
    `GET ${path} HTTP/1.1\r\nHost: 127.0.0.1:${server.port}\r\nConnection: close\r\n\r\n`,
  );
}
