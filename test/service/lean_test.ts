import { assert, assertEquals } from "@std/assert";
import { startTestService } from "../support/service.ts";

Deno.test("LEAN=0 runs the CLI with its own instructions", async () => {
  await using server = await startTestService({ LEAN: "0" });
  const response = await server.generate({
    prompt: "a fox sandbox:refuse-instructions",
    count: 2,
  });
  const { data } = await response.json();
  assertEquals([response.status, data.length], [200, 2]);
  assertEquals(server.logLines("codex.lean.refused"), []);
  await server.untilIdle();
});

Deno.test("a service that refuses our instructions is asked once more with the CLI's own", async () => {
  await using server = await startTestService();
  const prompt = "a fox sandbox:refuse-instructions";
  const first = await server.generate({ prompt });
  const second = await server.generate({ prompt });
  await first.body?.cancel();
  await second.body?.cancel();
  assertEquals([first.status, second.status], [200, 200]);
  // Said once, and remembered.
  assertEquals(server.logLines("codex.lean.refused").length, 1);
  const words = server.place.sandbox.record.to("/v1/responses")
    .flatMap(({ words }) => words ?? []);
  // On a busy machine the CLI may get as far as its closing call.
  assert(words.length >= 3 && words.length <= 5, `${words.length} calls`);
  assertEquals(new Set(words), new Set([prompt]));
});

Deno.test("our instructions make the request to the model a good deal smaller", async () => {
  const bytes: number[] = [];
  for (const LEAN of ["1", "0"]) {
    await using server = await startTestService({ LEAN });
    await (await server.generate({ prompt: "a fox" })).body?.cancel();
    const [call] = server.place.sandbox.record.to("/v1/responses")
      .filter(({ method }) => method === "POST");
    bytes.push(call.bytes);
  }
  assert(bytes[0] < 28_000, `${bytes}`);
  assert(bytes[0] < bytes[1] / 2, `${bytes}`);
});
