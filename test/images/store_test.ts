import {
  assertEquals,
  assertExists,
  assertMatch,
  assertNotMatch,
  assertRejects,
} from "@std/assert";
import { join } from "@std/path";
import type { NewImage } from "../../src/images/sidecar.ts";
import { ImageStore } from "../../src/images/store.ts";
import { ID, newImage } from "./new_images.ts";

const STORE = import.meta.resolve("../../src/images/store.ts");
const NEW_IMAGES = import.meta.resolve("./new_images.ts");

Deno.test("ImageStore.open() makes the directory and knows its absolute path", async () => {
  await using folder = await tempFolder();
  const directory = join(folder.path, "a", "..", "b", "c");
  const store = await ImageStore.open({ directory, instance: "test" });
  assertEquals(store.directory, join(folder.path, "b", "c"));
  assertEquals((await Deno.stat(store.directory)).isDirectory, true);
});

Deno.test("ImageStore.open() removes its own temporary files and nothing else", async () => {
  await using folder = await tempFolder();
  const uuid = crypto.randomUUID();
  const kept = [
    `.codex-image-server-test-two-${uuid}.tmp`,
    `.codex-image-server-other-${uuid}.tmp`,
    `.codex-image-server-test-notes.tmp`,
    `${uuid}.tmp`,
    `${ID}.png`,
    "holiday.jpg",
  ];
  const own = `.codex-image-server-test-${uuid}.tmp`;
  for (const name of [...kept, own]) {
    await Deno.writeTextFile(join(folder.path, name), name);
  }
  const link = `.codex-image-server-test-${crypto.randomUUID()}.tmp`;
  await Deno.symlink("holiday.jpg", join(folder.path, link));
  await openStore(folder.path);
  assertEquals(await list(folder.path), [...kept, link].sort());
});

Deno.test("ImageStore.save() writes the image and a sidecar that describes it", async () => {
  await using folder = await tempFolder();
  const store = await openStore(folder.path);
  const image = newImage("picture");
  const { path, sidecar } = await store.save(image);
  assertEquals(path, join(folder.path, `${ID}.png`));
  assertEquals(await Deno.readTextFile(path), "picture");
  const text = await Deno.readTextFile(join(folder.path, `${ID}.json`));
  assertEquals(JSON.parse(text), sidecar);
  assertEquals(sidecar, {
    version: 1,
    ...image.metadata,
    file: `${ID}.png`,
    bytes: 7,
    sha256: "2cea274d0bedc39ec4ab6ba9e59ec889e3ed6fb56a1cf088a64d9b383378dc97",
    original: null,
  });
  assertEquals(await list(folder.path), [`${ID}.json`, `${ID}.png`]);
});

Deno.test("ImageStore.save() keeps the words of the caller out of the sidecar", async () => {
  await using folder = await tempFolder();
  const store = await openStore(folder.path);
  const { sidecar } = await store.save(withWords());
  assertEquals(sidecar.prompt, "a fox");
  assertEquals(sidecar.revised_prompt, "a red fox");
  const text = await Deno.readTextFile(join(folder.path, `${ID}.json`));
  assertNotMatch(text, /fox/);
  assertEquals((await store.find(ID))?.sidecar.revised_prompt, null);
});

Deno.test("ImageStore.save() keeps the words of the caller where it is to", async () => {
  await using folder = await tempFolder();
  const store = await openStore(folder.path, { storePrompts: true });
  const saved = await store.save(withWords());
  assertEquals(saved.sidecar.prompt, "a fox");
  assertEquals(await store.find(ID), saved);
});

Deno.test("ImageStore.save() tells of an image that can be found, and of no other", async () => {
  await using folder = await tempFolder();
  const store = await openStore(folder.path);
  const told: string[] = [];
  const found: Promise<unknown>[] = [];
  store.onSaved(({ sidecar }) => {
    told.push(sidecar.id);
    found.push(store.find(sidecar.id));
  });
  const saved = await store.save(newImage("new"));
  await assertRejects(() => store.save(newImage("again")));
  assertEquals(told, [ID]);
  assertEquals(await Promise.all(found), [saved]);
});

Deno.test("ImageStore.save() keeps the original beside a converted image", async () => {
  await using folder = await tempFolder();
  const store = await openStore(folder.path);
  const { sidecar } = await store.save(newImage("new", { original: "before" }));
  assertEquals(sidecar.original?.file, `${ID}.original.png`);
  assertEquals(sidecar.original?.bytes, 6);
  assertMatch(sidecar.original?.sha256 ?? "", /^[0-9a-f]{64}$/);
  assertEquals(await list(folder.path), [
    `${ID}.json`,
    `${ID}.original.png`,
    `${ID}.webp`,
  ]);
});

