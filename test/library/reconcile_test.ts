import { assertEquals, assertRejects } from "@std/assert";
import { join } from "@std/path";
import { ImageIndex } from "../../src/library/index.ts";
import { reconcile } from "../../src/library/reconcile.ts";
import { newId, Shelf } from "./shelf.ts";

Deno.test("reconcile() lists the images of the folder", async () => {
  await using shelf = await Shelf.open();
  using index = openIndex(shelf);
  const ids = await shelf.saveMany(70);
  const nothing = { added: 0, removed: 0, unusable: [], gone: [] };
  assertEquals(await run(shelf, index), { ...nothing, added: 70 });
  assertEquals(listed(index), ids.reverse());
  assertEquals(await run(shelf, index), nothing);
});

Deno.test("reconcile() drops images that are gone, and tells of them", async () => {
  await using shelf = await Shelf.open();
  using index = openIndex(shelf);
  const [first, second, third] = await shelf.saveMany(3);
  await run(shelf, index);
  await Deno.remove(join(shelf.outputDir, `${first}.json`));
  await shelf.store.remove(second);
  const { added, removed, gone } = await run(shelf, index);
  assertEquals([added, removed], [0, 2]);
  assertEquals(gone.toSorted(), [first, second].sort());
  assertEquals(listed(index), [third]);
});

Deno.test("reconcile() lists no image that is not whole", async () => {
  await using shelf = await Shelf.open();
  using index = openIndex(shelf);
  const [whole, fileless, cut, broken] = await shelf.saveMany(4);
  await Deno.remove(join(shelf.outputDir, `${fileless}.png`));
  await Deno.truncate(join(shelf.outputDir, `${cut}.png`));
  await Deno.writeTextFile(join(shelf.outputDir, `${broken}.json`), "{}");
  await Deno.writeTextFile(join(shelf.outputDir, `${newId()}.png`), "x");
  await run(shelf, index);
  assertEquals(listed(index), [whole]);
});

Deno.test("reconcile() keeps images that are saved meanwhile", async () => {
  await using shelf = await Shelf.open();
  using index = openIndex(shelf);
  shelf.store.onSaved(({ sidecar }) => index.add([sidecar]));
  let saving = true;
  const saved = shelf.saveMany(50).finally(() => saving = false);
  while (saving) assertEquals((await run(shelf, index)).gone, []);
  assertEquals(listed(index), (await saved).reverse());
});

Deno.test("reconcile() ends when it is to", async () => {
  await using shelf = await Shelf.open();
  using index = openIndex(shelf);
  await shelf.saveMany(1);
  const signal = AbortSignal.abort(new Error("enough"));
  const { store } = shelf;
  await assertRejects(
    () => reconcile({ ...options(index), store, signal }),
    Error,
    "enough",
  );
  assertEquals(listed(index), []);
});

function openIndex({ dataDir }: Shelf): ImageIndex {
  return new ImageIndex({
    path: join(dataDir, "index.sqlite"),
    storePrompts: false,
    onDamage: () => {},
  });
}

function listed(index: ImageIndex): string[] {
  return index.list({ limit: 1_000 }).map(({ id }) => id);
}

async function run({ store }: Shelf, index: ImageIndex) {
  const gone: string[] = [];
  const changes = await reconcile({
    ...options(index),
    store,
    onGone: (id) => Promise.resolve(void gone.push(id)),
  });
  return { ...changes, gone };
}

function options(index: ImageIndex) {
  const { signal } = new AbortController();
  return { index, signal, onGone: () => Promise.resolve() };
}
