import { assertEquals } from "@std/assert";
import { Counter } from "../../src/observability/metrics.ts";

const NAME = { name: "a_total", help: "Things." };

Deno.test("Counter counts each set of labels by itself", () => {
  const counter = new Counter(NAME);
  counter.add({ code: "x" });
  counter.add({ code: "y" }, 5);
  counter.add({ code: "x" });
  assertEquals(counter.family, {
    ...NAME,
    type: "counter",
    samples: [
      { labels: { code: "x" }, value: 2 },
      { labels: { code: "y" }, value: 5 },
    ],
  });
});

Deno.test("Counter shows known labels before they are counted", () => {
  const counter = new Counter(NAME, [{ code: "x" }]);
  assertEquals(counter.family.samples, [{ labels: { code: "x" }, value: 0 }]);
});
