import { assertEquals } from "@std/assert";
import { layOutImage } from "../../src/images/new_image.ts";
import { parseSidecar } from "../../src/images/sidecar.ts";
import { ID, newImage } from "./new_images.ts";

const { sidecar } = await layOutImage(
  newImage("new", {
    original: "old",
    metadata: { prompt: "a fox", revised_prompt: "a red fox" },
  }),
  { keepWords: true },
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
