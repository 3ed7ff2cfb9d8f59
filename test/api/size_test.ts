import { assertEquals } from "@std/assert";
import { checkSize, formatSize, type Size } from "../../src/api/size.ts";

const LEGAL = [
  "1024x640",
  "1280x720",
  "1536x864",
  "1920x1088",
  "2880x2880",
  "3840x1280",
  "1280x3840",
  "3840x2160",
];

const ILLEGAL: readonly (readonly [string, string])[] = [
  ["512x512", "262144 pixels are fewer than 655360"],
  ["1008x640", "645120 pixels are fewer than 655360"],
  ["1920x1080", "height 1080 is not a multiple of 16"],
  ["1080x1920", "width 1080 is not a multiple of 16"],
  ["3840x1264", "the ratio is over 3:1"],
  ["1264x3840", "the ratio is over 3:1"],
  ["3856x2144", "the longest edge 3856 is over 3840"],
  ["2144x3856", "the longest edge 3856 is over 3840"],
  ["2896x2880", "8340480 pixels are more than 8294400"],
  ["4096x2048", "the longest edge 4096 is over 3840"],
  ["4097x1", "width 4097 is not a multiple of 16"],
  ["4096x16", "the longest edge 4096 is over 3840"],
  ["1024x16", "16384 pixels are fewer than 655360"],
];

for (const text of LEGAL) {
  Deno.test(`checkSize() finds nothing wrong with ${text}`, () => {
    assertEquals(checkSize(sizeOf(text)), undefined);
  });
}

for (const [text, rule] of ILLEGAL) {
  Deno.test(`checkSize() says of ${text} that ${rule}`, () => {
    assertEquals(checkSize(sizeOf(text)), rule);
  });
}

Deno.test("formatSize() writes width before height", () => {
  assertEquals(formatSize({ width: 1536, height: 864 }), "1536x864");
});

function sizeOf(text: string): Size {
  const [width, height] = text.split("x").map(Number);
  return { width, height };
}
