import { assertEquals } from "@std/assert";
import { planResize } from "../../src/images/fit.ts";

const NATIVE = { width: 1672, height: 941 };
const SIZE = { width: 3840, height: 2160 };

Deno.test("planResize() covers by the larger of the two ratios", () => {
  assertEquals(planResize(NATIVE, { size: SIZE, fit: "cover" }), {
    fit: "cover",
    scale: 3840 / 1672,
  });
});

Deno.test("planResize() contains by the smaller of the two ratios", () => {
  assertEquals(planResize(NATIVE, { size: SIZE, fit: "contain" }), {
    fit: "contain",
    scale: 2160 / 941,
  });
});

Deno.test("planResize() does not scale where nothing is to be done about another size", () => {
  assertEquals(planResize(NATIVE, { size: SIZE, fit: "none" }), {
    fit: "none",
    scale: 1,
  });
});

for (const fit of ["cover", "contain", "none"] as const) {
  Deno.test(`planResize() has nothing to do for "${fit}" where the size is right or none is wanted`, () => {
    assertEquals(planResize(NATIVE, { size: { ...NATIVE }, fit }), null);
    assertEquals(planResize(NATIVE, { size: undefined, fit }), null);
  });

  Deno.test(`planResize() sees for "${fit}" that only one edge differs`, () => {
    const wider = { width: 1673, height: 941 };
    const higher = { width: 1672, height: 942 };
    for (const size of [wider, higher]) {
      assertEquals(planResize(NATIVE, { size, fit })?.fit, fit);
    }
  });
}
