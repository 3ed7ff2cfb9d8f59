import { assert, assertEquals } from "@std/assert";
import { delay } from "@std/async/delay";
import sharp from "sharp";
import { startTestService, type TestService } from "../support/service.ts";

const REQUESTS = 8;
const OUTCOMES = [
  ["", 200, undefined],
  ["sandbox:moderation", 400, "moderation_blocked"],
  ["", 200, undefined],
  ["sandbox:refuse", 422, "model_refused"],
  ["sandbox:usage-limit", 429, "usage_limit_reached"],
  ["", 200, undefined],
  ["sandbox:no-image", 502, "codex_no_image"],
] as const;

Deno.test("eight mixed requests at once each get their own answer and nobody another's picture, from no more workers than MAX_WORKERS", async () => {
  await using server = await startTestService({
    MAX_WORKERS: "4",
    PAUSE_ON_USAGE_LIMIT: "0",
  });
  const drawing = Promise.all(
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
  const most = await countWorkers(server, drawing);
  assert(most > 1 && most <= 4, `${most} at once`);
  const answers = await drawing;
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

/** Counts how many workers there are at once until something is over. */
async function countWorkers(
  server: TestService,
  work: Promise<unknown>,
): Promise<number> {
  let most = 0;
  let isOver = false;
  const end = () => isOver = true;
  work.then(end, end);
  while (!isOver) {
    const { active } = await server.workers();
    assert(active <= 4, `${active} active`);
    // What the CLI starts is called like itself for a moment, but is no child of the server's.
    const workers = (await server.processes()).filter(({ command, parent }) =>
      parent === Deno.pid && /^\S*\/codex exec /.test(command)
    );
    most = Math.max(most, workers.length);
    await delay(300);
  }
  return most;
}
