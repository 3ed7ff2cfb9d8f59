import { assert, assertEquals } from "@std/assert";
import {
  checkSize,
  formatSize,
  legalRatio,
  PRESETS,
  presetSize,
  type Ratio,
  type Size,
} from "../../src/api/size.ts";

const LIMITS = {
  "1K": { edge: 1024, pixels: 1_048_576 },
  "2K": { edge: 2048, pixels: 4_194_304 },
  "4K": { edge: 3840, pixels: 8_294_400 },
};

const EXPECTED = {
  "1K": {
    "1:1": "1024x1024",
    "4:3": "1024x768",
    "3:4": "768x1024",
    "3:2": "1024x688",
    // Nothing of 16:9 within 1024 has enough pixels, so the smallest of its shape stands.
    "16:9": "1088x608",
    "9:16": "608x1088",
  },
  "2K": {
    "1:1": "2048x2048",
    "16:9": "2048x1168",
    "9:16": "1168x2048",
    "3:1": "2048x688",
  },
  "4K": {
    "1:1": "2880x2880",
    "16:9": "3840x2160",
    "9:16": "2160x3840",
    "21:9": "3840x1664",
    "3:1": "3840x1296",
  },
};

/** Every ratio w:h with 1 <= w, h <= 40, each once, as `legalRatio` clamps it. */
const RATIOS: readonly Ratio[] = [
  ...new Map(
    Array.from({ length: 1600 }, (_, index) => {
      const ratio = legalRatio({
        width: 1 + index % 40,
        height: 1 + Math.floor(index / 40),
      });
      return [`${ratio.width}:${ratio.height}`, ratio] as const;
    }),
  ).values(),
];

for (const preset of PRESETS) {
  for (const [aspect, size] of Object.entries(EXPECTED[preset])) {
    Deno.test(`presetSize() makes ${preset} ${aspect} ${size}`, () => {
      const [width, height] = aspect.split(":").map(Number);
      assertEquals(formatSize(presetSize(preset, { width, height })), size);
    });
  }

  Deno.test(`presetSize() gives ${preset} a legal size within 2 % of every ratio`, () => {
    for (const ratio of RATIOS) {
      const size = presetSize(preset, ratio);
      assertEquals(checkSize(size), undefined);
      assert(isShaped(size, ratio), `${formatSize(size)} for ${text(ratio)}`);
    }
  });

  Deno.test(`presetSize() gives ${preset} the largest size that fits, or else the smallest`, () => {
    for (const ratio of RATIOS) {
      const { largest, smallest } = searchEverything(preset, ratio);
      const { width, height } = presetSize(preset, ratio);
      assertEquals(width * height, largest ?? smallest, text(ratio));
    }
  });
}

Deno.test("presetSize() takes ratios with fractions", () => {
  assertEquals(
    presetSize("4K", { width: 2.35, height: 1 }),
    { width: 3840, height: 1664 },
  );
});

Deno.test("presetSize() counts a ratio that is off by exactly 2 % as near", () => {
  // In floating point 816/1024 is a hair more than 2 % over 25/32.
  assert(Math.abs(816 / 1024 / (25 / 32) - 1) > 0.02);
  assertEquals(
    presetSize("1K", { width: 25, height: 32 }),
    { width: 816, height: 1024 },
  );
});

/** Finds the areas by going through the grid of 16, independently of the list that the code keeps. */
function searchEverything(
  preset: typeof PRESETS[number],
  ratio: Ratio,
): { largest: number | undefined; smallest: number | undefined } {
  const { edge, pixels } = LIMITS[preset];
  let largest: number | undefined;
  let smallest: number | undefined;
  for (let width = 16; width <= 3840; width += 16) {
    const middle = width * ratio.height / ratio.width;
    const from = Math.floor(middle * 0.97 / 16) * 16;
    for (
      let height = Math.max(16, from);
      height <= middle * 1.03;
      height += 16
    ) {
      const area = width * height;
      const long = Math.max(width, height);
      if (long > 3840 || long > 3 * Math.min(width, height)) continue;
      if (area < 655_360 || area > 8_294_400) continue;
      if (!isShaped({ width, height }, ratio)) continue;
      if (smallest === undefined || area < smallest) smallest = area;
      if (long > edge || area > pixels) continue;
      if (largest === undefined || area > largest) largest = area;
    }
  }
  return { largest, smallest };
}

function isShaped(size: Size, ratio: Ratio): boolean {
  const wanted = ratio.width / ratio.height;
  return Math.abs(size.width / size.height / wanted - 1) <= 0.02 + 1e-12;
}

function text(ratio: Ratio): string {
  return `${ratio.width}:${ratio.height}`;
}
