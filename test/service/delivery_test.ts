import { assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import sharp from "sharp";
import { startTestService, type TestService } from "../support/service.ts";
import { stepsOn } from "../support/test_server.ts";

async function make(server: TestService, body: Record<string, unknown>) {
  const response = await server.generate(body);
  const answer = await response.json();
  assertEquals(response.status, 200, JSON.stringify(answer.error));
  const bytes = await (await fetch(answer.url)).bytes();
  return { answer, metadata: await sharp(bytes).metadata() };
}

Deno.test("POST generate delivers", async (test) => {
  await using server = await startTestService();
  const step = stepsOn(server, test);

  await step(
    "Codex's very file where nothing was asked of it but a quality, which it says to the model in words alone",
    async () => {
      const { answer } = await make(server, {
        prompt: "a heron",
        quality: "高",
      });
      const [drawn] = server.place.sandbox.record.to("/v1/images/generations");
      assertEquals(answer.data[0].sha256, drawn.picture);
      assertEquals(answer.data[0].resize, null);
      assertStringIncludes(drawn.prompt ?? "", "Quality: high.");
    },
  );

  await step(
    "a 2K 16:9 picture of 2048x1152, and keeps Codex's file",
    async () => {
      const { answer, metadata } = await make(server, {
        prompt: "a heron sandbox:native=800x450",
        size: "2K",
        aspect: "16:9",
      });
      assertEquals([metadata.width, metadata.height], [2048, 1152]);
      assertEquals(answer.resolved_size, "2048x1152");
      assertEquals(answer.data[0].native_size, "800x450");
      assertEquals(answer.data[0].resize, {
        fit: "cover",
        scale: 2.56,
        method: "bicubic",
      });
      assertMatch(answer.warnings[0].message, /2\.6 times/);
      const [drawn] = server.place.sandbox.record.to("/v1/images/generations");
      assertStringIncludes(
        drawn.prompt ?? "",
        "Aspect ratio: 16:9, wide landscape (horizontal) canvas.",
      );
      const original = await fetch(`${answer.url}?variant=original`);
      const digest = await crypto.subtle.digest(
        "SHA-256",
        await original.arrayBuffer(),
      );
      assertEquals(new Uint8Array(digest).toHex(), drawn.picture);
    },
  );

  await step(
    "a transparent picture where that is asked for, and measures it",
    async () => {
      const { answer, metadata } = await make(server, {
        prompt: "a heron sandbox:native=96x64",
        background: "transparent",
      });
      const [drawn] = server.place.sandbox.record.to("/v1/images/generations");
      assertEquals(drawn.background, "transparent");
      assertEquals(answer.data[0].transparent, true);
      assertEquals(metadata.hasAlpha, true);
    },
  );
});
