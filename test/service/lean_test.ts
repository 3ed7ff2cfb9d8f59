import { assert, assertEquals } from "@std/assert";
import { startTestService, type TestService } from "../support/service.ts";

const PROMPT = "a fox sandbox:native=64x64 sandbox:refuse-instructions";

Deno.test("the instructions of workers", async (test) => {
  await using stock = await startTestService({ LEAN: "0" });
  await using lean = await startTestService();

  await test.step("LEAN=0 runs the CLI with its own instructions", async () => {
    await draw(stock);
    assertEquals(stock.logLines("codex.lean.refused"), []);
  });

  await test.step("a service that refuses our instructions is asked once more with the CLI's own", async () => {
    await draw(lean);
    await draw(lean);
    // Said once, and remembered.
    assertEquals(lean.logLines("codex.lean.refused").length, 1);
    const words = calls(lean).flatMap(({ words }) => words ?? []);
    // On a busy machine the CLI may get as far as its closing call.
    assert(words.length >= 3 && words.length <= 5, `${words.length} calls`);
    assertEquals(new Set(words), new Set([PROMPT]));
  });

  await test.step("our instructions make the request to the model a good deal smaller", () => {
    // The first of them is the one that was refused.
    const [small, large] = [lean, stock].map((server) =>
      calls(server)[0].bytes
    );
    assert(small < 28_000, `${small}`);
    assert(small < large / 2, `${small} ${large}`);
  });
});

async function draw(server: TestService): Promise<void> {
  const response = await server.generate({ prompt: PROMPT });
  await response.body?.cancel();
  assertEquals(response.status, 200);
}

/** The calls of the model. */
function calls({ place }: TestService) {
  return place.sandbox.record.to("/v1/responses")
    .filter(({ method }) => method === "POST");
}
