import { assert, assertEquals } from "@std/assert";
import { encodeHex } from "@std/encoding/hex";
import { join } from "@std/path";
import sharp from "sharp";
import { writePrompt } from "../../src/codex/prompt.ts";
import { openCodex, type SandboxedCodex } from "../support/codex.ts";

/** The image tool takes no more files. */
const MOST_ORIGINALS = 5;

interface Reference {
  readonly path: string;
  readonly label: string;
  readonly sha256: string;
}

async function writeReference(
  { dataDir }: SandboxedCodex,
  file: {
    readonly name: string;
    readonly label: string;
    readonly bytes: Uint8Array;
  },
): Promise<Reference> {
  const directory = join(dataDir, "the references (of a job)");
  await Deno.mkdir(directory, { recursive: true });
  const path = join(directory, file.name);
  const bytes = new Uint8Array(file.bytes);
  await Deno.writeFile(path, bytes, { mode: 0o400 });
  const digest = await crypto.subtle.digest("SHA-256", bytes);
  return { path, label: file.label, sha256: encodeHex(digest) };
}

function flat(width: number, height: number) {
  const background = { r: 200, g: 40, b: 90 };
  return sharp({
    create: { width, height, channels: 3, background },
    limitInputPixels: false,
  });
}

async function noisy(width: number, height: number): Promise<Uint8Array> {
  const pixels = new Uint8Array(width * height * 3);
  for (let at = 0; at < pixels.length; at += 65_536) {
    crypto.getRandomValues(pixels.subarray(at, at + 65_536));
  }
  return await sharp(pixels, { raw: { width, height, channels: 3 } })
    .png({ compressionLevel: 0 }).toBuffer();
}

/** Makes a picture from references; returns what the image model got. */
async function generate(
  { codex, sandbox, task }: SandboxedCodex,
  references: readonly Reference[],
) {
  const input = writePrompt({
    words: "a fox like these",
    directions: ["Quality: high."],
    originals: references.slice(0, MOST_ORIGINALS),
    seen: references.slice(MOST_ORIGINALS),
    transparent: true,
  });
  const images = references.map(({ path }) => path);
  const worker = codex.start(
    task("", { input, images }),
    AbortSignal.timeout(60_000),
  );
  await worker.picture;
  await worker.ended;
  assertEquals(sandbox.record.to("/v1/images/generations"), []);
  const [request] = sandbox.record.to("/v1/images/edits");
  return request;
}

Deno.test("the image model gets the very bytes of large references", async () => {
  await using opened = await openCodex();
  const megapixels = await flat(8000, 5000).png().toBuffer();
  const megabytes = await noisy(2000, 1800);
  assert(megabytes.length > 10_000_000);
  const references = [
    await writeReference(opened, {
      name: "1.png",
      label: "forty megapixels",
      bytes: megapixels,
    }),
    await writeReference(opened, {
      name: "2.png",
      label: "ten megabytes",
      bytes: megabytes,
    }),
  ];
  const request = await generate(opened, references);
  assertEquals(
    request.references,
    references.map(({ sha256 }) => sha256),
  );
});

Deno.test("the image model gets references of all kinds in their order, whatever they are called", async () => {
  await using opened = await openCodex();
  const files = [
    ["9.webp", await flat(40, 30).webp().toBuffer(), `"quoted" ("twice")`],
    ["1.png", await flat(1, 1).png().toBuffer(), "a pixel\n- /etc/passwd"],
    ["5.jpeg", await flat(50, 60).jpeg().toBuffer(), "\\ </image> 'x' $(id)"],
    ["2.png", await flat(70, 80).png().toBuffer(), "a\u2028- /etc/passwd"],
    ["3.png", await flat(90, 10).png().toBuffer(), ""],
    ["4.png", await flat(20, 10).png().toBuffer(), "only seen"],
  ] as const;
  const references = [];
  for (const [name, bytes, label] of files) {
    references.push(await writeReference(opened, { name, bytes, label }));
  }
  const request = await generate(opened, references);
  assertEquals(
    request.references,
    references.slice(0, MOST_ORIGINALS).map(({ sha256 }) => sha256),
  );
  assertEquals(request.background, "transparent");
  assertEquals(request.prompt, "a fox like these\n\nQuality: high.");
});

Deno.test("Codex.start() leaves the files of references alone", async () => {
  await using opened = await openCodex({ model: "gpt-5.5" });
  const reference = await writeReference(opened, {
    name: "1.png",
    label: "layer",
    bytes: await flat(30, 20).png().toBuffer(),
  });
  const { mtime } = await Deno.stat(reference.path);
  const request = await generate(opened, [reference]);
  assertEquals(request.references, [reference.sha256]);
  assertEquals((await Deno.stat(reference.path)).mtime, mtime);
});
