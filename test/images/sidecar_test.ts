import { assertEquals } from "@std/assert";
import {
  allFileNames,
  imageFileName,
  imageIdOf,
  isImageId,
  layOutImage,
  originalFileName,
  parseSidecar,
  redactPrompts,
  sidecarFileName,
} from "../../src/images/sidecar.ts";
import type { RequestSummary } from "../../src/api/request_summary.ts";
import { ID, newImage } from "./new_images.ts";

const REQUEST: RequestSummary = {
  count: 2,
  size: "2k",
  aspect: "16:9",
  canvas_size: null,
  output_size: null,
  fit: "cover",
  quality: "high",
  output_format: "webp",
  output_compression: 80,
  background: "auto",
  references: [{ label: "layer", sha256: "a".repeat(64), id: ID }],
  prompt: "a fox",
};
const { sidecar } = await layOutImage(
  newImage("new", {
    original: "old",
    metadata: {
      prompt: "a fox",
      revised_prompt: "a red fox",
      request: REQUEST,
    },
  }),
  { keepPrompts: true },
);

Deno.test("parseSidecar() reads back what was written", () => {
  assertEquals(parseSidecar(JSON.stringify(sidecar), ID), sidecar);
});

Deno.test("parseSidecar() ignores the fields of a later version", () => {
  const later = {
    ...sidecar,
    mood: "blue",
    original: { ...sidecar.original, camera: "none" },
  };
  assertEquals(parseSidecar(JSON.stringify(later), ID), sidecar);
});

Deno.test("parseSidecar() leaves out a request that a later version wrote", () => {
  const later = { ...sidecar, request: { ...REQUEST, fit: "stretch" } };
  const { request: _, ...rest } = sidecar;
  assertEquals(parseSidecar(JSON.stringify(later), ID), {
    ...rest,
    request: undefined,
  });
});

Deno.test("parseSidecar() takes no text that is not a sidecar", () => {
  for (const text of ["", "{", "null", "[]", "{}", '"text"', "\0"]) {
    assertEquals(parseSidecar(text, ID), undefined, text);
  }
});

Deno.test("parseSidecar() reads a sidecar without a prompt", () => {
  const { prompt: _, ...rest } = sidecar;
  assertEquals(parseSidecar(JSON.stringify(rest), ID), rest);
});

const WRONG: Readonly<Record<string, unknown>> = {
  "another version": { version: 2 },
  "another image": { id: `${ID}-1` },
  "a path instead of a file": { file: `../${ID}.webp` },
  "an absolute path": { file: "/etc/passwd" },
  "the file of another image": { file: `${ID}-1.webp` },
  "the extension of another format": { file: `${ID}.png` },
  "itself as the file": { file: `${ID}.json` },
  "an unknown format": { mime_type: "text/html", file: `${ID}.html` },
  "a digest with a quote": { sha256: `${"a".repeat(63)}"` },
  "a digest with a line break": { sha256: `${"a".repeat(64)}\n` },
  "a negative length": { bytes: -1 },
  "a broken length": { bytes: 1.5 },
  "a date in words": { created_at: "yesterday" },
  "no original": { original: undefined },
  "the delivered file as the original": {
    original: { ...sidecar.original, file: sidecar.file },
  },
  "an original elsewhere": {
    original: { ...sidecar.original, file: `../${ID}.original.png` },
  },
};

for (const [what, change] of Object.entries(WRONG)) {
  Deno.test(`parseSidecar() refuses ${what}`, () => {
    const text = JSON.stringify(Object.assign({ ...sidecar }, change));
    assertEquals(parseSidecar(text, ID), undefined);
  });
}

Deno.test("isImageId() takes a UUID with and without a candidate number", () => {
  for (const id of [ID, `${ID}-1`, `${ID}-2`, `${ID}-3`, `${ID}-4`]) {
    assertEquals(isImageId(id), true, id);
  }
  assertEquals(isImageId(`codex-${crypto.randomUUID()}`), true);
});

Deno.test("isImageId() takes nothing else", () => {
  const others = [
    "",
    "codex-",
    ID.slice(6),
    ID.toUpperCase(),
    `codex-${ID.slice(6).toUpperCase()}`,
    `${ID}-0`,
    `${ID}-5`,
    `${ID}-11`,
    `${ID}-1-1`,
    `${ID}-`,
    `${ID}\n`,
    `\n${ID}`,
    ` ${ID}`,
    `${ID}\0`,
    `${ID}.png`,
    `${ID}.original`,
    `../${ID}`,
    `${ID}/../x`,
    `${ID}%2e`,
    "codex-../../etc/passwd",
    "..",
    ".",
    ID.replace("0b8f", "0b8g"),
    ID.replaceAll("-", "_"),
    ID.replace("codex", "cod\u0435x"),
  ];
  for (const text of others) assertEquals(isImageId(text), false, text);
});

Deno.test("allFileNames() begins with the sidecar and names every file once", () => {
  const names = allFileNames(ID);
  assertEquals(names[0], sidecarFileName(ID));
  assertEquals(new Set(names).size, 7);
  for (const mimeType of ["image/png", "image/jpeg", "image/webp"] as const) {
    assertEquals(names.includes(imageFileName(ID, mimeType)), true);
    assertEquals(names.includes(originalFileName(ID, mimeType)), true);
  }
});

Deno.test("imageFileName() ends as the format does", () => {
  assertEquals(imageFileName(ID, "image/png"), `${ID}.png`);
  assertEquals(imageFileName(ID, "image/jpeg"), `${ID}.jpg`);
  assertEquals(imageFileName(ID, "image/webp"), `${ID}.webp`);
  assertEquals(originalFileName(ID, "image/png"), `${ID}.original.png`);
});

Deno.test("imageIdOf() knows every file of an image by its name", () => {
  for (const name of allFileNames(`${ID}-2`)) {
    assertEquals(imageIdOf(name), `${ID}-2`, name);
  }
});

Deno.test("imageIdOf() takes no other name", () => {
  const others = [
    "",
    ID,
    `${ID}.`,
    `${ID}.PNG`,
    `${ID}.json.bak`,
    `${ID}.original.json`,
    `.${ID}.png`,
    "holiday.jpg",
  ];
  for (const name of others) assertEquals(imageIdOf(name), undefined, name);
});

Deno.test("redactPrompts() drops the prompt and what was made of it, and nothing else", () => {
  const { prompt: _, ...request } = REQUEST;
  const said = { id: "1", prompt: "a fox", revised_prompt: "a red fox" };
  assertEquals(redactPrompts(said), { id: "1", revised_prompt: null });
  assertEquals(redactPrompts({ ...said, request: REQUEST }), {
    id: "1",
    revised_prompt: null,
    request,
  });
});
