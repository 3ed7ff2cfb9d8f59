import { assert, assertEquals } from "@std/assert";
import {
  checkSize,
  formatSize,
  legalSizes,
  nearestLegalSize,
} from "../../src/api/size.ts";

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
