import { assertEquals } from "@std/assert";
import { join } from "@std/path";
import {
  type ImageMetadata,
  layOutImage,
  type Sidecar,
} from "../../src/images/sidecar.ts";
import { ImageIndex, toSearchQuery } from "../../src/library/index.ts";
import { newImage } from "../images/new_images.ts";
import { newId } from "./shelf.ts";

Deno.test("ImageIndex.list() lists the newest first, in whatever order they came", async () => {
  using place = tempPlace();
  using index = place.open();
  const early = await sidecar({ created_at: "2026-01-01T00:00:00Z" });
  const middle = await sidecar({ created_at: "2026-01-01T00:00:00.001Z" });
  const late = await sidecar({ created_at: "2026-02-01T00:00:00Z" });
  index.add([middle, late, early]);
  assertEquals(ids(index), [late.id, middle.id, early.id]);
});

Deno.test("ImageIndex.list() lists the last that came first where the time is the same", async () => {
  using place = tempPlace();
  using index = place.open();
  const [first, second] = [await sidecar(), await sidecar()];
  index.add([first]);
  index.add([second]);
  assertEquals(ids(index), [second.id, first.id]);
});

Deno.test("ImageIndex.list() goes on before a place", async () => {
  using place = tempPlace();
  using index = place.open();
  const sidecars = await Promise.all(
    Array.from({ length: 5 }, () => sidecar()),
  );
  index.add(sidecars);
  const page = index.list({ limit: 2 });
  const rest = index.list({ limit: 9, before: page[1].sortKey });
  assertEquals(
    [...page, ...rest].map(({ id }) => id),
    sidecars.map(({ id }) => id).reverse(),
  );
});

Deno.test("ImageIndex.add() finds places for any number of images of the same millisecond", async () => {
  using place = tempPlace();
  using index = place.open();
  const one = await sidecar();
  const sidecars = Array.from(
    { length: 2_500 },
    () => ({ ...one, id: newId() }),
  );
  assertEquals(index.add(sidecars), 2_500);
  assertEquals(ids(index), sidecars.map(({ id }) => id).reverse());
});

Deno.test("ImageIndex.add() passes over an image that is in it", async () => {
  using place = tempPlace();
  using index = place.open();
  const image = await sidecar();
  assertEquals(index.add([image, image]), 1);
  assertEquals(index.add([image]), 0);
  assertEquals(ids(index), [image.id]);
});

Deno.test("ImageIndex.totals count images and the bytes of their files", async () => {
  using place = tempPlace();
  using index = place.open();
  const converted = await layOutImage(
    newImage("four", { id: newId(), original: "longer" }),
    { keepPrompts: false },
  );
  const plain = await sidecar();
  index.add([converted.sidecar, plain]);
  assertEquals(index.totals, { images: 2, bytes: 4 + 6 + 3 });
  assertEquals(index.remove(converted.sidecar.id), true);
  assertEquals(index.totals, { images: 1, bytes: 3 });
});

Deno.test("ImageIndex.remove() removes an image once", async () => {
  using place = tempPlace();
  using index = place.open();
  const image = await sidecar();
  index.add([image]);
  assertEquals([index.remove(image.id), index.remove(image.id)], [true, false]);
  assertEquals([index.has(image.id), ids(index)], [false, []]);
  assertEquals(index.totals, { images: 0, bytes: 0 });
});

Deno.test("ImageIndex.oldest() is the one with the lowest place", async () => {
  using place = tempPlace();
  using index = place.open();
  assertEquals(index.oldest(), undefined);
  const early = await sidecar({ created_at: "2020-01-01T00:00:00Z" });
  index.add([await sidecar(), early]);
  assertEquals(index.oldest()?.id, early.id);
});

Deno.test("ImageIndex.list() lists the images of a job", async () => {
  using place = tempPlace();
  using index = place.open();
  const a = await sidecar({ generation_id: "gen_a" });
  const b = await sidecar({ generation_id: "gen_b" });
  const c = await sidecar({ generation_id: "gen_a" });
  index.add([a, b, c]);
  assertEquals(ids(index, { job: "gen_a" }), [c.id, a.id]);
  assertEquals(ids(index, { job: "gen" }), []);
});

const PROMPTS = {
  fox: "A red fox jumps over the café",
  foxes: "Two FOXES, painted in the snow",
  chinese: "一只红色的狐狸在雪地里",
};

const SEARCHES: Readonly<Record<string, (keyof typeof PROMPTS)[]>> = {
  "fox": ["foxes", "fox"],
  "Foxes": ["foxes", "fox"],
  "snow fox": ["foxes"],
  "paint": ["foxes"],
  "CAFE": ["fox"],
  "狐狸": ["chinese"],
  "狐 雪地": ["chinese"],
  "狸狐": [],
  "fo": [],
  "wolf": [],
  "fox OR wolf": [],
};

Deno.test("ImageIndex.list() finds images by the words of their prompts", async () => {
  using place = tempPlace();
  using index = place.open({ storePrompts: true });
  const names = new Map<string, string>();
  for (const [name, prompt] of Object.entries(PROMPTS)) {
    const image = await sidecar({ prompt });
    names.set(image.id, name);
    index.add([image]);
  }
  for (const [text, expected] of Object.entries(SEARCHES)) {
    const found = ids(index, { words: toSearchQuery(text) });
    assertEquals(found.map((id) => names.get(id)), expected, text);
  }
});

Deno.test("ImageIndex.list() finds images by what was made of their prompts", async () => {
  using place = tempPlace();
  using index = place.open({ storePrompts: true });
  const image = await sidecar({ prompt: "fox", revised_prompt: "in the snow" });
  index.add([image, await sidecar()]);
  assertEquals(ids(index, { words: '"fox" "snow"' }), [image.id]);
});

