import { assertEquals } from "@std/assert";
import {
  allFileNames,
  imageFileName,
  imageIdOf,
  isImageId,
  originalFileName,
  sidecarFileName,
} from "../../src/images/names.ts";

const ID = "codex-0b8f6f0e-2f5c-4f0e-9a0e-6a6f3d1c2b4a";

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
