import { assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import { readConfig } from "../../src/config.ts";
import { toApiError } from "../../src/errors.ts";
import { errorResponse } from "../../src/http/error_response.ts";
import { createRouter } from "../../src/http/router.ts";
import type { LibraryOptions } from "../../src/library/library.ts";
import { IMAGE_ROUTES } from "../../src/routes/images.ts";
import { Links } from "../../src/routes/links.ts";
import { newImage } from "../images/new_images.ts";
import { encode, picture } from "../images/samples.ts";
import { newId, Shelf } from "../library/shelf.ts";

const BASE = "http://127.0.0.1:17341";

Deno.test("GET /v1/images lists images page by page, newest first", async () => {
  await using site = await openSite();
  const ids = await site.shelf.saveMany(3);
  const first = await site.list("limit=2");
  assertEquals(first.object, "list");
  assertEquals(first.data.map(({ id }) => id), [ids[2], ids[1]]);
  assertEquals(first.indexing, false);
  const rest = await site.list(`limit=2&cursor=${first.next_cursor}`);
  assertEquals(rest.data.map(({ id }) => id), [ids[0]]);
  assertEquals(rest.next_cursor, null);
});

Deno.test("GET /v1/images lists the images of a job", async () => {
  await using site = await openSite();
  const { sidecar } = await site.shelf.save("x", { generation_id: "gen_7" });
  await site.shelf.saveMany(2);
  const { data } = await site.list("job=gen_7");
  assertEquals(data.map(({ id }) => id), [sidecar.id]);
  assertEquals((await site.list("job=gen_8")).data, []);
});

Deno.test("GET /v1/images finds images by the words of their prompts", async () => {
  await using site = await openSite({ storePrompts: true });
  const { sidecar } = await site.shelf.save("x", { prompt: "A red fox" });
  await site.shelf.save("x", { prompt: "A grey wolf" });
  const { data } = await site.list("q=foxes+red");
  assertEquals(data.map(({ id }) => id), [sidecar.id]);
  assertEquals(data[0].prompt, "A red fox");
});

Deno.test("GET /v1/images refuses a parameter that it cannot use", async () => {
  await using site = await openSite();
  for (const query of ["limit=0", "cursor=!", "page=2", "q=fox"]) {
    const response = await site.ask(`/v1/images?${query}`);
    const { error } = await response.json();
    assertEquals([response.status, error.code], [400, "unknown_parameter"]);
    assertEquals(error.param, query.split("=")[0]);
  }
});

Deno.test("GET /v1/images says that images may be missing while they are being read", async () => {
  await using shelf = await Shelf.open();
  await shelf.saveMany(1);
  await using site = await openSite({ shelf, ready: false });
  assertEquals((await site.list()).indexing, true);
});

Deno.test("GET /v1/images/:id tells all that is known of an image", async () => {
  await using site = await openSite({ publicDir: "/host" });
  const id = newId();
  const image = newImage("new", { id, original: "before" });
  const { sidecar } = await site.shelf.store.save(image);
  const { label, model, quality, references, resize } = image.metadata;
  const url = `${BASE}/v1/images/${id}/file`;
  assertEquals(await site.show(id), {
    id,
    generation_id: "gen_1",
    created_at: "2026-01-02T03:04:05.678Z",
    label,
    model,
    mime_type: "image/webp",
    path: `/host/${id}.webp`,
    url,
    thumbnail_url: `${url}?variant=thumbnail`,
    requested_size: "auto",
    resolved_size: "1024x1536",
    native_size: "1024x1536",
    resize,
    width: 1024,
    height: 1536,
    quality,
    prompt: null,
    revised_prompt: null,
    sha256: sidecar.sha256,
    bytes: 3,
    transparent: false,
    variation: "plain",
    duration_ms: 12_345.6,
    request: null,
    codex_version: "0.171.0",
    references,
    original: {
      mime_type: "image/png",
      sha256: sidecar.original?.sha256,
      bytes: 6,
      url: `${url}?variant=original`,
    },
  });
});

Deno.test("GET /v1/images/:id shows prompts only where they are stored", async () => {
  const words = { prompt: "a fox", revised_prompt: "a red fox" };
  for (const storePrompts of [true, false]) {
    await using site = await openSite({ storePrompts });
    const { sidecar } = await site.shelf.save("x", words);
    const shown = await site.show(sidecar.id);
    assertEquals(
      { prompt: shown.prompt, revised_prompt: shown.revised_prompt },
      storePrompts ? words : { prompt: null, revised_prompt: null },
    );
    const { data } = await site.list();
    assertEquals(data, [shown]);
  }
});

Deno.test("GET /v1/images/:id has no original of an image that was not converted", async () => {
  await using site = await openSite();
  const [id] = await site.shelf.saveMany(1);
  assertEquals((await site.show(id)).original, null);
});

Deno.test("The routes of one image know no others", async () => {
  await using site = await openSite();
  const id = newId();
  for (
    const [method, path] of [
      ["GET", `/v1/images/${id}`],
      ["DELETE", `/v1/images/${id}`],
      ["GET", `/v1/images/${id}/file`],
      ["GET", `/v1/images/${id}/file?variant=thumbnail`],
      ["GET", `/v1/images/${id}%2f..%2fnotes`],
    ]
  ) {
    const response = await site.ask(path, { method });
    const { error } = await response.json();
    assertEquals([response.status, error.code], [404, "not_found"], path);
    assertStringIncludes(error.message, `Cannot find image "${id}`);
  }
});

Deno.test("DELETE /v1/images/:id removes an image, once", async () => {
  await using site = await openSite();
  const [kept, id] = await site.shelf.saveMany(2);
  const path = `/v1/images/${id}`;
  const response = await site.ask(path, { method: "DELETE" });
  assertEquals([response.status, await response.text()], [204, ""]);
  for (const method of ["DELETE", "GET"]) {
    const again = await site.ask(path, { method });
    await again.body?.cancel();
    assertEquals(again.status, 404);
  }
  const { data } = await site.list();
  assertEquals(data.map(({ id }) => id), [kept]);
  assertEquals(await site.shelf.store.ids(), new Set([kept]));
});

Deno.test("DELETE /v1/images/:id lets a download that has begun finish", async () => {
  await using site = await openSite();
  const bytes = new Uint8Array(20_000_000).fill(7);
  const id = newId();
  await site.shelf.store.save({ ...newImage("", { id }), bytes });
  await using server = Deno.serve(
    { hostname: "127.0.0.1", port: 0, onListen: () => {} },
    site.answer,
  );
  const address = `http://127.0.0.1:${server.addr.port}/v1/images/${id}`;
  const download = await fetch(`${address}/file`);
  const reader = download.body!.getReader();
  let length = (await reader.read()).value?.length ?? 0;
  const removed = await fetch(address, { method: "DELETE" });
  assertEquals(removed.status, 204);
  for (let part = await reader.read(); !part.done; part = await reader.read()) {
    length += part.value.length;
  }
  assertEquals(length, bytes.length);
});

Deno.test("GET /v1/images/:id/file?variant=thumbnail sends a small WebP with a strong ETag", async () => {
  await using site = await openSite();
  const id = await savePicture(site.shelf);
  const path = `/v1/images/${id}/file?variant=thumbnail`;
  const response = await site.ask(path);
  const bytes = await response.bytes();
  assertEquals(response.headers.get("content-type"), "image/webp");
  assertEquals(response.headers.get("content-length"), `${bytes.length}`);
  assertEquals(
    response.headers.get("content-disposition"),
    `inline; filename="${id}.thumbnail.webp"`,
  );
  const etag = response.headers.get("etag") ?? "";
  assertMatch(etag, /^"[0-9a-f]{64}-[0-9]+-[0-9]+"$/);
  const headers = { "if-none-match": etag };
  const again = await site.ask(path, { headers });
  assertEquals([again.status, again.body], [304, null]);
});

Deno.test("GET /v1/images/:id/file sends each variant with an ETag of its own", async () => {
  await using site = await openSite();
  const id = await savePicture(site.shelf);
  const etags = new Set<string | null>();
  for (const variant of ["delivered", "original", "thumbnail"]) {
    const response = await site.ask(
      `/v1/images/${id}/file?variant=${variant}`,
      { method: "HEAD" },
    );
    assertEquals(response.status, 200);
    etags.add(response.headers.get("etag"));
  }
  // A picture that was not converted is its own original.
  assertEquals(etags.size, 2);
});

Deno.test("GET /v1/images/:id/file refuses an unknown variant", async () => {
  await using site = await openSite();
  const [id] = await site.shelf.saveMany(1);
  const response = await site.ask(`/v1/images/${id}/file?variant=small`);
  const { error } = await response.json();
  assertEquals([response.status, error.param], [400, "variant"]);
  assertEquals(
    error.message,
    'Cannot use variant "small": expected one of "delivered", "original", "thumbnail"',
  );
});

/** What a test site is made with. */
interface SiteOptions extends Partial<LibraryOptions> {
  readonly publicDir?: string;
  /** False: the library does not know the images that are there. */
  readonly ready?: boolean;
  /** Images to use and to leave. */
  readonly shelf?: Shelf;
}

/** What is told of an image. */
type Told = Readonly<Record<string, unknown>>;

/** Opens the routes of images. */
async function openSite(options: SiteOptions = {}) {
  const { storePrompts = false, publicDir, ready = true } = options;
  await using parts = new AsyncDisposableStack();
  const shelf = options.shelf ?? parts.use(await Shelf.open({ storePrompts }));
  const library = parts.use(
    ready
      ? await shelf.openLibrary({ ...options, storePrompts })
      : await shelf.startLibrary(options),
  );
  const { store } = shelf;
  const { config } = readConfig({
    CODEX_IMAGE_SERVER_STORE_PROMPTS: storePrompts ? "1" : "0",
  }, "/");
  const links = new Links({ ...config, publicDir, secret: "of a test" });
  const service = { config, library, links, store };
  const route = createRouter(IMAGE_ROUTES);
  const answer = async (request: Request): Promise<Response> => {
    try {
      return await route(request, { requestId: "test", service });
    } catch (error) {
      return errorResponse(toApiError(error), "test");
    }
  };
  const ask = (path: string, init?: RequestInit) => {
    const request = new Request(BASE + path, init);
    request.headers.set("host", new URL(BASE).host);
    return answer(request);
  };
  const readJson = async (path: string) => await (await ask(path)).json();
  const held = parts.move();
  return {
    shelf,
    answer,
    ask,
    list: (query = ""): Promise<Told & { readonly data: readonly Told[] }> =>
      readJson(`/v1/images?${query}`),
    show: (id: string): Promise<Told> => readJson(`/v1/images/${id}`),
    [Symbol.asyncDispose]: () => held.disposeAsync(),
  };
}

async function savePicture({ store }: Shelf): Promise<string> {
  const id = newId();
  const bytes = await encode(picture({ width: 600 }).png());
  await store.save({ ...newImage("", { id }), bytes });
  return id;
}