Deno.test("ImageIndex.list() takes words, job and place together", async () => {
  using place = tempPlace();
  using index = place.open({ storePrompts: true });
  const said = [["gen_a", "fox"], ["gen_a", "wolf"], ["gen_b", "fox"]];
  const [fox, ...others] = await Promise.all(
    [...said, ["gen_a", "fox"]].map(([generation_id, prompt]) =>
      sidecar({ generation_id, prompt })
    ),
  );
  index.add([fox, ...others]);
  const query = { words: '"fox"', job: "gen_a" };
  assertEquals(ids(index, query), [others[2].id, fox.id]);
  const [{ sortKey: before }] = index.list({ ...query, limit: 1 });
  assertEquals(ids(index, { ...query, before }), [fox.id]);
  const [{ sortKey: newest }] = index.list({ words: '"fox"', limit: 1 });
  assertEquals(ids(index, { words: '"fox"', before: newest }), [
    others[1].id,
    fox.id,
  ]);
});

Deno.test("ImageIndex.remove() forgets the words of an image", async () => {
  using place = tempPlace();
  using index = place.open({ storePrompts: true });
  const image = await sidecar({ prompt: "fox" });
  index.add([image]);
  index.remove(image.id);
  const other = await sidecar({ prompt: "wolf" });
  index.add([other]);
  assertEquals(ids(index, { words: '"fox"' }), []);
  assertEquals(ids(index, { words: '"wolf"' }), [other.id]);
});

Deno.test("ImageIndex keeps no words where prompts are not stored", async () => {
  using place = tempPlace();
  {
    using index = place.open();
    index.add([await sidecar({ prompt: "secretfox", revised_prompt: "den" })]);
    assertEquals(ids(index, { words: '"secretfox"' }), []);
  }
  const text = new TextDecoder("latin1").decode(Deno.readFileSync(place.path));
  assertEquals(text.includes("secretfox"), false);
});

Deno.test("ImageIndex keeps what is in it for the next start", async () => {
  using place = tempPlace();
  const image = await sidecar();
  place.fill([image]);
  using index = place.open();
  assertEquals(ids(index), [image.id]);
  assertEquals(index.totals, { images: 1, bytes: 3 });
});

Deno.test("ImageIndex begins anew where it is a question of another setting", async () => {
  using place = tempPlace();
  place.fill([await sidecar({ prompt: "fox" })]);
  using index = place.open({ storePrompts: true });
  assertEquals(ids(index), []);
  assertEquals(place.damages, 0);
});

Deno.test("ImageIndex begins anew where its file is no database", async () => {
  using place = tempPlace();
  for (const content of ["not a database ".repeat(1_000), "x"]) {
    Deno.writeTextFileSync(place.path, content);
    using index = place.open();
    const image = await sidecar();
    index.add([image]);
    assertEquals(ids(index), [image.id]);
  }
});

Deno.test("ImageIndex begins anew where its file is damaged inside, and says so", async () => {
  using place = tempPlace();
  const one = await sidecar({ prompt: "fox" });
  place.fill(Array.from({ length: 500 }, () => ({ ...one, id: newId() })));
  const file = Deno.readFileSync(place.path);
  // The first page tells what kind of file it is; all others get lost.
  file.fill(0xff, 4_096);
  Deno.writeFileSync(place.path, file);
  using index = place.open();
  index.add([one]);
  assertEquals(ids(index), [one.id]);
  assertEquals(ids(index, { job: one.generation_id }), [one.id]);
  assertEquals(index.totals.images, 1);
  assertEquals(place.damages, 1);
});

Deno.test("ImageIndex begins anew where damage shows only later", async () => {
  using place = tempPlace();
  const one = await sidecar({ prompt: "fox" });
  const options = { storePrompts: true };
  place.fill(
    Array.from({ length: 500 }, () => ({ ...one, id: newId() })),
    options,
  );
  const file = Deno.readFileSync(place.path);
  // The page where the words begin; to open and to list images takes none of them.
  file.fill(0xff, 4 * 4_096, 5 * 4_096);
  Deno.writeFileSync(place.path, file);
  using index = place.open(options);
  assertEquals(ids(index).length, 500);
  assertEquals(ids(index, { words: '"fox"' }), []);
  assertEquals(place.damages, 1);
  assertEquals(index.totals, { images: 0, bytes: 0 });
  index.add([one]);
  assertEquals(ids(index, { words: '"fox"' }), [one.id]);
});

function ids(index: ImageIndex, query: object = {}): string[] {
  return index.list({ limit: 10_000, ...query }).map(({ id }) => id);
}

/** Describes an image of three bytes, with an id of its own. */
async function sidecar(
  metadata: Partial<ImageMetadata> = {},
): Promise<Sidecar> {
  const image = newImage("abc", { id: newId(), metadata });
  return (await layOutImage(image, { keepPrompts: true })).sidecar;
}

/** Makes a directory for the file of an index. */
function tempPlace() {
  const directory = Deno.makeTempDirSync();
  const place = {
    path: join(directory, "index.sqlite"),
    /** How often an index said that its file was damaged. */
    damages: 0,
    open: ({ storePrompts = false } = {}) =>
      new ImageIndex({
        path: place.path,
        storePrompts,
        onDamage: () => place.damages++,
      }),
    fill: (
      sidecars: readonly Sidecar[],
      options?: { storePrompts: boolean },
    ) => {
      using index = place.open(options);
      index.add(sidecars);
    },
    [Symbol.dispose]: () => Deno.removeSync(directory, { recursive: true }),
  };
  return place;
}
