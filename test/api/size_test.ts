import { assert, assertEquals } from "@std/assert";
import {
  checkSize,
  formatSize,
  legalRatio,
  legalSizes,
  nearestLegalSize,
  PRESETS,
  presetSize,
  type Ratio,
  type Size,
} from "../../src/api/size.ts";

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

const NEAREST: readonly (readonly [number, number, string])[] = [
  [1920, 1080, "1920x1088"],
  [1080, 1920, "1088x1920"],
  [512, 512, "816x816"],
  [1008, 640, "1024x640"],
  [3856, 2144, "3840x2144"],
  [2896, 2880, "2880x2880"],
  [4096, 2048, "3840x2048"],
  [1000, 1000, "1008x1008"],
  [5000, 5000, "2880x2880"],
];

Deno.test("legalSizes() lists every legal size once", () => {
  const listed = new Set(legalSizes().map(formatSize));
  let legal = 0;
  for (let width = 8; width <= 4000; width += 8) {
    for (let height = 8; height <= 4000; height += 8) {
      if (checkSize({ width, height }) !== undefined) continue;
      legal++;
      assert(listed.has(formatSize({ width, height })));
    }
  }
  assertEquals(legal, legalSizes().length);
});

for (const [width, height, nearest] of NEAREST) {
  Deno.test(`nearestLegalSize() takes ${width}x${height} to ${nearest}`, () => {
    assertEquals(formatSize(nearestLegalSize({ width, height })), nearest);
  });
}

Deno.test("nearestLegalSize() leaves a legal size as it is", () => {
  for (const size of legalSizes().filter((_, index) => index % 997 === 0)) {
    assertEquals(nearestLegalSize(size), size);
  }
});

Deno.test("nearestLegalSize() finds no size less changed than its own", () => {
  for (
    const [width, height] of [[3840, 1264], [1, 1], [640, 5000], [777, 901]]
  ) {
    const own = nearestLegalSize({ width, height });
    const change = (to: { width: number; height: number }) =>
      Math.hypot(Math.log(to.width / width), Math.log(to.height / height));
    const closer = legalSizes().filter((size) =>
      change(size) < change(own) - 1e-9
    );
    assertEquals(closer, []);
  }
});

Deno.test("nearestLegalSize() works far outside of the limits", () => {
  for (const [width, height] of [[999_999, 1], [1, 999_999], [1, 1]]) {
    assertEquals(checkSize(nearestLegalSize({ width, height })), undefined);
  }
});

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
    "3:2": "1008x672",
    // Nothing of 16:9 within 1024 has enough pixels, so the smallest of its shape stands.
    "16:9": "1280x720",
    "9:16": "720x1280",
  },
  "2K": {
    "1:1": "2048x2048",
    "16:9": "2048x1152",
    "9:16": "1152x2048",
    "3:2": "2016x1344",
    "3:1": "2016x672",
  },
  "4K": {
    "1:1": "2880x2880",
    "16:9": "3840x2160",
    "9:16": "2160x3840",
    "4:5": "2560x3200",
    "21:9": "3808x1632",
    "3:1": "3840x1280",
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

/** Every legal size. */
const GRID: readonly Size[] = Array.from({ length: 240 * 240 }, (_, index) => ({
  width: 16 + index % 240 * 16,
  height: 16 + Math.floor(index / 240) * 16,
})).filter(({ height, width }) =>
  width <= 3 * height && height <= 3 * width && width * height >= 655_360 &&
  width * height <= 8_294_400
);

for (const preset of PRESETS) {
  for (const [aspect, size] of Object.entries(EXPECTED[preset])) {
    Deno.test(`presetSize() makes ${preset} ${aspect} ${size}`, () => {
      const [width, height] = aspect.split(":").map(Number);
      assertEquals(formatSize(presetSize(preset, { width, height })), size);
    });
  }

  Deno.test(`presetSize() finds for ${preset} and every ratio what a plain search finds`, () => {
    for (const ratio of RATIOS) {
      const expected = formatSize(searchEverything(preset, ratio));
      assertEquals(
        formatSize(presetSize(preset, ratio)),
        expected,
        text(ratio),
      );
    }
  });
}

Deno.test("presetSize() takes ratios with fractions", () => {
  assertEquals(
    presetSize("4K", { width: 2.35, height: 1 }),
    { width: 3760, height: 1600 },
  );
});

/** Finds the size by going through the grid of 16 by the words of the rule, independently of the code. */
function searchEverything(preset: typeof PRESETS[number], ratio: Ratio): Size {
  const { edge, pixels } = LIMITS[preset];
  let area = 0;
  const near = GRID.filter(({ height, width }) =>
    width <= edge && height <= edge && width * height <= pixels &&
    50 * Math.abs(width * ratio.height - height * ratio.width) <=
      height * ratio.width
  );
  for (const { height, width } of near) area = Math.max(area, width * height);
  const large = near.filter(({ height, width }) =>
    width * height >= 0.85 * area
  );
  const sign = large.length > 0 ? 1 : -1;
  let found: Size | undefined;
  for (const size of large.length > 0 ? large : GRID) {
    if (found === undefined || compare(size, found) > 0) found = size;
  }
  assert(found !== undefined);
  return found;

  /** Positive where the first is the better one, in whole numbers. */
  function compare(one: Size, other: Size): number {
    const error = (size: Size) =>
      Math.abs(size.width * ratio.height - size.height * ratio.width);
    const nearer = error(other) * one.height - error(one) * other.height;
    const larger = one.width * one.height - other.width * other.height;
    return nearer !== 0 ? nearer : sign * larger;
  }
}

function text(ratio: Ratio): string {
  return `${ratio.width}:${ratio.height}`;
}
