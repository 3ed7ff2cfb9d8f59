import { assertEquals } from "@std/assert";
import { join } from "@std/path";
import { ImageIndex } from "../../src/library/index.ts";
import {
  applyRetention,
  CautiousClock,
  type RetentionLimits,
} from "../../src/library/retention.ts";
import { filesIn, Shelf } from "./shelf.ts";

const DAY_MS = 86_400_000;
const NO_LIMITS: RetentionLimits = {
  retentionDays: undefined,
  retentionMaxCount: undefined,
  retentionMaxBytes: undefined,
};

Deno.test("applyRetention() keeps everything without limits", async () => {
  await using shelf = await Shelf.open();
  await shelf.save("x", { created_at: "1999-01-01T00:00:00Z" });
  using index = await openIndex(shelf);
  assertEquals(await run(shelf, index, {}), { images: 0, bytes: 0 });
  assertEquals(filesIn(shelf.outputDir).length, 2);
});

Deno.test("applyRetention() keeps as many images as are wanted, the newest", async () => {
  await using shelf = await Shelf.open();
  const ids = await shelf.saveMany(5);
  using index = await openIndex(shelf);
  const removed = await run(shelf, index, { retentionMaxCount: 2 });
  assertEquals(removed, { images: 3, bytes: 3 });
  assertEquals(await shelf.store.ids(), new Set(ids.slice(3)));
  assertEquals(index.totals, { images: 2, bytes: 2 });
});

Deno.test("applyRetention() keeps as many bytes as are wanted, the newest", async () => {
  await using shelf = await Shelf.open();
  for (const text of ["1234", "12345", "123"]) await shelf.save(text);
  using index = await openIndex(shelf);
  const removed = await run(shelf, index, { retentionMaxBytes: 8 });
  assertEquals(removed, { images: 1, bytes: 4 });
  assertEquals(index.totals, { images: 2, bytes: 8 });
});

Deno.test("applyRetention() keeps images for as many days as are wanted", async () => {
  await using shelf = await Shelf.open();
  const age = (days: number) => ({
    created_at: new Date(Date.now() - days * DAY_MS).toISOString(),
  });
  await shelf.save("old", age(7.01));
  const young = await shelf.save("young", age(6.99));
  await shelf.save("oldest", age(400));
  using index = await openIndex(shelf);
  const removed = await run(shelf, index, { retentionDays: 7 });
  assertEquals(removed, { images: 2, bytes: 9 });
  assertEquals(await shelf.store.ids(), new Set([young.sidecar.id]));
});

Deno.test("applyRetention() keeps what may still be on its way to who asked for it", async () => {
  await using shelf = await Shelf.open();
  const made = (secondsAgo: number) => ({
    created_at: new Date(Date.now() - secondsAgo * 1_000).toISOString(),
  });
  await shelf.save("older", made(601));
  const young = await shelf.save("young", made(590));
  const newest = await shelf.save("newest", made(0));
  using index = await openIndex(shelf);
  const removed = await run(shelf, index, {
    retentionMaxCount: 1,
    retentionMaxBytes: 1,
  });
  assertEquals(removed, { images: 1, bytes: 5 });
  assertEquals(
    await shelf.store.ids(),
    new Set([young.sidecar.id, newest.sidecar.id]),
  );
});

Deno.test("applyRetention() leaves alone what is not an image of ours", async () => {
  await using shelf = await Shelf.open();
  const [edited, fileless, plain] = await shelf.saveMany(3);
  using index = await openIndex(shelf);
  await Deno.writeTextFile(join(shelf.outputDir, `${edited}.png`), "edited");
  await Deno.remove(join(shelf.outputDir, `${fileless}.png`));
  const others = [
    "holiday.jpg",
    "codex.png",
    `${plain}.webp`,
    `${plain}.json.bak`,
    `codex-${crypto.randomUUID()}.png`,
  ];
  for (const name of others) {
    await Deno.writeTextFile(join(shelf.outputDir, name), name);
  }
  const removed = await run(shelf, index, { retentionDays: 1 });
  assertEquals(removed, { images: 1, bytes: 1 });
  assertEquals(
    filesIn(shelf.outputDir),
    [...others, `${edited}.json`, `${edited}.png`, `${fileless}.json`].sort(),
  );
  assertEquals(index.totals, { images: 0, bytes: 0 });
});

Deno.test("applyRetention() ends when it is to", async () => {
  await using shelf = await Shelf.open();
  await shelf.saveMany(2);
  using index = await openIndex(shelf);
  const signal = AbortSignal.abort();
  const removed = await run(shelf, index, { retentionDays: 1 }, signal);
  assertEquals(removed, { images: 0, bytes: 0 });
});

Deno.test("applyRetention() removes nothing while the folder is away", async () => {
  await using shelf = await Shelf.open();
  await shelf.saveMany(3);
  using index = await openIndex(shelf);
  await Deno.rename(shelf.outputDir, `${shelf.outputDir}.away`);
  const removed = await run(shelf, index, { retentionMaxCount: 1 });
  assertEquals(removed, { images: 0, bytes: 0 });
  assertEquals(index.totals.images, 3);
});

Deno.test("CautiousClock.now() follows the system's clock back at once, and ahead only when that was confirmed twice", () => {
  const system = { time: 1_000_000, uptime: 0 };
  const clock = new CautiousClock(() => ({ ...system }));
  system.time += 10;
  system.uptime += 10;
  assertEquals(clock.now(), 1_000_010);
  system.time += DAY_MS;
  assertEquals(clock.now(), 1_000_010);
  clock.confirm();
  assertEquals(clock.now(), 1_000_010);
  clock.confirm();
  assertEquals(clock.now(), 1_000_010 + DAY_MS);
  system.time = 5;
  assertEquals(clock.now(), 5);
});

async function openIndex({ dataDir, store }: Shelf): Promise<ImageIndex> {
  const index = new ImageIndex({
    path: join(dataDir, "index.sqlite"),
    storePrompts: false,
    onDamage: () => {},
  });
  for (const id of await store.ids()) {
    const image = await store.find(id);
    if (image !== undefined) index.add([image.sidecar]);
  }
  return index;
}

function run(
  { store }: Shelf,
  index: ImageIndex,
  limits: Partial<RetentionLimits>,
  signal = new AbortController().signal,
) {
  const remove = (id: string) => {
    index.remove(id);
    return store.remove(id);
  };
  return applyRetention({
    index,
    store,
    remove,
    signal,
    now: Date.now,
    limits: { ...NO_LIMITS, ...limits },
  });
}
