import { assert, assertEquals } from "@std/assert";
import { join } from "@std/path";
import { ImageStore } from "../../src/images/store.ts";
import { newImage } from "../images/new_images.ts";
import { encode, picture } from "../images/samples.ts";
import { openPlace } from "../support/place.ts";
import { spawnServer } from "../support/server_process.ts";
import { startTestService } from "../support/service.ts";
import { until } from "../support/until.ts";
import { filesIn, newId } from "./shelf.ts";

Deno.test("A generated image is in the library until it is deleted", async () => {
  await using server = await startTestService();
  const made = await (await server.generate({ prompt: "a fox" })).json();
  const [image] = made.data;
  const { data } = await getJson(`${server.url}/v1/images?job=${made.id}`);
  assertEquals(data.length, 1);
  for (const name of ["id", "url", "path", "sha256", "variation"]) {
    assertEquals(data[0][name], image[name], name);
  }
  assertEquals([data[0].prompt, data[0].revised_prompt], [null, null]);
  const thumbnail = await fetch(String(data[0].thumbnail_url));
  await thumbnail.body?.cancel();
  assertEquals(thumbnail.headers.get("content-type"), "image/webp");
  const address = `${server.url}/v1/images/${image.id}`;
  const statuses: number[] = [];
  for (const method of ["HEAD", "DELETE", "GET", "OPTIONS"]) {
    const response = await fetch(address, { method });
    await response.body?.cancel();
    statuses.push(response.status);
  }
  assertEquals(statuses, [200, 204, 404, 204]);
  assertEquals(filesIn(server.config.outputDir), []);
});

Deno.test("A GET of the path that generates is a wrong method, not an image", async () => {
  await using server = await startTestService();
  const response = await fetch(`${server.url}/v1/images/generate`);
  await response.body?.cancel();
  assertEquals(response.status, 405);
  assertEquals(response.headers.get("allow"), "OPTIONS, POST");
});

Deno.test("The settings of the library take effect, with the permissions of the start task", async () => {
  await using place = await openPlace();
  const store = await ImageStore.open({
    directory: place.outputDir,
    instance: "test",
    storePrompts: true,
  });
  const bytes = await encode(picture().png());
  const ids: string[] = [];
  for (const [day, prompt] of ["red fox", "red wolf", "red lynx"].entries()) {
    const created_at = `2026-01-0${day + 1}T00:00:00Z`;
    const image = newImage("", {
      id: newId(),
      metadata: { created_at, prompt },
    });
    ids.push((await store.save({ ...image, bytes })).sidecar.id);
  }
  const settings = { STORE_PROMPTS: "1", RETENTION_MAX_COUNT: "2" };
  await using server = await spawnServer(settings, place);
  await until(() => server.logLines("library.retention").length > 0);
  const { data } = await getJson(`${server.url}/v1/images?q=red`);
  const told = data.map(({ id, prompt }) => [id, prompt]);
  assertEquals(told, [[ids[2], "red lynx"], [ids[1], "red wolf"]]);
  const thumbnail = await fetch(String(data[0].thumbnail_url));
  assert((await thumbnail.bytes()).length > 0);
  assertEquals(filesIn(join(place.dataDir, "thumbnails")), [`${ids[2]}.webp`]);
  assert(filesIn(place.dataDir).includes("library.sqlite"));
});

async function getJson(
  url: string,
): Promise<{ readonly data: readonly Readonly<Record<string, unknown>>[] }> {
  return await (await fetch(url)).json();
}