Deno.test("ImageStore.save() refuses an id that is taken, and leaves the image that has it", async () => {
  await using folder = await tempFolder();
  const store = await openStore(folder.path);
  await store.save(newImage("first"));
  await assertRejects(
    () => store.save(newImage("second", { original: "before" })),
    Error,
    `Cannot store image "${ID}": the id is taken`,
  );
  assertEquals(await list(folder.path), [`${ID}.json`, `${ID}.png`]);
  assertEquals(
    await Deno.readTextFile(join(folder.path, `${ID}.png`)),
    "first",
  );
});

Deno.test("ImageStore.save() gives an id to one of two at the same time", async () => {
  await using folder = await tempFolder();
  const store = await openStore(folder.path);
  const results = await Promise.allSettled([
    store.save(newImage("first")),
    store.save(newImage("second")),
  ]);
  assertEquals(results.map(({ status }) => status), ["fulfilled", "rejected"]);
  assertEquals(
    await Deno.readTextFile(join(folder.path, `${ID}.png`)),
    "first",
  );
});

Deno.test("ImageStore.save() does not write through a planted link", async () => {
  await using folder = await tempFolder();
  const store = await openStore(folder.path);
  await Deno.symlink("elsewhere", join(folder.path, `${ID}.png`));
  await assertRejects(() => store.save(newImage("new")), Error, "is taken");
  assertEquals(await list(folder.path), [`${ID}.png`]);
});

Deno.test("ImageStore.save() refuses what is not an image id", async () => {
  await using folder = await tempFolder();
  const store = await openStore(folder.path);
  for (const id of ["../escape", "", `${ID}-5`]) {
    await assertRejects(
      () => store.save(newImage("new", { id })),
      TypeError,
      `Cannot store image "${id}": it is not an image id`,
    );
  }
  assertEquals(await list(folder.path), []);
});

Deno.test("ImageStore.save() writes nothing that find() would not read", async () => {
  await using folder = await tempFolder();
  const store = await openStore(folder.path);
  const image = newImage("new");
  const metadata = { ...image.metadata, created_at: "yesterday" };
  await assertRejects(() => store.save({ ...image, metadata }));
  assertEquals(await list(folder.path), []);
  await store.save(image);
});

for (const extension of ["webp", "original.png", "json"]) {
  Deno.test(`ImageStore.save() leaves nothing when the .${extension} file cannot be written`, async () => {
    await using folder = await tempFolder();
    const forbidden = join(folder.path, `${ID}.${extension}`);
    const { code, stderr } = await saveWithout(folder.path, forbidden);
    assertEquals(code, 1);
    assertMatch(stderr, /NotCapable/);
    assertEquals(await list(folder.path), []);
  });
}

Deno.test("ImageStore.save() stores an image where only the folder may be written", async () => {
  await using folder = await tempFolder();
  const { code, stderr } = await saveWithout(folder.path, "/nowhere");
  assertEquals([code, stderr], [0, ""]);
  assertEquals((await list(folder.path)).length, 3);
});

Deno.test("ImageStore.save() leaves nothing when the folder is gone", async () => {
  await using folder = await tempFolder();
  const store = await openStore(join(folder.path, "images"));
  await Deno.remove(store.directory);
  await assertRejects(
    () => store.save(newImage("new")),
    Deno.errors.NotFound,
  );
  assertEquals(await list(folder.path), []);
});

Deno.test("ImageStore.find() finds an image after a restart", async () => {
  await using folder = await tempFolder();
  const saved = await (await openStore(folder.path)).save(newImage("new"));
  const store = await openStore(folder.path);
  assertEquals(await store.find(ID), saved);
});

Deno.test("ImageStore.find() tells candidates apart", async () => {
  await using folder = await tempFolder();
  const store = await openStore(folder.path);
  for (const id of [`${ID}-1`, `${ID}-2`]) {
    await store.save(newImage(id, { id }));
  }
  assertEquals((await store.find(`${ID}-2`))?.sidecar.id, `${ID}-2`);
  assertEquals(await store.find(ID), undefined);
  assertEquals(await store.find(`${ID}-3`), undefined);
});

Deno.test("ImageStore.find() looks for nothing but image ids", async () => {
  await using folder = await tempFolder();
  const store = await openStore(join(folder.path, "images"));
  const outside = await openStore(folder.path);
  await outside.save(newImage("secret"));
  const others = ["", ".", "\0", "a".repeat(300), `./${ID}`, `${ID}.original`];
  for (const id of [`../${ID}`, ...others]) {
    assertEquals(await store.find(id), undefined, id);
    assertEquals(await outside.find(`images/../${id}`), undefined, id);
  }
});

