import { assertEquals } from "@std/assert";
import { MAX_OUTPUT_PIXELS, OUTPUT_EDGES } from "../../src/api/target.ts";
import { EXACT, exactProblem } from "../../src/studio/sizes.ts";

Deno.test("exactProblem() holds exact pixels against the rule of the server", () => {
  assertEquals(EXACT, { ...OUTPUT_EDGES, maxPixels: MAX_OUTPUT_PIXELS });
  assertEquals(exactProblem([1000, 701]), undefined);
  assertEquals(exactProblem([0, 700]), "Both edges need a number");
  assertEquals(exactProblem([1000, 63]), "63 is under 64");
  assertEquals(exactProblem([9000, 64]), "9000 is over 8192");
  assertEquals(exactProblem([8000, 8000]), "More than 33,177,600 pixels");
});
