import { assert, assertEquals, assertMatch } from "@std/assert";
import { join } from "@std/path";
import { exchange } from "../http/_raw.ts";
import { openPlace } from "../support/place.ts";
import { startTestService, type TestService } from "../support/service.ts";
import { stepsOn } from "../support/test_server.ts";

const ID = "codex-00000000-0000-4000-8000-000000000000";

Deno.test("the file of an image", async (test) => {
  await using place = await openPlace();
  await using server = await startTestService({}, place);
  const made = await server.generate({ prompt: "a fox", count: 2 });
  const { data: [image, other] } = await made.json();
  const step = stepsOn(server, test);

  await step(
    "an image comes with its type, its name and a strong ETag",
    async () => {
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
    },
  );

  await step("an image that is not converted is its own original", async () => {
    const response = await fetch(`${image.url}?variant=original`);
    await response.body?.cancel();
    assertEquals(response.status, 200);
    assertEquals(response.headers.get("etag"), `"${image.sha256}"`);
  });

  await step("a variant that there is not is 400", async () => {
    for (const variant of ["big", "", "constructor", "__proto__"]) {
      const response = await fetch(`${image.url}?variant=${variant}`);
      const { error } = await response.json();
      assertEquals([response.status, error.code], [400, "unknown_parameter"]);
      assertEquals(error.param, "variant");
    }
  });

  await step("a path around the id is no way to a file", async () => {
    for (
      const path of [
        `/v1/images/../images/${image.id}/file/..`,
        `/v1/images//${image.id}/file`,
        `/v1/images/${image.id}/file/`,
        `/v1/images/${image.id}/File`,
        `/v1/images/./${image.id}/../../../etc/passwd`,
      ]
    ) {
      assertMatch(await get(server, path), /^HTTP\/1\.1 404 /, path);
    }
  });

  // HEAD, If-None-Match and Range are honoured.
  const { url, bytes: size, sha256 } = image;
  const whole = await Deno.readFile(image.path);
  const ask = async (headers: HeadersInit, method = "GET") => {
    const response = await fetch(url, { headers, method });
    return { response, body: new Uint8Array(await response.arrayBuffer()) };
  };
  await step("HEAD has the headers of GET and no body", async () => {
    const { response, body } = await ask({}, "HEAD");
    assertEquals([response.status, body.length], [200, 0]);
    assertEquals(response.headers.get("content-length"), `${size}`);
    assertEquals(response.headers.get("etag"), `"${sha256}"`);
  });
  await step("the ETag makes it 304", async () => {
    const { response, body } = await ask({ "if-none-match": `"${sha256}"` });
    assertEquals([response.status, body.length], [304, 0]);
    assertEquals(response.headers.get("etag"), `"${sha256}"`);
  });
  await step("another ETag makes it 200", async () => {
    const { response, body } = await ask({ "if-none-match": '"other"' });
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
    await step(`${range.replace(/\d{4,}/g, "…")} is 206`, async () => {
      const { response, body } = await ask({ range });
      assertEquals(response.status, 206);
      assertEquals(
        response.headers.get("content-range"),
        `bytes ${first}-${last}/${size}`,
      );
      assertEquals(body, whole.subarray(first, last + 1));
    });
  }
  await step("a range behind the end is 416", async () => {
    const { response, body } = await ask({ range: `bytes=${size}-` });
    assertEquals(response.status, 416);
    const { error } = JSON.parse(new TextDecoder().decode(body));
    assertEquals(error.param, "Range");
    assertEquals(response.headers.get("content-range"), `bytes */${size}`);
  });

  // An id that is none is 404 and nothing is served.
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
    await step(
      `no image is ${id.slice(0, 60).replaceAll(uuid, "…")}`,
      async () => {
        const answer = await get(server, `/v1/images/${id}/file`);
        assertMatch(answer, /^HTTP\/1\.1 404 /);
        assertMatch(answer, /"code":"not_found"/);
        assert(answer.length < 1_000, `${answer.length}`);
      },
    );
  }

  await step(
    "a file that was put in the place of an image is not served",
    async () => {
      await Deno.remove(other.path);
      await Deno.symlink("/etc/passwd", other.path);
      const link = await fetch(other.url);
      await link.body?.cancel();
      await Deno.remove(other.path);
      await Deno.writeTextFile(other.path, "half of i");
      const half = await fetch(other.url);
      await half.body?.cancel();
      assertEquals([link.status, half.status], [404, 404]);
    },
  );

  await step("images are found after a restart", async () => {
    await server[Symbol.asyncDispose]();
    await using second = await startTestService({}, place);
    const response = await fetch(`${second.url}/v1/images/${image.id}/file`);
    const { byteLength } = await response.arrayBuffer();
    assertEquals([response.status, byteLength], [200, image.bytes]);
    assertEquals(response.headers.get("etag"), `"${image.sha256}"`);
  });
});

/** Gets a path that `fetch` would tidy up first. */
function get(server: TestService, path: string): Promise<string> {
  return exchange(
    server.port,
    `GET ${path} HTTP/1.1\r\nHost: 127.0.0.1:${server.port}\r\nConnection: close\r\n\r\n`,
  );
}
