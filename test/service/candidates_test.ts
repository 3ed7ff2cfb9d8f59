import { assert, assertEquals, assertMatch } from "@std/assert";
import { NEAR_DUPLICATE_DISTANCE } from "../../src/images/perceptual_hash.ts";
import { startTestService } from "../support/service.ts";
import { filesIn, stepsOn } from "../support/test_server.ts";

const GENERATIONS = "/v1/images/generations";

Deno.test("candidates that fail or are the same", async (test) => {
  await using server = await startTestService();
  const step = stepsOn(server, test);

  await step(
    "finished images are kept when one candidate fails, and the first of them is the top of the answer",
    async () => {
      const response = await server.generate({
        prompt: "a fox sandbox:native=300x200 sandbox:moderation@1",
        count: 2,
      });
      const answer = await response.json();
      const { data, errors, status } = answer;
      assertEquals([response.status, status], [200, "partial"]);
      assertEquals(data.map(({ index }: Indexed) => index), [1]);
      assertEquals(data.map(({ id }: Indexed) => id.slice(-2)), ["-2"]);
      assertEquals(errors, [{
        index: 0,
        code: "moderation_blocked",
        message: "Your request was rejected by the safety system.",
      }]);
      assertEquals(answer.url, data[0].url);
      for (const { url } of data) {
        const file = await fetch(url);
        await file.body?.cancel();
        assertEquals(file.status, 200);
      }
    },
  );

  await step("fail_fast cancels the rest and fails the request", async () => {
    const before = filesIn(server.place.outputDir);
    const response = await server.generate({
      prompt:
        "a fox sandbox:native=300x200 sandbox:hang@1 sandbox:moderation@2",
      count: 2,
      fail_fast: true,
    });
    const { error } = await response.json();
    assertEquals([response.status, error.code], [400, "moderation_blocked"]);
    await server.untilIdle();
    assertEquals(filesIn(server.place.outputDir), before);
  });

  await step(
    "when all candidates fail the answer is the error of the first",
    async () => {
      const response = await server.generate({
        prompt:
          "a fox sandbox:native=300x200 sandbox:refuse@1 sandbox:moderation@2",
        count: 2,
      });
      const { error } = await response.json();
      assertEquals([response.status, error.code], [422, "model_refused"]);
    },
  );

  await step(
    "a picture that is the same as another's is made again, and reported where it stays the same",
    async () => {
      const response = await server.generate({
        prompt: "a fox sandbox:native=300x200 sandbox:same",
        count: 2,
      });
      const { data, errors, status } = await response.json();
      assertEquals([response.status, status], [200, "partial"]);
      assertEquals(data.length, 1);
      assertEquals(errors.length, 1);
      assertEquals(errors[0].code, "codex_no_image");
      assertEquals(data[0].index + errors[0].index, 1);
      assertEquals(server.place.sandbox.record.to(GENERATIONS).length, 3);
    },
  );

  await step(
    "a picture that looks like another's is made once more, and kept where it still does, as the answer says",
    async () => {
      const response = await server.generate({
        prompt: "an owl sandbox:native=300x200 sandbox:alike",
        count: 2,
      });
      const { data, smallest_distance, warnings } = await response.json();
      assertEquals(server.place.sandbox.record.to(GENERATIONS).length, 3);
      assertEquals(data.length, 2);
      assert(data[0].sha256 !== data[1].sha256);
      assert(smallest_distance <= NEAR_DUPLICATE_DISTANCE);
      assertMatch(
        warnings[0].message,
        /looks much like candidate [12]/,
      );
    },
  );
});

interface Indexed {
  readonly id: string;
  readonly index: number;
}
