import { assertEquals, assertNotEquals } from "@std/assert";
import { startTestService } from "../support/service.ts";
import { filesIn } from "../support/test_server.ts";

const GENERATIONS = "/v1/images/generations";

Deno.test("finished images are kept when one candidate fails", async () => {
  await using server = await startTestService();
  const response = await server.generate({
    prompt: "a fox sandbox:moderation@3",
    count: 4,
  });
  const { data, errors, status } = await response.json();
  assertEquals([response.status, status], [200, "partial"]);
  assertEquals(data.map(({ index }: Indexed) => index), [0, 1, 3]);
  assertEquals(
    data.map(({ id }: Indexed) => id.slice(-2)),
    ["-1", "-2", "-4"],
  );
  assertEquals(errors, [{
    index: 2,
    code: "moderation_blocked",
    message: "Your request was rejected by the safety system.",
  }]);
  for (const { url } of data) {
    const file = await fetch(url);
    await file.body?.cancel();
    assertEquals(file.status, 200);
  }
});

Deno.test("the top of a partial answer is the first image that there is", async () => {
  await using server = await startTestService();
  const answer = await (await server.generate({
    prompt: "a fox sandbox:refuse@1",
    count: 2,
  })).json();
  assertEquals(answer.data.length, 1);
  assertEquals(answer.data[0].index, 1);
  assertEquals(answer.url, answer.data[0].url);
  assertEquals(answer.errors[0].index, 0);
});

Deno.test("fail_fast cancels the rest and fails the request", async () => {
  await using server = await startTestService();
  const response = await server.generate({
    prompt: "a fox sandbox:hang@1 sandbox:moderation@2 sandbox:hang@3",
    count: 3,
    fail_fast: true,
  });
  const { error } = await response.json();
  assertEquals([response.status, error.code], [400, "moderation_blocked"]);
  await server.untilIdle();
  assertEquals(filesIn(server.place.outputDir), []);
});

Deno.test("when all candidates fail the answer is the error of the first", async () => {
  await using server = await startTestService();
  const response = await server.generate({
    prompt: "a fox sandbox:refuse@1 sandbox:moderation@2",
    count: 2,
  });
  const { error } = await response.json();
  assertEquals([response.status, error.code], [422, "model_refused"]);
});

Deno.test("a picture that is the same as another's is made again", async () => {
  await using server = await startTestService();
  const response = await server.generate({
    prompt: "a fox sandbox:same=2",
    count: 2,
  });
  const { data, status } = await response.json();
  assertEquals(status, "completed");
  assertNotEquals(data[0].sha256, data[1].sha256);
  assertEquals(server.place.sandbox.record.to(GENERATIONS).length, 3);
});

Deno.test("a picture that stays the same as another's is reported", async () => {
  await using server = await startTestService();
  const response = await server.generate({
    prompt: "a fox sandbox:same",
    count: 2,
  });
  const { data, errors, status } = await response.json();
  assertEquals([response.status, status], [200, "partial"]);
  assertEquals(data.length, 1);
  assertEquals(errors.length, 1);
  assertEquals(errors[0].code, "codex_no_image");
  assertEquals(data[0].index + errors[0].index, 1);
  assertEquals(server.place.sandbox.record.to(GENERATIONS).length, 3);
});

interface Indexed {
  readonly id: string;
  readonly index: number;
}
