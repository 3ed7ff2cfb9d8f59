import { assert, assertEquals } from "@std/assert";
import sharp from "sharp";
import { startTestService } from "../support/service.ts";

const REQUESTS = 20;
const OUTCOMES = [
  ["", 200, undefined],
  ["sandbox:moderation", 400, "moderation_blocked"],
  ["", 200, undefined],
  ["sandbox:refuse", 422, "model_refused"],
  ["sandbox:usage-limit", 429, "usage_limit_reached"],
  ["", 200, undefined],
  ["sandbox:no-image", 502, "codex_no_image"],
] as const;

Deno.test("twenty mixed requests at once each get their own answer and nobody another's picture", async () => {
  await using server = await startTestService({
    MAX_WORKERS: "4",
    PAUSE_ON_USAGE_LIMIT: "0",
  });
  const answers = await Promise.all(
    Array.from({ length: REQUESTS }, async (_, index) => {
      const [directive, status, code] = OUTCOMES[index % OUTCOMES.length];
      // The size of a picture tells whose it is.
      const size = { width: 300 + index, height: 200 + 2 * index };
      const prompt =
        `animal ${index} sandbox:native=${size.width}x${size.height} ${directive}`;
      const count = index % 5 === 0 ? 2 : 1;
      const response = await server.generate({ prompt, count });
      const body = await response.json();
      return { body, code, count, prompt, response, size, status };
    }),
  );
  const drawn = server.place.sandbox.record.to("/v1/images/generations");
  for (const { body, code, count, prompt, response, size, status } of answers) {
    assertEquals(response.status, status, prompt);
    assertEquals(body.error?.code, code, prompt);
    if (status !== 200) continue;
    assertEquals(body.data.length, count);
    for (const { revised_prompt, sha256, url } of body.data) {
      assert(revised_prompt.startsWith(`${prompt}\n`), revised_prompt);
      const bytes = await (await fetch(url)).arrayBuffer();
      const { width, height } = await sharp(bytes).metadata();
      assertEquals({ width, height }, size, prompt);
      const digest = await crypto.subtle.digest("SHA-256", bytes);
      assertEquals(new Uint8Array(digest).toHex(), sha256);
      const source = drawn.find(({ picture }) => picture === sha256);
      assertEquals(source?.prompt, revised_prompt);
    }
  }
  const digests = answers.flatMap(({ body }) =>
    (body.data ?? []).map(({ sha256 }: { sha256: string }) => sha256)
  );
  assertEquals(new Set(digests).size, digests.length);
  await server.untilIdle();
});

Deno.test("there are never more workers than MAX_WORKERS", async () => {
  await using server = await startTestService({ MAX_WORKERS: "2" });
  const answers = Array.from(
    { length: 3 },
    (_, index) => server.generate({ prompt: `animal ${index}`, count: 2 }),
  );
  let most = 0;
  let open = answers.length;
  answers.forEach((answer) =>
    answer.then(async ({ body }) => {
      await body?.cancel();
      open--;
    })
  );
  while (open > 0) {
    const { active } = await server.workers();
    // What the CLI starts is called like itself for a moment, but is no child of the server's.
    const workers = (await server.processes()).filter(({ command, parent }) =>
      parent === Deno.pid && /^\S*\/codex exec /.test(command)
    );
    assertEquals(active <= 2, true);
    most = Math.max(most, workers.length);
  }
  assertEquals(most, 2);
});