Deno.test("ImageStore.find() does not show words that were kept earlier", async () => {
  await using folder = await tempFolder();
  const keeping = await openStore(folder.path, { storePrompts: true });
  await keeping.save(withWords());
  const store = await openStore(folder.path);
  const image = await store.find(ID);
  assertExists(image);
  assertEquals("prompt" in image.sidecar, false);
  assertEquals(image.sidecar.revised_prompt, null);
});

Deno.test("ImageStore.ids() lists the sidecars of images", async () => {
  await using folder = await tempFolder();
  const store = await openStore(folder.path);
  await store.save(newImage("new", { original: "before" }));
  await store.save(newImage("new", { id: `${ID}-2` }));
  for (const name of [`${ID}-3.png`, `${ID}-5.json`, "notes.json"]) {
    await Deno.writeTextFile(join(folder.path, name), name);
  }
  assertEquals(await store.ids(), new Set([ID, `${ID}-2`]));
});

const DAMAGES: Readonly<Record<string, (path: string) => Promise<void>>> = {
  "has no sidecar": (path) => Deno.remove(`${path}.json`),
  "has no file": (path) => Deno.remove(`${path}.png`),
  "has a sidecar that is cut": (path) => Deno.truncate(`${path}.json`, 100),
  "has a file that is cut": (path) => Deno.truncate(`${path}.png`, 1),
  "has the sidecar of another image": async (path) => {
    const text = await Deno.readTextFile(`${path}.json`);
    await Deno.writeTextFile(`${path}.json`, text.replaceAll(ID, `${ID}-1`));
  },
  "has a sidecar that names a file elsewhere": async (path) => {
    const text = await Deno.readTextFile(`${path}.json`);
    await Deno.copyFile(`${path}.png`, join(path, "..", "other.png"));
    await Deno.writeTextFile(
      `${path}.json`,
      text.replace(`${ID}.png`, "other.png"),
    );
  },
  "is a symbolic link": async (path) => {
    await Deno.rename(`${path}.png`, `${path}.moved`);
    await Deno.symlink(`${path}.moved`, `${path}.png`);
  },
  "has a symbolic link for a sidecar": async (path) => {
    await Deno.rename(`${path}.json`, `${path}.moved`);
    await Deno.symlink(`${path}.moved`, `${path}.json`);
  },
  "is a FIFO": async (path) => {
    await Deno.remove(`${path}.png`);
    await makeFifo(`${path}.png`);
  },
  "has a FIFO for a sidecar": async (path) => {
    await Deno.remove(`${path}.json`);
    await makeFifo(`${path}.json`);
  },
  "is a directory": async (path) => {
    await Deno.remove(`${path}.png`);
    await Deno.mkdir(`${path}.png`);
  },
};

for (const [what, damage] of Object.entries(DAMAGES)) {
  Deno.test(`ImageStore.find() does not find an image that ${what}`, async () => {
    await using folder = await tempFolder();
    const store = await openStore(folder.path);
    await store.save(newImage("picture"));
    assertExists(await store.find(ID));
    await damage(join(folder.path, ID));
    assertEquals(await store.find(ID), undefined);
  });
}

Deno.test("ImageStore.openFile() opens either variant", async () => {
  await using folder = await tempFolder();
  const store = await openStore(folder.path);
  const image = await store.save(newImage("new", { original: "before" }));
  const delivered = await store.openFile(image, "delivered");
  assertExists(delivered);
  assertEquals(await new Response(delivered.file.readable).text(), "new");
  const original = await store.openFile(image, "original");
  assertExists(original);
  assertEquals(original.info.size, 6);
  assertEquals(await new Response(original.file.readable).text(), "before");
});

Deno.test("ImageStore.openFile() has no original of an image that was not converted", async () => {
  await using folder = await tempFolder();
  const store = await openStore(folder.path);
  const image = await store.save(newImage("new"));
  assertEquals(await store.openFile(image, "original"), undefined);
});

Deno.test("ImageStore.openFile() refuses links and FIFOs planted since", async () => {
  await using folder = await tempFolder();
  const store = await openStore(folder.path);
  const image = await store.save(newImage("new", { original: "before" }));
  await Deno.rename(image.path, join(folder.path, "moved"));
  await Deno.symlink("moved", image.path);
  await Deno.remove(join(folder.path, `${ID}.original.png`));
  await makeFifo(join(folder.path, `${ID}.original.png`));
  assertEquals(await store.openFile(image, "delivered"), undefined);
  assertEquals(await store.openFile(image, "original"), undefined);
});

Deno.test("ImageStore.openFile() refuses a file of another size than was stored", async () => {
  await using folder = await tempFolder();
  const store = await openStore(folder.path);
  const image = await store.save(newImage("new"));
  await Deno.writeTextFile(image.path, "edited");
  assertEquals(await store.openFile(image, "delivered"), undefined);
});

