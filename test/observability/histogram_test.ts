import { assertEquals } from "@std/assert";
import { Histogram } from "../../src/observability/metrics.ts";

Deno.test("Histogram counts a value in every bucket whose bound it does not exceed", () => {
  const histogram = new Histogram({ name: "a_seconds", help: "Waits." }, [
    1,
    5,
  ]);
  for (const value of [0.5, 1, 3, 20]) histogram.observe(value);
  assertEquals(histogram.family, {
    name: "a_seconds",
    help: "Waits.",
    type: "histogram",
    samples: [
      { suffix: "_bucket", labels: { le: "1" }, value: 2 },
      { suffix: "_bucket", labels: { le: "5" }, value: 3 },
      { suffix: "_bucket", labels: { le: "+Inf" }, value: 4 },
      { suffix: "_sum", value: 24.5 },
      { suffix: "_count", value: 4 },
    ],
  });
});