Deno.test("ImageStore.remove() removes the files of one image", async () => {
  await using folder = await tempFolder();
  const store = await openStore(folder.path);
  await store.save(newImage("new", { original: "before" }));
  await store.save(newImage("other", { id: `${ID}-1` }));
  assertEquals(await store.remove(ID), true);
  assertEquals(await list(folder.path), [`${ID}-1.json`, `${ID}-1.png`]);
  assertEquals(await store.remove(ID), false);
});

Deno.test("ImageStore.remove() ends what an interrupted removal has begun", async () => {
  await using folder = await tempFolder();
  const store = await openStore(folder.path);
  await store.save(newImage("new"));
  await Deno.remove(join(folder.path, `${ID}.png`));
  assertEquals(await store.remove(ID), true);
  assertEquals(await list(folder.path), []);
});

Deno.test("ImageStore.remove() leaves files that the sidecar does not name", async () => {
  await using folder = await tempFolder();
  const store = await openStore(folder.path);
  await store.save(newImage("new"));
  const other = `${ID}.webp`;
  await Deno.writeTextFile(join(folder.path, other), "by a person");
  assertEquals(await store.remove(ID), true);
  assertEquals(await store.remove(ID), false);
  assertEquals(await list(folder.path), [other]);
});

Deno.test("ImageStore.remove() leaves files of which the sidecar cannot be read", async () => {
  await using folder = await tempFolder();
  const store = await openStore(folder.path);
  await store.save(newImage("new"));
  await Deno.writeTextFile(join(folder.path, `${ID}.json`), "{");
  assertEquals(await store.remove(ID), false);
  assertEquals(await list(folder.path), [`${ID}.json`, `${ID}.png`]);
});

Deno.test("ImageStore.remove() tells one of two at the same time that it removed the image", async () => {
  await using folder = await tempFolder();
  const store = await openStore(folder.path);
  await store.save(newImage("new"));
  const removed = await Promise.all([store.remove(ID), store.remove(ID)]);
  assertEquals(removed.toSorted(), [false, true]);
});

Deno.test("ImageStore.remove() lets a file that is being read be read to its end", async () => {
  await using folder = await tempFolder();
  const store = await openStore(folder.path);
  const image = await store.save(newImage("picture"));
  const opened = await store.openFile(image, "delivered");
  assertExists(opened);
  assertEquals(await store.remove(ID), true);
  assertEquals(await new Response(opened.file.readable).text(), "picture");
});

Deno.test("ImageStore.remove() removes nothing for what is not an image id", async () => {
  await using folder = await tempFolder();
  const store = await openStore(join(folder.path, "images"));
  await Deno.writeTextFile(join(folder.path, `${ID}.png`), "outside");
  assertEquals(await store.remove(`../${ID}`), false);
  assertEquals(await list(folder.path), [`${ID}.png`, "images"]);
});

function openStore(
  directory: string,
  options: { readonly storePrompts?: boolean } = {},
): Promise<ImageStore> {
  return ImageStore.open({ directory, instance: "test", ...options });
}

function withWords(): NewImage {
  const metadata = { prompt: "a fox", revised_prompt: "a red fox" };
  return newImage("new", { metadata });
}

async function list(directory: string): Promise<string[]> {
  const entries = await Array.fromAsync(Deno.readDir(directory));
  return entries.map(({ name }) => name).sort();
}

async function makeFifo(path: string): Promise<void> {
  await new Deno.Command("mkfifo", { args: [path] }).output();
}

/** Stores an image in a process that may not write one path. */
async function saveWithout(directory: string, forbidden: string) {
  const script = join(directory, "..", `save-${crypto.randomUUID()}.ts`);
  const open = JSON.stringify({ directory, instance: "test" });
  await Deno.writeTextFile(
    script,
    `import { ImageStore } from "${STORE}";
     import { newImage } from "${NEW_IMAGES}";
     const store = await ImageStore.open(${open});
     await store.save(newImage("new", { original: "before" }));`,
  );
  try {
    const { code, stderr } = await new Deno.Command(Deno.execPath(), {
      args: [
        "run",
        "--quiet",
        "--no-prompt",
        "--no-check",
        "--no-lock",
        "--cached-only",
        `--config=${join(import.meta.dirname ?? "", "../../deno.json")}`,
        `--allow-read=${directory}`,
        `--allow-write=${directory}`,
        `--deny-write=${forbidden}`,
        script,
      ],
      stdout: "null",
      stderr: "piped",
    }).output();
    return { code, stderr: new TextDecoder().decode(stderr) };
  } finally {
    await Deno.remove(script);
  }
}

async function tempFolder() {
  const path = await Deno.makeTempDir();
  return {
    path,
    [Symbol.asyncDispose]: () => Deno.remove(path, { recursive: true }),
  };
}
